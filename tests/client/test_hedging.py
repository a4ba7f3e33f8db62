"""Where a target is slow, a second one is asked beside it, and the first answer is taken."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading

import pytest

from genai_integrations.errors import (
    AllTargetsFailedError,
    ConfigurationError,
    RequestTimeoutError,
    StreamInterruptedError,
)
from genai_integrations.routing import running
from genai_integrations.testing import assert_route
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two three four"}]
SOON, LATE = 0.02, 60


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "genai-hedge"]


def test_the_second_answers_where_the_first_is_slow(ask, make_client, seoul, usa):
    """In each way to call; the slow request is hung up on, and counted."""
    seoul.faults["*"] = Fault.hang()
    client = make_client(seoul, usa, hedge_after=SOON, timeout=30)

    answer = ask(client)

    assert answer.text == "usa says: one two three four"
    lost, won = answer.route.attempts
    assert (lost.target, lost.reason, lost.outcome) == ("seoul/gpt-4o", "first", "cancelled")
    assert (won.target, won.reason, won.outcome) == ("usa/gpt-4o", "hedge", "ok")
    assert lost.estimated
    assert lost.cost > 0
    assert answer.route.cost == lost.cost + won.cost
    assert_route(answer.route).served_by("usa")
    (request,) = seoul.requests
    assert request.disconnected.wait(20)


def test_who_answers_in_time_is_asked_alone(ask, make_client, seoul, usa):
    """The other target hears of nothing."""
    client = make_client(seoul, usa, hedge_after=LATE)

    answer = ask(client)

    assert_route(answer.route).tried("seoul")
    assert not usa.requests


def test_the_first_may_win_the_race(ask, make_client, seoul, usa):
    """Then the second is hung up on."""
    event = threading.Event()
    seoul.faults["*"] = Fault.drip(event)
    usa.faults["*"] = Fault.hang()
    client = make_client(seoul, usa, hedge_after=SOON, timeout=30)
    opener = threading.Thread(target=lambda: (usa.wait_for_requests(1), event.set()))
    opener.start()

    answer = ask(client)
    opener.join()

    assert answer.text == "seoul says: one two three four"
    assert [(row.connection, row.outcome) for row in answer.route.attempts] == [
        ("usa", "cancelled"),
        ("seoul", "ok"),
    ]
    assert usa.requests[0].disconnected.wait(20)


def test_both_fail(ask, make_client, seoul, usa):
    """Each with its own error."""
    seoul.faults["*"] = Fault.hang()
    usa.faults["*"] = Fault.status(500)
    client = make_client(seoul, usa, hedge_after=SOON, timeout=0.5, num_retries=0)

    with pytest.raises(AllTargetsFailedError) as caught:
        ask(client)

    assert [(row.connection, row.outcome) for row in caught.value.route.attempts] == [
        ("seoul", "RequestTimeoutError"),
        ("usa", "ServerError"),
    ]


def test_the_deadline_bounds_both(ask, make_client, seoul, usa):
    """Two slow targets are no longer waited for than one."""
    seoul.faults["*"] = usa.faults["*"] = Fault.hang()
    client = make_client(seoul, usa, hedge_after=SOON, deadline=0.5)

    with pytest.raises((AllTargetsFailedError, RequestTimeoutError)) as caught:
        ask(client)

    assert {row.outcome for row in caught.value.route.attempts} == {"RequestTimeoutError"}
    for server in (seoul, usa):
        assert server.requests[0].disconnected.wait(20)


@pytest.mark.parametrize("stream", [False, True])
def test_a_task_that_is_cancelled_hangs_up_on_both(stream, make_client, seoul, usa):
    """Neither request outlives its caller."""
    seoul.faults["*"] = usa.faults["*"] = Fault.hang()
    client = make_client(seoul, usa, hedge_after=SOON)

    async def cancelled():
        task = asyncio.create_task(client.acompletion("gpt-4o", QUESTION, stream=stream))
        await asyncio.to_thread(usa.wait_for_requests, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for server in (seoul, usa):
            assert await asyncio.to_thread(server.requests[0].disconnected.wait, 20)

    asyncio.run(cancelled())
    assert not running._tasks


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="nothing can interrupt the wait")
def test_a_thread_that_is_interrupted_hangs_up_on_both(make_client, seoul, usa):
    """Ctrl-C while both are waited for."""
    seoul.faults["*"] = usa.faults["*"] = Fault.hang()
    client = make_client(seoul, usa, hedge_after=SOON)
    main = threading.get_ident()

    def interrupt():
        usa.wait_for_requests(1)
        signal.pthread_kill(main, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        client.completion("gpt-4o", QUESTION)
    interrupter.join()

    for server in (seoul, usa):
        assert server.requests[0].disconnected.wait(20)


def test_a_stream_is_read_on_where_it_began(make_client, seoul, usa):
    """By the caller's own thread, which may leave it early as any other."""
    seoul.faults["*"] = Fault.hang()
    usa.faults["*"] = Fault.stall(2)
    client = make_client(seoul, usa, hedge_after=SOON)

    with client.completion("gpt-4o", QUESTION, stream=True) as stream:
        assert next(stream).choices

    assert usa.requests[0].disconnected.wait(20)
    assert stream.route.served == "usa/gpt-4o"


