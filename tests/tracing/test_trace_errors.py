"""Calls that fail, fall over, break, or are left by their caller."""

from __future__ import annotations

import asyncio
import gc
import itertools

import pytest
from tracing_support import HELLO, WAYS, ask, by_name

from genai_integrations.errors import (
    AllTargetsFailedError,
    BadRequestError,
    GenAIError,
    StreamInterruptedError,
    UnknownModelError,
)
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

each_way = pytest.mark.parametrize("way", WAYS)
streams = pytest.mark.parametrize("way", ["stream", "async stream"])


@pytest.fixture
def usa():
    """Another provider, to fall over to."""
    with ScriptedProvider("usa") as server:
        yield server


@pytest.fixture
def pair(make_client, connect, provider, usa):
    """Make a client of two connections, the first of which fails."""
    provider.faults["*"] = Fault.status(500, message="out of order")

    def pair(**options):
        return make_client(connect("seoul"), connect("usa", key="sk-usa", server=usa), **options)

    return pair


@each_way
def test_an_error(way, client, provider, only):
    """Level, message and OpenTelemetry's status; there is no output."""
    provider.faults["*"] = Fault.bad_request("no such thing")
    with pytest.raises(BadRequestError) as caught:
        ask(client, way)

    generation = only(client)
    message = f"BadRequestError: {caught.value}"
    assert (generation.type, generation["level"]) == ("generation", "ERROR")
    assert generation["status_message"] == message
    assert generation.span["status"] == {"code": 2, "message": message}
    assert generation.json("input") == HELLO
    assert generation["output"] is None
    assert generation["usage_details"] is None
    assert generation.json("cost_details") == {"total": 0.0}, "else Langfuse prices the input"
    assert [row["status"] for row in generation.metadata["attempts"]] == [400]


@pytest.mark.parametrize("is_async", [False, True])
def test_an_embedding_fails(is_async, client, provider, only):
    """As a chat does."""
    provider.faults["*"] = Fault.bad_request()
    asked = "text-embedding-3-small", "one"
    with pytest.raises(BadRequestError):
        asyncio.run(client.aembedding(*asked)) if is_async else client.embedding(*asked)

    generation = only(client)
    assert (generation.type, generation["level"]) == ("embedding", "ERROR")


@each_way
def test_an_unknown_model(way, pair, only):
    """Nobody was asked, and it is recorded."""
    client = pair()
    with pytest.raises(UnknownModelError):
        ask(client, way, "nobodys-model")

    generation = only(client)
    assert generation["level"] == "ERROR"
    assert generation["status_message"].startswith("UnknownModelError: no connection serves")
    assert generation["model.name"] == "nobodys-model"
    assert generation.metadata["attempts"] == []


@each_way
def test_a_call_that_falls_over(way, pair, only):
    """One generation, of the one who answered; the attempts are in its metadata."""
    client = pair()
    ask(client, way)

    generation = only(client)
    attempts = generation.metadata["attempts"]
    assert (generation["level"], generation.code) == ("WARNING", 0)
    assert generation["status_message"] == "served by usa after seoul: 500"
    assert generation.metadata["connection"] == "usa"
    assert generation.json("output")["content"] == "usa says: Hello!"
    assert [(row["target"], row["reason"], row["outcome"]) for row in attempts] == [
        ("seoul/gpt-4o", "first", "ServerError"),
        ("usa/gpt-4o", "failover", "ok"),
    ]
    assert "out of order" in attempts[0]["error"]


@each_way
def test_all_targets_fail(way, pair, usa, only):
    """Every attempt is there, and one error."""
    usa.faults["*"] = Fault.status(503)
    client = pair()
    with pytest.raises(AllTargetsFailedError):
        ask(client, way)

    generation = only(client)
    assert generation["status_message"].startswith("AllTargetsFailedError: ")
    assert [row["status"] for row in generation.metadata["attempts"]] == [500, 503]


@each_way
def test_an_error_costs_nothing_in_langfuse(way, pair, usa, langfuse):
    """Which would else count the tokens of the question, and price them; attempts of their own have no price."""
    usa.faults["*"] = Fault.status(503)
    client = pair(trace_attempts=True)
    with pytest.raises(AllTargetsFailedError):
        ask(client, way)
    client.flush()

    shown = langfuse.observations
    assert {row["level"] for row in shown} == {"ERROR"}
    assert [row["type"] for row in shown].count("GENERATION") == 1
    assert sum(row["totalCost"] for row in shown) == sum(row["totalUsage"] for row in shown) == 0


