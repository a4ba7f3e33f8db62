"""A client whose only target was down: one call finds out whether it is back, and the others wait for that."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from genai_integrations.errors import RateLimitError, RequestTimeoutError, ServerError
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two"}]
CALLS = 20


@pytest.fixture
def half_open(make_client, seoul):
    """A client whose circuit is half-open: the target has failed, and the cooldown is over at once."""

    def make(*servers, **router_args):
        settings = {"num_retries": 0, "cooldown_time": 1e-6, **router_args}
        client = make_client(*(servers or [seoul]), **settings)
        seoul.faults["*"] = Fault.status(503)
        with pytest.raises(ServerError):
            client.completion("seoul/gpt-4o", QUESTION)
        seoul.requests.clear()
        return client

    return make


async def _ask(client, *, stream=False, **params):
    reply = await client.acompletion("gpt-4o", QUESTION, stream=stream, **params)
    if not stream:
        return reply.choices[0].message.content
    chunks = [chunk async for chunk in reply]
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.mark.parametrize("stream", [False, True])
def test_a_target_that_is_still_down_is_asked_once(stream, half_open, seoul):
    """Twenty calls of one loop: one request, and twenty errors, each with its own route."""
    client = half_open()

    async def main():
        calls = (_ask(client, stream=stream) for _ in range(CALLS))
        return await asyncio.gather(*calls, return_exceptions=True)

    errors = asyncio.run(main())

    assert len(seoul.requests) == 1
    assert {type(error) for error in errors} == {ServerError}
    assert len({id(error) for error in errors}) == CALLS
    assert sorted(len(error.route.attempts) for error in errors) == [0] * 19 + [1]


@pytest.mark.parametrize("stream", [False, True])
def test_a_target_that_is_back_answers_everyone(stream, half_open, seoul):
    """One request until its answer is there, and then the nineteen others."""
    client = half_open()
    go = threading.Event()
    seoul.faults["*"] = [Fault.drip(go, times=1)]

    async def main():
        calls = [asyncio.create_task(_ask(client, stream=stream)) for _ in range(CALLS)]
        await asyncio.to_thread(seoul.wait_for_requests, 1)
        before = len(seoul.requests)
        go.set()
        return before, await asyncio.gather(*calls)

    before, texts = asyncio.run(main())

    assert before == 1
    assert texts == ["seoul says: one two"] * CALLS
    assert len(seoul.requests) == CALLS


def test_threads_wait_for_the_probe(half_open, seoul):
    """As the calls of a loop do."""
    client = half_open()
    go = threading.Event()
    seoul.faults["*"] = [Fault.drip(go, times=1)]
    barrier = threading.Barrier(CALLS, timeout=20)

    def ask(_):
        barrier.wait()
        return client.completion("gpt-4o", QUESTION).choices[0].message.content

    with ThreadPoolExecutor(CALLS) as pool:
        replies = pool.map(ask, range(CALLS))
        seoul.wait_for_requests(1)
        before = len(seoul.requests)
        go.set()
        texts = list(replies)

    assert before == 1
    assert texts == ["seoul says: one two"] * CALLS


def test_the_others_go_elsewhere(half_open, seoul, usa):
    """With a second target nobody waits: one call asks the first, in vain, and all are answered by the second."""
    client = half_open(seoul, usa)
    seoul.faults["*"] = Fault.hang()

    async def main():
        return await asyncio.gather(*(_ask(client, timeout=0.5) for _ in range(CALLS)))

    texts = asyncio.run(main())

    assert texts == ["usa says: one two"] * CALLS
    assert len(seoul.requests) == 1
    assert len(usa.requests) == CALLS


def test_a_cancelled_probe_is_taken_over(half_open, seoul):
    """The call that asks is given up, and one of those who wait asks instead."""
    client = half_open()
    seoul.faults["*"] = [Fault.hang(times=1)]

    async def main():
        probing = asyncio.create_task(_ask(client))
        waiting = [asyncio.create_task(_ask(client)) for _ in range(3)]
        await asyncio.to_thread(seoul.wait_for_requests, 1)
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        return await asyncio.gather(*waiting)

    assert asyncio.run(main()) == ["seoul says: one two"] * 3
    assert len(seoul.requests) == 4


def test_a_deadline_ends_the_waiting(half_open, seoul):
    """A call that may take 0.2 s does not wait for a probe that may take ten."""
    client = half_open(timeout=10)
    go = threading.Event()
    seoul.faults["*"] = [Fault.drip(go, times=1)]

    async def main():
        probing = asyncio.create_task(_ask(client))
        await asyncio.to_thread(seoul.wait_for_requests, 1)
        with pytest.raises(RequestTimeoutError, match="whether the target is back"):
            await _ask(client, deadline=0.2)
        go.set()
        return await probing

    assert asyncio.run(main()) == "seoul says: one two"
    assert len(seoul.requests) == 1


@pytest.mark.parametrize("fault", [Fault.out_of_quota(), Fault.status(402)])
def test_an_empty_account_is_asked_once(fault, ask, make_client, seoul):
    """Without a wait, in all the ways to call."""
    seoul.faults["*"] = fault
    client = make_client(seoul, num_retries=3)

    with pytest.raises(RateLimitError):
        ask(client)

    assert len(seoul.requests) == 1
