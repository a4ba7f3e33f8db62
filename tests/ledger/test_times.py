"""What is measured of an attempt on its way, for a ledger: connection, head of the answer, gaps."""

from __future__ import annotations

import asyncio
import threading

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import APIConnectionError, GenAIError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

QUESTION = [{"role": "user", "content": "Hi"}]
UNMEASURED = (None, None, None)


def client_of(url, **more):
    """A client of one connection that never tries again."""
    row = Connection.of("seoul", "openai", "sk-1", url, custom_models=["gpt-4o"])
    return GenAIClient(connections=[row], router_args={"num_retries": 0}, **more)


@pytest.fixture
def client(provider, tmp_path):
    """A client that writes its calls down, to a provider whose stream is five words long."""
    provider.replies["gpt-4o"] = ["one ", "two ", "three ", "four ", "five"]
    return client_of(provider.url, ledger=tmp_path / "calls.db")


def times_of(route):
    """The three times of the last attempt."""
    row = route.attempts[-1]
    return row.connect_ms, row.first_byte_ms, row.longest_gap_ms


def written(client):
    """The three times of the last attempt, as the ledger has them."""
    with client._ledger.book.reading() as connection:
        found = connection.execute(
            "SELECT connect_ms, first_byte_ms, longest_gap_ms FROM attempts ORDER BY rowid DESC"
        )
        return tuple(found.fetchone())


def ask(client, way, **args):
    """The route of a call, whose stream is read to its end."""
    if way == "async":
        return asyncio.run(aask(client, **args))
    answer = client.completion("gpt-4o", QUESTION, **args)
    if args.get("stream"):
        list(answer)
    return answer.route


async def aask(client, **args):
    """As `ask`, in an event loop."""
    answer = await client.acompletion("gpt-4o", QUESTION, **args)
    if args.get("stream"):
        async for _ in answer:
            pass
    return answer.route


def check_in_order(route):
    """A stream's times lie one after the other, within the attempt."""
    row = route.attempts[-1]
    assert 0 <= row.first_byte_ms <= row.first_content_ms <= row.ms
    assert 0 <= row.longest_gap_ms <= row.ms - row.first_byte_ms


def test_a_connection_is_measured_where_it_is_made(client):
    """The first call makes one, the second uses it again; both know when the head came."""
    first = client.completion("gpt-4o", QUESTION).route
    connect, head, gap = times_of(first)
    assert 0 < connect <= head <= first.attempts[0].ms
    assert gap is None
    assert written(client) == (connect, head, None)

    connect, head, gap = times_of(client.completion("gpt-4o", QUESTION).route)
    assert (connect, gap) == (None, None)
    assert head > 0
    assert written(client) == (None, head, None)


def test_the_same_in_an_event_loop(client, provider):
    """By the other HTTP client; a call without a ledger in the same task is not measured."""

    async def run():
        routes = [await aask(client), await aask(client), await aask(client, stream=True)]
        return [*routes, await aask(client_of(provider.url))]

    first, second, third, other = asyncio.run(run())
    connect, head, _ = times_of(first)
    assert 0 < connect <= head <= first.attempts[0].ms
    assert [times_of(row)[0] for row in (second, third)] == [None, None]
    assert times_of(second)[1] > 0
    check_in_order(third)
    assert times_of(other) == UNMEASURED


def test_gaps_of_a_stream(client, provider):
    """Silence counts after the first content, and while nobody but the provider is waited for."""
    event = threading.Event()
    provider.faults["gpt-4o"] = Fault.drip(event, 1)
    stream = client.completion("gpt-4o", QUESTION, stream=True)
    assert stream.route.attempts[0].longest_gap_ms is None
    event.set()
    list(stream)

    check_in_order(stream.route)
    assert stream.route.attempts[0].as_dict()["longest_gap_ms"] >= 0
    assert written(client) == times_of(stream.route)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_stream_that_falls_silent(client, provider, way):
    """The silence that broke it is a gap, too."""
    provider.faults["gpt-4o"] = Fault.stall(2)
    with pytest.raises(GenAIError) as raised:
        ask(client, way, stream=True, timeout=0.3)

    (row,) = raised.value.route.attempts
    assert row.outcome == "StreamInterruptedError"
    assert row.longest_gap_ms is not None
    assert row.longest_gap_ms <= row.ms
    assert written(client)[2] == row.longest_gap_ms


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_connection_that_cannot_be_made(tmp_path, way):
    """It took its time all the same; no head came."""
    with ScriptedProvider() as gone:
        client = client_of(gone.url, ledger=tmp_path / "calls.db")
    with pytest.raises(APIConnectionError) as raised:
        ask(client, way)

    connect, head, gap = times_of(raised.value.route)
    assert connect > 0
    assert (head, gap) == (None, None)


def test_nobody_asks_nothing_is_measured(provider):
    """Without a ledger there are no such times, and the record has no word of them."""
    client = client_of(provider.url)
    for route in (ask(client, "sync"), ask(client, "sync", stream=True)):
        assert times_of(route) == UNMEASURED
        assert {"connect_ms", "first_byte_ms", "longest_gap_ms"}.isdisjoint(
            route.attempts[0].as_dict()
        )


def test_through_both_adapters(client):
    """Theirs are written as the client's own are."""
    list(ChatGenAI("gpt-4o", client=client).stream("Hi"))
    assert all(part is not None for part in written(client)[1:])
    list(GenAI("gpt-4o", client=client).stream_complete("Hi"))
    assert all(part is not None for part in written(client)[1:])


def test_a_measured_stream_can_be_left(client, provider):
    """By the thread that reads it, by another one while it waits, and by a task: the provider learns of it."""
    provider.faults["gpt-4o"] = Fault.stall(1)
    with client.completion("gpt-4o", QUESTION, stream=True) as stream:
        next(stream)
    read = client.completion("gpt-4o", QUESTION, stream=True)
    reader = threading.Thread(target=lambda: list(read))
    reader.start()
    read.close()
    reader.join(20)

    async def leave():
        left = await client.acompletion("gpt-4o", QUESTION, stream=True)
        await anext(left)
        await left.aclose()

    asyncio.run(leave())
    assert not reader.is_alive()
    assert [row.disconnected.wait(20) for row in provider.requests] == [True, True, True]