def test_a_stream_of_a_race_begins_anew_where_it_breaks(ask, mode, make_client, seoul, usa):
    """The two go together."""
    if "stream" not in mode:
        return
    seoul.faults["*"] = [Fault.hang(), None]
    usa.faults["*"] = [Fault.cut(2), None]
    client = make_client(
        seoul, usa, hedge_after=SOON, stream_recovery="restart", timeout=30, cooldown_time=0
    )

    answer = ask(client)

    assert answer.text.endswith("says: one two three four")
    outcomes = [row.outcome for row in answer.route.attempts]
    assert outcomes[:2] == ["cancelled", "StreamInterruptedError"]
    assert outcomes[-1] == "ok"


def test_embeddings_race_too(make_client, seoul, usa):
    """Any request may be slow."""
    seoul.faults["*"] = Fault.hang()
    client = make_client(seoul, usa, hedge_after=SOON)

    reply = client.embedding("text-embedding-3-small", "Hi")

    assert reply.route.served == "usa/text-embedding-3-small"


def test_extra_requests_stay_within_the_budget(make_client, seoul, usa):
    """Of a hundred slow calls five have a second request; before, three may."""
    client = make_client(seoul, usa, hedge_after=0.0001, num_retries=0)

    for _ in range(100):
        client.completion("gpt-4o", QUESTION)

    assert len(usa.requests) <= 5


def test_threads_are_used_again_and_are_few(make_client, seoul, usa):
    """One for each request that is under way."""
    client = make_client(seoul, usa, hedge_after=LATE)
    before = threads()

    for _ in range(20):
        client.completion("gpt-4o", QUESTION)

    assert len(threads()) <= max(len(before), 1) + 1
    assert all(thread.daemon for thread in threads())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_races_with_threads_of_its_own(make_client, seoul, usa):
    """The parent's are not there."""
    client = make_client(seoul, usa, hedge_after=SOON)
    client.completion("gpt-4o", QUESTION)
    seoul.faults["*"] = Fault.hang()
    read, write = os.pipe()

    child = os.fork()
    if not child:
        try:
            served = client.completion("gpt-4o", QUESTION).route.served
            os.write(write, served.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        assert told.read() == "usa/gpt-4o"
    os.waitpid(child, 0)


def test_who_does_not_hedge_pays_nothing(make_client, seoul, usa):
    """No thread, no module."""
    client = make_client(seoul, usa)

    assert client._router._parts.hedging is None


@pytest.mark.parametrize("value", [0, -1, True, "p99", "1", float("nan"), []])
def test_what_cannot_be_is_refused(value, make_client, seoul):
    """When the client is made."""
    with pytest.raises(ConfigurationError, match="hedge_after"):
        make_client(seoul, hedge_after=value)


def test_nothing_is_left_of_a_race(make_client, seoul, usa):
    """No task, no cycle that keeps a stream open."""
    seoul.faults["*"] = Fault.hang()
    client = make_client(seoul, usa, hedge_after=SOON)

    async def ask():
        await client.acompletion("gpt-4o", QUESTION)
        assert await asyncio.to_thread(seoul.requests[0].disconnected.wait, 20)

    asyncio.run(ask())
    gc.collect()
    assert not running._tasks


def test_what_is_late_is_learnt(ask, make_client, seoul, usa):
    """`p95`: after twenty answers a target that is slower than it ever was has a second one beside it."""
    client = make_client(seoul, usa, hedge_after="p95", timeout=30)
    for _ in range(20):
        assert_route(ask(client).route).served_by("seoul")
    seoul.faults["*"] = Fault.hang()

    answer = ask(client)

    assert [(row.reason, row.outcome) for row in answer.route.attempts] == [
        ("first", "cancelled"),
        ("hedge", "ok"),
    ]


def test_where_a_cap_has_no_room_nobody_is_asked_beside(make_client, seoul, usa):
    """What a second request may cost must be there, too."""
    event = threading.Event()
    seoul.faults["*"] = Fault.drip(event)
    client = make_client(seoul, usa, hedge_after=SOON)
    opener = threading.Thread(target=lambda: (seoul.wait_for_requests(1), event.set()))
    opener.start()

    reply = client.completion("gpt-4o", QUESTION, max_cost=0.0002, max_tokens=10)
    opener.join()

    assert_route(reply).tried("seoul")


def test_a_stream_begins_anew_within_a_cap(make_client, seoul, usa):
    """What the broken one used is taken from what the call may cost."""
    seoul.faults["*"] = Fault.cut(2)
    client = make_client(seoul, usa, stream_recovery="restart", cooldown_time=0)

    def asked(**given):
        stream = client.completion("gpt-4o", QUESTION, stream=True, max_tokens=100, **given)
        return [chunk.restarted for chunk in stream].count(True)

    assert asked(max_cost=1.0) == 1
    seoul.faults["*"] = Fault.cut(2)
    with pytest.raises(StreamInterruptedError) as caught:
        asked(max_cost=0.00105)
    assert "it could not be started again: " in caught.value.__notes__[0]
