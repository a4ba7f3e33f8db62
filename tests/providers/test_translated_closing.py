"""Closing one client, and dropping or closing one stream: nobody else's calls notice."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import threading

import pytest
from places import ONE_OF_EACH, QUESTION

from genai_integrations import GenAIClient
from genai_integrations.testing.faults import Fault
from genai_integrations.transports.litellm.shared import SHARED_LITELLM

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]

PATIENCE = 10
CLAUDE = "claude-sonnet-4-5"
WORDS = [f"w{number} " for number in range(100)]


@pytest.fixture
def two(connect, at_home, abroad, home):
    """A client of one translated and one direct connection, whose answers wait for an event."""
    event = threading.Event()
    abroad.faults["*"] = home.faults["*"] = Fault.drip(event)
    client = GenAIClient(connections=[connect("anthropic"), at_home])
    yield client, event
    event.set()


def _texts(replies):
    return [reply.choices[0].message.content for reply in replies]


MODELS = (f"abroad/{CLAUDE}", "home/gpt-4o")


def test_a_loop_that_closes_the_client_ends_no_call_of_another(two, abroad, home):
    """A TaskGroup would forget a call that looks cancelled, without a word."""
    client, event = two
    found = []

    async def work():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.acompletion(name, QUESTION)) for name in MODELS]
        found.extend(task.result() for task in tasks)

    async def close():
        await client.aclose()

    thread = threading.Thread(target=asyncio.run, args=(work(),))
    thread.start()
    abroad.wait_for_requests(1)
    home.wait_for_requests(1)
    asyncio.run(close())
    event.set()
    thread.join(PATIENCE)

    said = " ".join(QUESTION[0]["content"].split())
    assert _texts(found) == [f"abroad says: {said}", f"home says: {said}"]


@pytest.mark.parametrize("who", ["itself", "another"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_calls_under_way_end_well(model, stream, who, two, connect, abroad, home):
    """Closing a client forgets keys; what is under way has what it needs, and other clients have theirs."""
    client, event = two
    found = []
    abroad.replies["*"] = home.replies["*"] = ["a ", "b ", "c"]

    def call():
        reply = client.completion(model, QUESTION, stream=stream)
        if stream:
            texts = (chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices)
            found.append("".join(texts))
        else:
            found.extend(_texts([reply]))

    thread = threading.Thread(target=call)
    thread.start()
    (abroad if model == MODELS[0] else home).wait_for_requests(1)
    other = GenAIClient(connections=[connect("anthropic")])
    (client if who == "itself" else other).close()
    event.set()
    thread.join(PATIENCE)

    assert found == ["a b c"]


def test_a_client_costs_no_thread_and_no_connection(connect, at_home, abroad, home):
    """A gateway has thousands: they share what reaches the providers."""

    def ask():
        client = GenAIClient(connections=[connect("anthropic"), at_home])
        for name in MODELS:
            client.completion(name, QUESTION)
        return client

    clients = [ask()]
    threads = set(threading.enumerate())
    opened = abroad.connections_opened, home.connections_opened
    clients += [ask() for _ in range(10)]

    # LiteLLM fills a pool of its own, a thread for each of its first calls, whoever makes them.
    ours = {row for row in threading.enumerate() if not row.name.startswith("litellm-")}
    assert ours <= threads
    assert (abroad.connections_opened, home.connections_opened) == opened


@ONE_OF_EACH
@pytest.mark.parametrize("deadline", [None, 60])
@pytest.mark.parametrize("how", ["aclose", "drop"])
@pytest.mark.parametrize("read", [0, 1])
def test_an_async_stream_that_is_let_go_hangs_up(
    place, model, deadline, how, read, make_client, connect, abroad, caplog
):
    """Closed or dropped, unread or half read, with a deadline or without; and nothing is logged of it."""
    abroad.faults["*"] = Fault.stall(5)
    abroad.replies["*"] = WORDS
    client = make_client(connect(place), deadline=deadline)

    async def run():
        stream = await client.acompletion(model, QUESTION, stream=True)
        for _ in range(read):
            await anext(stream)
        if how == "aclose":
            await stream.aclose()
        del stream
        gc.collect()
        return await asyncio.to_thread(abroad.requests[-1].disconnected.wait, PATIENCE)

    assert asyncio.run(run())
    assert "destroyed" not in caplog.text


def test_a_stream_that_is_collected_in_the_loops_thread_blocks_nothing(
    make_client, connect, abroad, monkeypatch, caplog
):
    """Garbage is collected in any thread. In that of the loop, waiting for the loop would be waiting for oneself."""
    abroad.faults["*"] = Fault.stall(5)
    abroad.replies["*"] = WORDS
    client = make_client(connect("anthropic", dialect="litellm"))
    stream = client.completion(f"abroad/{CLAUDE}", QUESTION, stream=True)
    next(stream)

    class Knot:
        """A cycle, as an exception's frame often is."""

    knot = Knot()
    knot.me, knot.stream = knot, stream
    del stream, knot
    waited_in = []
    result = concurrent.futures.Future.result

    def noted(future, timeout=None):
        waited_in.append(threading.current_thread().name)
        return result(future, timeout)

    async def collect():
        gc.collect()

    monkeypatch.setattr(concurrent.futures.Future, "result", noted)
    SHARED_LITELLM.loop.run(collect(), PATIENCE)

    assert abroad.requests[-1].disconnected.wait(PATIENCE)
    assert set(waited_in) == {threading.current_thread().name}
    assert "destroyed" not in caplog.text


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_closed_by_another_thread_lets_its_reader_go(
    model, make_client, connect, at_home, abroad, home
):
    """The reader gets the end at once, as from a stream that it closed itself, and no error."""
    abroad.faults["*"] = home.faults["*"] = Fault.stall(5)
    abroad.replies["*"] = home.replies["*"] = WORDS
    client = make_client(connect("anthropic"), at_home)
    stream = client.completion(model, QUESTION, stream=True)
    five, ended = threading.Event(), threading.Event()

    def read():
        for count, _ in enumerate(stream, 1):
            if count == 5:
                five.set()
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert five.wait(PATIENCE)
    stream.close()
    thread.join(PATIENCE)

    assert ended.is_set()
    server = abroad if model == MODELS[0] else home
    assert server.requests[-1].disconnected.wait(PATIENCE)
    assert next(stream, None) is None


