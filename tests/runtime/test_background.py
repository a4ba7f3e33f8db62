"""The loop in a thread of its own, which everybody may use and nobody can stop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from genai_integrations.runtime.background import BackgroundLoop, own_loop


@pytest.fixture(scope="module")
def loop():
    return BackgroundLoop("under-test")


async def _name():
    return threading.current_thread().name


async def _cancelled():
    raise asyncio.CancelledError


async def _wait(started, ended):
    started.set()
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()


def test_threads_and_loops_share_one_thread(loop):
    """Whoever asks, the work is done in the same place."""

    async def ask():
        return await loop.arun(_name())

    assert loop.run(_name(), 10) == "under-test"
    assert asyncio.run(ask()) == "under-test"


def test_work_that_takes_too_long_is_cancelled(loop):
    """Nobody waits for it any more, so it ends."""
    started, ended = threading.Event(), threading.Event()

    with pytest.raises(TimeoutError):
        loop.run(_wait(started, ended), 0.01)
    assert not started.is_set() or ended.wait(10)


def test_a_caller_is_never_said_to_be_cancelled_who_was_not(loop):
    """A TaskGroup forgets such a task without a word, and a thread has no use for the exception at all."""

    async def ask():
        return await loop.arun(_cancelled())

    with pytest.raises(TimeoutError):
        loop.run(_cancelled(), 10)
    with pytest.raises(TimeoutError):
        asyncio.run(ask())


def test_a_caller_that_is_cancelled_ends_the_work(loop):
    """And sees its own cancellation."""
    started, ended = threading.Event(), threading.Event()

    async def run():
        task = asyncio.create_task(loop.arun(_wait(started, ended)))
        await asyncio.to_thread(started.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(run())


def test_spawned_work_runs_though_nobody_waits(loop):
    """From any thread, the loop's own among them; what it raises is nobody's concern."""
    done = threading.Event()

    async def work():
        done.set()
        raise ValueError("nobody hears it")

    async def inside():
        loop.spawn(work())

    loop.run(inside(), 10)

    assert done.wait(10)


def test_nothing_is_spawned_where_no_loop_runs():
    """A finaliser in a forked child, or at the interpreter's end, must not start a thread."""
    loop = BackgroundLoop("never")
    threads = set(threading.enumerate())

    loop.spawn(_name())

    assert set(threading.enumerate()) == threads


def test_a_loop_of_ones_own_cancels_what_runs_when_its_block_is_left():
    """Also where another loop runs; the block waits until the work has cleaned up."""
    started, ended = threading.Event(), threading.Event()

    async def block():
        with own_loop("apart") as own:
            assert own.run(_name(), 10) == "apart"
            own.submit(_wait(started, ended))
            assert started.wait(10)
        assert ended.is_set()

    asyncio.run(block())

    assert "apart" not in {thread.name for thread in threading.enumerate()}