@each_way
def test_attempts_as_spans(way, pair, recorded):
    """On demand each attempt is a span below the generation, one after the other within its time."""
    client = pair(trace_attempts=True)
    ask(client, way)

    observations = by_name(recorded(client))
    generation = observations.pop("genai-completion")
    first, second = observations["seoul/gpt-4o"], observations["usa/gpt-4o"]
    assert len(observations) == 2
    assert {row.parent for row in observations.values()} == {generation.id}
    assert {row.type for row in observations.values()} == {"span"}
    assert (first["level"], first.code, second["level"], second.code) == ("ERROR", 2, None, 0)
    assert first["status_message"].startswith("ServerError: ")
    assert "out of order" in first["status_message"]
    assert first.metadata["outcome"] == "ServerError"
    half = 500_000  # the record of a route is in tenths of milliseconds
    moments = [generation.start, first.start, first.end, second.start, second.end, generation.end]
    assert all(a <= b + half for a, b in itertools.pairwise(moments))
    for row in observations.values():
        assert abs((row.end - row.start) / 1e6 - row.metadata["ms"]) < 0.1


@streams
def test_a_stream_that_breaks(way, client, provider, only):
    """The answer as far as it came, and the error."""
    provider.faults["*"] = Fault.cut(after=2)
    with pytest.raises(StreamInterruptedError) as caught:
        ask(client, way)

    generation = only(client)
    assert generation["status_message"].startswith("StreamInterruptedError: ")
    assert generation.code == 2
    assert generation.json("output")["content"] == caught.value.partial_text
    assert generation["completion_start_time"]
    assert [row["outcome"] for row in generation.metadata["attempts"]] == ["StreamInterruptedError"]


def test_a_stream_that_is_closed(client, only):
    """No error: the caller had enough."""
    with client.completion("gpt-4o", HELLO, True) as stream:
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break

    generation = only(client)
    assert (generation["level"], generation.code) == (None, 0)
    assert generation.json("output")["content"] == "provider"
    # Estimated, as the attempt says: else Langfuse would count by itself, and not say so.
    assert generation.json("usage_details") == {"input": 8, "output": 2, "total": 10}


def test_a_stream_that_is_left(client, only):
    """A loop that ends early ends the generation at once, without the garbage collector."""
    gc.disable()
    try:
        for _ in client.completion("gpt-4o", HELLO, True):
            break
        generation = only(client)
    finally:
        gc.enable()

    assert (generation["level"], generation.code) == (None, 0)


def test_a_stream_that_is_left_lets_the_provider_know(client, provider):
    """Its connection is closed at once, too."""
    provider.faults["*"] = Fault.stall(after=1)
    for _ in client.completion("gpt-4o", HELLO, True):
        break

    (request,) = provider.requests
    assert request.disconnected.wait(10)


def test_a_stream_that_nobody_reads(client, only):
    """It is recorded when it is gone."""
    stream = client.completion("gpt-4o", HELLO, True)
    assert client.flush() is None
    del stream

    generation = only(client)
    assert generation["level"] is None
    assert generation.metadata["attempts"][0]["target"] == "home/gpt-4o"


def test_an_async_stream_that_is_closed(client, only):
    """As a sync one."""

    async def run():
        async with await client.acompletion("gpt-4o", HELLO, True) as stream:
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break

    asyncio.run(run())

    generation = only(client)
    assert (generation["level"], generation.code) == (None, 0)
    assert generation.json("output")["content"] == "provider"


def test_an_async_stream_that_is_left(client, only):
    """The loop that ran it ends it."""

    async def run():
        async for _ in await client.acompletion("gpt-4o", HELLO, True):
            break

    asyncio.run(run())

    assert only(client)["level"] is None


@pytest.mark.parametrize("stream", [False, True])
def test_a_cancelled_call(stream, make_client, provider, recorded):
    """It is an error of that name; its attempt lasted until then."""
    provider.faults["*"] = Fault.hang()
    client = make_client(trace_attempts=True)

    async def run():
        task = asyncio.create_task(client.acompletion("gpt-4o", HELLO, stream))
        await asyncio.to_thread(provider.wait_for_requests, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())

    attempt, generation = recorded(client)
    assert (generation["level"], generation["status_message"]) == ("ERROR", "CancelledError")
    assert generation.metadata["attempts"][0]["outcome"] == ""
    assert generation.start <= attempt.start < attempt.end <= generation.end


def test_a_stream_whose_reader_is_cancelled(client, provider, only):
    """What it had read so far is the output."""
    provider.faults["*"] = Fault.stall(after=1)
    reading = asyncio.Event()

    async def read():
        async for chunk in await client.acompletion("gpt-4o", HELLO, True):
            if chunk.choices[0].delta.content:
                reading.set()

    async def run():
        task = asyncio.create_task(read())
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())

    assert only(client).json("output")["content"] == "provider"


@each_way
def test_a_reply_without_sense(way, client, provider, only):
    """A server's nonsense is an error like others."""
    provider.faults["*"] = Fault.html()
    with pytest.raises(GenAIError):
        ask(client, way)

    assert only(client)["level"] == "ERROR"


def test_a_wrong_request_is_no_call(client, recorded):
    """What cannot be asked is not recorded, for nothing was."""
    with pytest.raises(GenAIError):
        client.completion("gpt-4o", [])

    assert recorded(client) == []
