"""Calls that ask the same at the same time: one asks, and the others are given its answer."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cached_support import Gate, at

from genai_integrations.errors import ServerError
from genai_integrations.routing import shared_streams
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two three four"}]
WORDS = ["one ", "two ", "three ", "four"]


@pytest.fixture
def client(make_client, seoul):
    """A client that keeps answers."""
    return make_client(seoul, cache_responses=True, num_retries=0)


def threads(count, work):
    """What the work gives in so many threads at once; an error counts as what is given."""

    def caught(_):
        try:
            return work()
        except Exception as error:  # noqa: BLE001  it is looked at
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(caught, range(count)))


def statuses(routes):
    return sorted(route.cache.status for route in routes)


def test_fifty_threads_ask_once(client, seoul):
    """One pays; the others get the same answer for nothing, each an object of its own."""
    seoul.replies["*"] = Gate(client, 49)

    replies = threads(50, lambda: client.completion("gpt-4o", QUESTION))

    assert {row.choices[0].message.content for row in replies} == {"the answer"}
    assert len({id(row.wire) for row in replies}) == 50
    assert statuses(row.route for row in replies) == ["HIT"] * 49 + ["MISS"]
    assert sum(row.route.cost > 0 for row in replies) == 1
    assert len(seoul.requests) == 1


def test_tasks_and_threads_ask_once_together(client, seoul):
    """Whoever is first."""
    seoul.replies["*"] = Gate(client, 49)

    async def many():
        return await asyncio.gather(*(client.acompletion("gpt-4o", QUESTION) for _ in range(25)))

    with ThreadPoolExecutor(26) as pool:
        tasks = pool.submit(asyncio.run, many())
        others = list(pool.map(lambda _: client.completion("gpt-4o", QUESTION), range(25)))
        replies = [*tasks.result(), *others]

    assert statuses(row.route for row in replies) == ["HIT"] * 49 + ["MISS"]
    assert len(seoul.requests) == 1


def text_of(chunks):
    return "".join(row.choices[0].delta.content or "" for row in chunks if row.choices)


def test_fifty_streams_in_threads_are_one(client, seoul):
    """Each is given every piece, and the usage; one has paid."""
    gate = seoul.replies["*"] = Gate(client, 49)
    gate.reply = WORDS

    def read():
        with client.completion("gpt-4o", QUESTION, True) as stream:
            return list(stream), stream.route

    told = threads(50, read)

    assert {text_of(chunks) for chunks, _ in told} == {"one two three four"}
    assert len({len(chunks) for chunks, _ in told}) == 1
    assert len({chunks[-1].usage.total_tokens for chunks, _ in told}) == 1
    assert statuses(route for _, route in told) == ["HIT"] * 49 + ["MISS"]
    assert sum(route.cost > 0 for _, route in told) == 1
    assert len(seoul.requests) == 1
    assert client.completion("gpt-4o", QUESTION).route.cache.status == "HIT"


async def test_fifty_streams_in_tasks_are_one(client, seoul):
    """In one event loop."""
    gate = seoul.replies["*"] = Gate(client, 49)
    gate.reply = WORDS

    async def read():
        async with await client.acompletion("gpt-4o", QUESTION, True) as stream:
            return [chunk async for chunk in stream], stream.route

    told = await asyncio.gather(*(read() for _ in range(50)))

    assert {text_of(chunks) for chunks, _ in told} == {"one two three four"}
    assert statuses(route for _, route in told) == ["HIT"] * 49 + ["MISS"]
    assert len(seoul.requests) == 1


def test_two_streams_that_one_thread_reads_by_turns(client, seoul):
    """Neither waits for the other, whichever is read first; and both are whole."""
    seoul.replies["*"] = WORDS
    first, second = (client.completion("gpt-4o", QUESTION, True) for _ in range(2))

    ahead = next(second)
    by_turns = [(a, b) for a, b in zip(first, second, strict=False)]

    assert text_of([ahead, *(b for _, b in by_turns), *second]) == "one two three four"
    assert text_of([*(a for a, _ in by_turns), *first]) == "one two three four"
    assert len(seoul.requests) == 1


def test_a_stream_goes_on_for_the_others_when_one_leaves(client, seoul):
    """Even the one that opened it; and what the others read to its end is kept."""
    seoul.replies["*"] = WORDS
    first, second = (client.completion("gpt-4o", QUESTION, True) for _ in range(2))
    next(first)
    first.close()

    assert text_of(second) == "one two three four"
    assert client.completion("gpt-4o", QUESTION).route.cache.status == "HIT"
    assert len(seoul.requests) == 1


async def test_a_task_that_is_cancelled_takes_no_stream_from_the_others(client, seoul):
    """It is cancelled while it waits for the next piece, which comes for the other all the same."""
    seoul.replies["*"] = WORDS
    seoul.faults["*"] = Fault.stall(2, times=1)
    first = await client.acompletion("gpt-4o", QUESTION, True)
    second = await client.acompletion("gpt-4o", QUESTION, True)
    reads = asyncio.create_task(drained(first))
    shared = second._reading.rest.shared
    while shared._task is None:  # noqa: ASYNC110  looked at, so that nothing is added for tests
        await asyncio.sleep(0)
    reads.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reads

    assert shared._readers == 1
    assert shared._end is None
    await second.aclose()
    assert shared._task is None


async def drained(stream):
    return [chunk async for chunk in stream]


def test_a_call_that_is_interrupted_leaves_it_to_the_next(client, seoul):
    """Nobody gets its end, which was its own."""
    gate = seoul.replies["*"] = Gate(client, 1)
    told = []

    async def cancelled():
        task = asyncio.create_task(client.acompletion("gpt-4o", QUESTION))
        await asyncio.to_thread(seoul.wait_for_requests, 1)
        waiting = asyncio.create_task(client.acompletion("gpt-4o", QUESTION))
        while not followers(client):  # noqa: ASYNC110  as above
            await asyncio.sleep(0)
        gate._waiting = 0
        task.cancel()
        told.append(await waiting)

    asyncio.run(cancelled())

    assert told[0].choices[0].message.content == "the answer"
    assert told[0].route.cache.status == "MISS"


def followers(client):
    return sum(row.followers for row in client._router.answers.flights._flights.values())


def test_a_failure_is_everybodys_who_asked_in_the_same_way(client, seoul):
    """Each gets an error and a route of its own. Who asked otherwise asks again, and so does the next call."""
    gate = Gate(client, 10)

    def fail(body):
        gate(body)
        seoul.replies["*"] = "better"
        raise RuntimeError

    seoul.replies["*"] = fail
    patient = []
    other = threading.Thread(
        target=lambda: patient.append(client.completion("gpt-4o", QUESTION, timeout=300))
    )
    first = ThreadPoolExecutor(1)
    error = first.submit(client.completion, "gpt-4o", QUESTION)
    seoul.wait_for_requests(1)
    other.start()
    errors = [*threads(9, lambda: client.completion("gpt-4o", QUESTION)), error.exception()]
    other.join()
    first.shutdown()

    assert {type(row) for row in errors} == {ServerError}
    assert len({id(row) for row in errors}) == len({id(row.route) for row in errors}) == 10
    assert patient[0].choices[0].message.content == "better"
    assert len(seoul.requests) == 2


def test_a_thread_does_not_wait_for_the_loop_that_it_stops(client, seoul):
    """A call in an event loop that blocks it asks for itself: the other one cannot go on meanwhile."""
    gate = threading.Event()
    seoul.replies["*"] = lambda body: gate.wait(20) and "the answer"

    async def blocked():
        task = asyncio.create_task(client.acompletion("gpt-4o", QUESTION))
        await asyncio.to_thread(seoul.wait_for_requests, 1)
        gate.set()
        return client.completion("gpt-4o", QUESTION), await task

    blocking, other = asyncio.run(blocked())

    assert blocking.choices[0].message.content == other.choices[0].message.content == "the answer"
    assert len(seoul.requests) == 2


def test_nobody_waits_for_a_loop_that_was_left(client, seoul):
    """Its task goes on when the loop is run again, if it ever is."""
    gate = threading.Event()
    seoul.replies["*"] = lambda body: gate.wait(20) and "the answer"
    loop = asyncio.new_event_loop()
    task = loop.create_task(client.acompletion("gpt-4o", QUESTION))
    loop.run_until_complete(asyncio.to_thread(seoul.wait_for_requests, 1))
    gate.set()

    reply = client.completion("gpt-4o", QUESTION)

    assert reply.route.cache.status == "MISS"
    loop.run_until_complete(task)
    loop.close()


def test_a_whole_answer_that_is_streamed_keeps_nobody_waiting(make_client, seoul, usa):
    """A cascade judges whole answers: who asks the same gets it before the first has read it."""
    client = make_client(
        seoul,
        cache_responses=True,
        cascades={"careful": {"models": ["gpt-4o-mini", "gpt-4o"], "accept": lambda reply: True}},
    )
    first, second = (client.completion("careful", QUESTION, True) for _ in range(2))

    assert text_of(second) == text_of(first) == "seoul says: one two three four"
    assert len(seoul.requests) == 1


@pytest.mark.parametrize("way", ["sync", "async"])
def test_nobody_joins_a_stream_whose_readers_have_stopped(way, client, seoul, monkeypatch):
    """Its server may be gone; the next one begins another, which others may join."""
    monkeypatch.setattr(shared_streams, "QUIET", 0.0)
    seoul.replies["*"] = WORDS

    async def in_a_loop():
        first = await client.acompletion("gpt-4o", QUESTION, True)
        second = await client.acompletion("gpt-4o", QUESTION, True)
        return [await drained(row) for row in (second, first)]

    def in_a_thread():
        first, second = (client.completion("gpt-4o", QUESTION, True) for _ in range(2))
        return [list(second), list(first)]

    told = asyncio.run(in_a_loop()) if way == "async" else in_a_thread()

    assert [text_of(chunks) for chunks in told] == ["one two three four"] * 2
    assert len(seoul.requests) == 2


def test_a_stream_that_is_whole_may_be_joined_late(client, seoul, monkeypatch):
    """Though the one that opened it has not read it."""
    monkeypatch.setattr(shared_streams, "QUIET", 1000.0)
    seoul.replies["*"] = WORDS
    first, second = (
        client.completion("gpt-4o", QUESTION, True, cache={"ttl": 0.001}) for _ in range(2)
    )
    assert text_of(second) == "one two three four"
    with at(client, 10):
        third = client.completion("gpt-4o", QUESTION, True, cache={"ttl": 0.001})
        assert text_of(third) == text_of(first) == "one two three four"

    assert len(seoul.requests) == 1


def test_a_wait_may_be_as_long_as_an_attempt(client, seoul):
    """Any number of seconds that a time-out can have."""
    seoul.replies["*"] = Gate(client, 1)

    replies = threads(2, lambda: client.completion("gpt-4o", QUESTION, timeout=9e9))

    assert statuses(row.route for row in replies) == ["HIT", "MISS"]