@pytest.mark.parametrize("deadline", [None, 60])
@pytest.mark.parametrize("model", MODELS)
def test_a_stream_closed_by_another_task_lets_its_reader_go(
    model, deadline, make_client, connect, at_home, abroad, home
):
    """The same in a loop."""
    abroad.faults["*"] = home.faults["*"] = Fault.stall(5)
    abroad.replies["*"] = home.replies["*"] = WORDS
    client = make_client(connect("anthropic"), at_home, deadline=deadline)
    server = abroad if model == MODELS[0] else home

    async def run():
        stream = await client.acompletion(model, QUESTION, stream=True)
        five = asyncio.Event()

        async def read():
            count = 0
            async for _ in stream:
                count += 1
                if count == 5:
                    five.set()
            return count

        reader = asyncio.create_task(read())
        await five.wait()
        # The reader waits for the sixth now.
        await asyncio.sleep(0)
        await stream.aclose()
        async with asyncio.timeout(PATIENCE):
            assert await reader >= 5
        assert await asyncio.to_thread(server.requests[-1].disconnected.wait, PATIENCE)

    asyncio.run(run())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_translated_request_that_loses_a_race_hangs_up(
    way, stream, make_client, connect, at_home, abroad, home
):
    """LiteLLM's loop is told to end it."""
    abroad.faults["*"] = Fault.hang()
    client = make_client(
        connect("anthropic", dialect="litellm"),
        at_home,
        hedge_after=0.05,
        fallbacks=[{f"abroad/{CLAUDE}": ["home/gpt-4o"]}],
    )
    given = {"model": f"abroad/{CLAUDE}", "messages": QUESTION, "stream": stream}

    def asked():
        reply = client.completion(**given)
        return [*(reply if stream else ()), reply][-1], reply.route

    async def aasked():
        reply = await client.acompletion(**given)
        if stream:
            async for _ in reply:
                pass
        assert await asyncio.to_thread(abroad.requests[-1].disconnected.wait, PATIENCE)
        return reply, reply.route

    _, route = asked() if way == "sync" else asyncio.run(aasked())

    assert [row.outcome for row in route.attempts] == ["cancelled", "ok"]
    assert abroad.requests[-1].disconnected.wait(PATIENCE)
