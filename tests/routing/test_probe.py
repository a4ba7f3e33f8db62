"""How calls wait for a probe: in threads, in event loops, and whatever becomes of the one they wait for."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from genai_integrations.errors import ServerError
from genai_integrations.routing.probe import Probe, async_wait_for_any, wait_for_any

LONG = 20.0


@pytest.fixture
def probe():
    """A probe that nobody has finished."""
    return Probe(30.0, 1031.0)


def test_only_the_first_outcome_counts(probe):
    """The call that cleans up behind itself does not overwrite what it has told."""
    error = ServerError("broke")
    probe.finish(error)
    probe.finish()

    assert probe.is_done
    assert probe.error is error


def test_each_callback_is_called_once_in_order(probe):
    """Those who came first are told first; nobody is told who has left."""
    told = []
    callbacks = [lambda n=n: told.append(n) for n in range(4)]
    for callback in callbacks:
        probe.add_done_callback(callback)
    probe.remove_done_callback(callbacks[1])
    assert told == []

    probe.finish()
    probe.finish()
    probe.remove_done_callback(callbacks[2])

    assert told == [0, 2, 3]


def test_who_comes_too_late_is_told_at_once(probe):
    """The outcome is known."""
    told = []
    probe.finish()

    probe.add_done_callback(lambda: told.append(1))

    assert told == [1]


def test_every_thread_that_waits_goes_on(probe):
    """However the outcome and those who come to wait for it meet."""
    barrier = threading.Barrier(21, timeout=LONG)

    def wait(_):
        barrier.wait()
        wait_for_any([probe], LONG)
        return probe.is_done

    with ThreadPoolExecutor(20) as pool:
        waiting = pool.map(wait, range(20))
        barrier.wait()
        probe.finish()

        assert list(waiting) == [True] * 20


def test_waiting_has_an_end(probe):
    """Without an outcome, too; and then no trace is left of it."""
    wait_for_any([probe], 0.0)
    asyncio.run(async_wait_for_any([probe], 0.0))

    assert not probe.is_done
    assert probe._callbacks == []


@pytest.mark.parametrize("number", [0, 1])
def test_one_of_several_probes_is_enough(number):
    """Whichever is done first; a second one changes nothing."""
    probes = [Probe(30.0, 1031.0), Probe(30.0, 1031.0)]
    probes[number].finish()

    wait_for_any(probes, LONG)
    asyncio.run(async_wait_for_any(probes, LONG))
    assert probes[1 - number]._callbacks == []

    probes[1 - number].finish()
    wait_for_any(probes, LONG)


def test_waiting_in_loops_takes_no_thread(probe):
    """Three hundred calls in two loops wait for a probe of a third thread."""
    ready = threading.Barrier(3, timeout=LONG)
    known = []

    async def wait_all():
        tasks = [asyncio.create_task(async_wait_for_any([probe], LONG)) for _ in range(150)]
        await asyncio.sleep(0)
        ready.wait()
        await asyncio.gather(*tasks)
        known.append(probe.is_done)

    threads = [threading.Thread(target=asyncio.run, args=(wait_all(),)) for _ in range(2)]
    before = threading.active_count()
    for thread in threads:
        thread.start()
    ready.wait()
    count = threading.active_count() - before
    probe.finish()
    for thread in threads:
        thread.join(LONG)

    assert count <= 2
    assert known == [True, True]


def test_a_loop_runs_on_while_its_calls_wait(probe):
    """What finishes the probe may be in the same loop."""

    async def both():
        waiting = asyncio.create_task(async_wait_for_any([probe], LONG))
        await asyncio.sleep(0)
        assert not waiting.done()
        probe.finish()
        await waiting
        return probe.is_done

    assert asyncio.run(both())


def test_a_call_that_is_cancelled_while_it_waits_leaves_no_trace(probe):
    """And the outcome disturbs nobody then."""

    async def cancel():
        waiting = asyncio.create_task(async_wait_for_any([probe], LONG))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancel())

    assert probe._callbacks == []
    probe.finish()


def test_a_loop_that_was_closed_while_it_waited_is_nobodys_trouble(probe):
    """The call whose probe it is must not fail because another's loop is gone."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(async_wait_for_any([probe], LONG))
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert len(probe._callbacks) == 1
    callback = probe._callbacks[0]
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    probe.add_done_callback(callback)

    probe.finish()

    assert probe.is_done
