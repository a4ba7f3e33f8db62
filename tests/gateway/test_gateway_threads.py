"""What waits for a database, a store or a file of one project holds up nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
from gateway_support import served

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import CredentialStoreError
from genai_integrations.gateway import Caller, GatewayOptions
from genai_integrations.gateway.keys.guesses import Guesses
from genai_integrations.gateway.keys.shown import Token
from genai_integrations.gateway.keys.tokens import Tokens
from genai_integrations.gateway.listing import Listing
from genai_integrations.gateway.refusals import Refused

BODY = {"model": "seoul/gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


class HangingStore:
    """A store of connections that answers when a test says so.

    Attributes:
        asked: How often it was asked.
    """

    def __init__(self):
        self.asked = 0
        self.has_come = threading.Semaphore(0)
        self.may_answer = threading.Event()

    def load(self, names):
        self.asked += 1
        self.has_come.release()
        self.may_answer.wait(60)
        raise CredentialStoreError("the database is away")


class ByName:
    """Keys that are the name of a client."""

    def __init__(self, **clients):
        self._callers = {
            name: Caller(client, name, project=name) for name, client in clients.items()
        }

    async def admit(self, headers, address=""):
        return self._callers[headers["x-api-key"]]

    async def is_ready(self):
        return True

    async def aclose(self): ...


def test_a_project_whose_database_hangs_holds_up_no_other(provider):
    """Its lists, pages and calls wait; another project's models, page and calls, with one that counts long, do not."""
    store = HangingStore()
    row = Connection.of(
        "seoul", "openai", "sk-seoul", f"{provider.url}/v1", custom_models=["gpt-4o"]
    )
    stuck = GenAIClient(connections=store, tracing=False)
    well = GenAIClient(connections=[row], tracing=False, cache="memory", budgets={"*": {"usd": 1}})
    keys = ByName(stuck=stuck, well=well)
    with (
        served(GatewayOptions(keys, drain_delay=0)) as url,
        ThreadPoolExecutor(100) as pool,
        contextlib.closing(httpx.Client(base_url=url, limits=httpx.Limits(max_connections=None))) as http,
    ):  # fmt: skip
        waiting = [
            pool.submit(http.get, path, headers={"x-api-key": "stuck"}, timeout=60)
            for path in ("/v1/models", "/") * 40
        ]
        store.has_come.acquire()
        mine = {"x-api-key": "well"}
        long = {**BODY, "messages": [{"role": "user", "content": "word " * 30_000}]}
        answers = [
            http.get("/v1/models", headers=mine),
            http.get("/", headers=mine),
            http.post("/v1/chat/completions", json=BODY, headers=mine),
            http.post("/v1/chat/completions", json=long, headers=mine),
        ]
        store.may_answer.set()
        theirs = [one.result().status_code for one in waiting]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]
    assert set(theirs) == {200, 503}


async def test_a_project_is_looked_at_once_at_a_time():
    """However many ask for its models, one thread waits for its database, and all are told the same."""
    store = HangingStore()
    caller = Caller(GenAIClient(connections=store, tracing=False), "stuck")
    listing = Listing()
    others = set(threading.enumerate())
    asking = [asyncio.create_task(listing.names_for(caller)) for _ in range(50)]
    await asyncio.to_thread(store.has_come.acquire)
    asking[0].cancel()
    names = [thread.name for thread in set(threading.enumerate()) - others]
    store.may_answer.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)

    assert len([name for name in names if name.startswith("genai-gateway-models")]) == 1
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert all(isinstance(outcome, CredentialStoreError) for outcome in outcomes[1:])
    listing.close()


async def test_keys_are_read_in_threads_of_their_own():
    """While the store of narrow keys hangs, the loop's own threads are free, and eight wait for it at most."""
    may_answer, has_come, asked = threading.Event(), threading.Semaphore(0), []

    class Store:
        def get(self, key_id):
            asked.append(threading.current_thread().name)
            has_come.release()
            may_answer.wait(60)

    tokens = Tokens(Store(), Guesses(most=10_000))
    asking = [asyncio.create_task(tokens.of(Token(f"id-{n}", "s"))) for n in range(100)]
    for _ in range(8):
        await asyncio.to_thread(has_come.acquire)
    assert len(asked) == 8
    may_answer.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)

    assert {name.rpartition("_")[0] for name in asked} == {"genai-gateway-tokens"}
    assert {type(outcome) for outcome in outcomes} == {Refused}
    tokens.close()
