"""A key that is changed in Langfuse while calls are under way, read from a real Postgres."""

from __future__ import annotations

import asyncio
import threading

import psycopg
import pytest

from genai_integrations import GenAIClient
from genai_integrations.connections.langfuse.store import LangfuseStore
from genai_integrations.errors import AuthenticationError, UntrustedHostError

KEY = "0123456789abcdef" * 4
QUESTION = [{"role": "user", "content": "one"}]
PLACE = {"project_id": "lab-project", "encryption_key": KEY}


class CountedStore(LangfuseStore):
    """Counts how often the database is read."""

    loads = 0

    def load(self, names):
        self.loads += 1
        return super().load(names)


@pytest.fixture
def store(database, seoul):
    """The connection `seoul` in the database, with a key that the server knows."""
    seoul.api_keys = {"sk-old"}
    url = f"{seoul.url}/v1"
    database.insert_connection("seoul", "openai", "sk-old", base_url=url, **PLACE)
    return CountedStore(database.url, [KEY], project_id=lambda: "lab-project")


@pytest.fixture
def client(store):
    with GenAIClient(
        connections=store, llm_connection_names=["seoul"], router_args={"num_retries": 0}
    ) as client:
        yield client


@pytest.fixture
def change(database, seoul):
    """Change the key as its owner does: first in Langfuse, then the old one is revoked."""

    def change(new="sk-new"):
        database.update_connection("seoul", secret=new, **PLACE)
        seoul.api_keys = {new}

    return change


def test_fifty_threads_do_not_notice(client, store, change, seoul):
    """Not one of their calls fails, and the database is read a few times, not once per call."""
    done, failures = threading.Event(), []

    def call():
        while not done.is_set():
            try:
                client.completion("gpt-4o", QUESTION)
            except Exception as error:  # noqa: BLE001  whatever it is, it is counted
                failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(50)]
    for thread in threads:
        thread.start()
    for at, new in enumerate(("sk-second", "sk-third"), start=1):
        seoul.wait_for_requests(at * 300, 60)
        change(new)
    seoul.wait_for_requests(900, 60)
    done.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert store.loads <= 10
    assert seoul.requests[-1].headers["authorization"] == "Bearer sk-third"


def test_fifty_tasks_do_not_notice(client, change, seoul):
    """The same in a loop, streams among them."""

    async def call(number):
        for _ in range(6):
            if number % 2:
                await client.acompletion("gpt-4o", QUESTION)
            else:
                stream = await client.acompletion("gpt-4o", QUESTION, stream=True)
                assert [chunk async for chunk in stream]

    async def run():
        calls = asyncio.gather(*(call(number) for number in range(50)))
        await asyncio.to_thread(seoul.wait_for_requests, 100, 60)
        await asyncio.to_thread(change)
        await calls

    asyncio.run(run())

    assert seoul.requests[-1].headers["authorization"] == "Bearer sk-new"


def test_the_route_tells_of_the_new_key(client, change, ask):
    """One refused attempt, one with the key that was read again."""
    ask(client)
    change()

    attempts = ask(client).route.attempts

    assert [(row.reason, row.outcome) for row in attempts] == [
        ("first", "AuthenticationError"),
        ("new key", "ok"),
    ]


def test_a_key_that_is_refused_for_good_is_not_read_again_and_again(client, store, seoul):
    """A hundred refused calls do not read the database a hundred times."""
    client.completion("gpt-4o", QUESTION)
    seoul.api_keys = {"sk-other"}

    for _ in range(100):
        with pytest.raises(AuthenticationError):
            client.completion("gpt-4o", QUESTION)

    assert store.loads <= 5
    assert len(seoul.requests) == 101


def test_a_new_key_is_used_without_a_failure_after_a_refresh(client, change, seoul):
    """`refresh()` reads at once: the next call has the new key from the start."""
    client.completion("gpt-4o", QUESTION)
    change()
    client.refresh()

    attempts = client.completion("gpt-4o", QUESTION).route.attempts

    assert [row.outcome for row in attempts] == ["ok"]


def test_an_address_changed_by_someone_else_gets_no_key(client, database, seoul, usa, ask):
    """A row whose base URL was changed while the key stays is refused, and nothing is sent there."""
    ask(client)
    database.update_connection("seoul", base_url=f"{usa.url}/v1", **PLACE)
    client.refresh()

    with pytest.raises(UntrustedHostError, match="allowed_hosts"):
        ask(client)

    assert not usa.requests


def test_a_ciphertext_copied_to_another_row_gets_no_further(store, database, seoul, usa, ask):
    """The key still decrypts there, but it is bound to the host it was first used for."""
    database.insert_connection("mallory", "openai", "-", base_url=f"{usa.url}/v1", **PLACE)
    with psycopg.connect(database.url) as connection:
        connection.execute(
            "UPDATE llm_api_keys SET secret_key = other.secret_key FROM llm_api_keys AS other"
            " WHERE llm_api_keys.provider = 'mallory' AND other.provider = 'seoul'"
        )
    with GenAIClient(connections=store, router_args={"num_retries": 0}) as client:
        ask(client, "seoul/gpt-4o")
        with pytest.raises(UntrustedHostError):
            ask(client, "mallory/gpt-4o")

    assert not usa.requests


def test_an_owner_may_move_a_key(store, database, seoul, usa, ask):
    """`allowed_hosts` names where it may go."""
    host = usa.url.removeprefix("http://")
    with GenAIClient(
        connections=store, llm_connection_names=["seoul"], allowed_hosts=[host]
    ) as client:
        ask(client)
        database.update_connection("seoul", base_url=f"{usa.url}/v1", **PLACE)
        client.refresh()
        ask(client)

    assert usa.requests[0].headers["authorization"] == "Bearer sk-old"
