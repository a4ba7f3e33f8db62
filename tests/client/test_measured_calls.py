"""What is measured of real calls: each one counts once, however it ends, and a slow target is left alone at once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from genai_integrations import GenAIClient
from genai_integrations.errors import GenAIError
from genai_integrations.testing.faults import Fault

ROWS = [
    {"model_name": "smart", "litellm_params": {"model": "seoul/gpt-4o"}},
    {"model_name": "smart", "litellm_params": {"model": "usa/gpt-4o"}},
]
VECTORS = [
    {
        "model_name": "vectors",
        "litellm_params": {"model": "usa/text-embedding-3-small", "dimensions": 8},
    }
]
HELLO = [{"role": "user", "content": "one two three four"}]


@pytest.fixture
def make(connect, seoul, usa):
    """A client of both regions with the group `smart` and a strategy."""
    clients = []

    def make(strategy="latency-based-routing", **args):
        given = {"model_list": ROWS, "routing_strategy": strategy, **args}
        client = GenAIClient(connections=[connect(seoul), connect(usa)], router_args=given)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


def measured(client):
    return client._router._parts.measured


def test_every_call_is_measured(make, ask, mode):
    """Its latency, and its tokens in the minute; streams apart."""
    client = make()
    for _ in range(4):
        ask(client, "seoul/gpt-4o")
    seen, is_stream = measured(client), "stream" in mode

    assert seen.latency("seoul/gpt-4o", is_stream) > 0
    assert seen.latency("seoul/gpt-4o", not is_stream) is None
    # A minute may end between the calls.
    assert seen.minute("seoul/gpt-4o").requests <= 4
    assert seen.minute("seoul/gpt-4o").tokens in {0, 10, 20, 30, 40}
    assert seen.in_flight("seoul/gpt-4o") == 0


@pytest.mark.parametrize(
    "fault", [Fault.status(500), Fault.rate_limited(), Fault.empty(), Fault.cut(2), Fault.bad_request()], ids=str
)  # fmt: skip
def test_a_call_that_fails_is_no_longer_under_way(make, ask, seoul, fault):
    """Refused, broken off, or wrong in itself."""
    seoul.faults["*"] = fault
    client = make(num_retries=0)
    with pytest.raises(GenAIError):
        ask(client, "seoul/gpt-4o")

    assert measured(client).in_flight("seoul/gpt-4o") == 0


def test_a_stream_that_is_left_is_no_longer_under_way(make):
    """Its first content was measured all the same."""
    client = make()
    with client.completion("seoul/gpt-4o", HELLO, stream=True) as stream:
        next(iter(stream))
        assert measured(client).in_flight("seoul/gpt-4o") == 1

    assert measured(client).in_flight("seoul/gpt-4o") == 0
    assert measured(client).latency("seoul/gpt-4o", stream=True) > 0


async def test_a_call_that_is_cancelled_is_no_longer_under_way(make, seoul):
    """It says nothing of the target."""
    seoul.faults["*"] = Fault.hang()
    client = make()
    call = asyncio.create_task(client.acompletion("seoul/gpt-4o", HELLO))
    await asyncio.to_thread(seoul.wait_for_requests, 1)
    assert measured(client).in_flight("seoul/gpt-4o") == 1

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert measured(client).in_flight("seoul/gpt-4o") == 0
    assert measured(client).latency("seoul/gpt-4o") is None


@pytest.mark.parametrize("strategy", ["latency-based-routing", "least-busy"])
def test_who_has_not_answered_yet_is_left_alone(make, ask, mode, seoul, strategy):
    """While one call waits for a target, twenty others go elsewhere; nobody has to wait for a time-out to know."""
    goes_on = threading.Event()
    seoul.faults["*"] = Fault.drip(goes_on)
    client = make(strategy)
    waiting = threading.Thread(
        target=client.completion, args=("seoul/gpt-4o", HELLO), kwargs={"stream": "stream" in mode}
    )
    waiting.start()
    seoul.wait_for_requests(1)
    served = {ask(client, "smart").route.served for _ in range(20)}
    goes_on.set()
    waiting.join()

    assert served == {"usa/gpt-4o"}


def test_embeddings_have_groups_and_defaults_too(make, usa):
    """Sync and async; the row's number of dimensions is asked for."""
    client = make(model_list=VECTORS)

    async def both():
        return [client.embedding("vectors", "one"), await client.aembedding("vectors", ["two"])]

    replies = asyncio.run(both())
    assert [reply.route.served for reply in replies] == ["usa/text-embedding-3-small"] * 2
    assert [received.body["dimensions"] for received in usa.requests] == [8, 8]


class Counting:
    """A store without connections that counts how often it is read."""

    reads = 0

    def load(self, names):
        self.reads += 1
        return []


def test_a_refused_key_of_a_row_is_not_looked_for_in_the_store(seoul):
    """The store has no newer one; the next row answers."""
    seoul.api_keys = {"sk-new"}
    rows = [
        {"model_name": "smart", "litellm_params": {
            "model": "openai/gpt-4o", "api_base": f"{seoul.url}/v1", "api_key": key, "order": order}}
        for order, key in enumerate(("sk-old", "sk-new"))
    ]  # fmt: skip
    store = Counting()
    with GenAIClient(connections=store, router_args={"model_list": rows}) as client:
        route = client.completion("smart", HELLO).route

    assert [row.outcome for row in route.attempts] == ["AuthenticationError", "ok"]
    assert store.reads == 1
