"""Single flight: once for all, never older than asked for, an error of one's own, and no longer than one's limit."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import signal
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from genai_integrations.errors import RateLimitError
from genai_integrations.runtime import single_flight
from genai_integrations.runtime.single_flight import SingleFlight, own_copy, seconds_until

TIMEOUT = 30


class Work:
    """Gives the number of its turn, once it may go on; fails with `error` if there is one when it begins."""

    def __init__(self):
        self.turns = itertools.count(1)
        self.done = 0
        self.error = None
        self.began = threading.Semaphore(0)
        self.may_go_on = threading.Event()

    def __call__(self):
        turn, error = next(self.turns), self.error
        self.began.release()
        assert self.may_go_on.wait(TIMEOUT)
        self.done += 1
        if error is not None:
            raise error
        return turn

    async def in_a_task(self):
        """The same as a coroutine, which blocks no loop."""
        return await asyncio.to_thread(self)


@pytest.fixture
def work():
    work = Work()
    yield work
    work.may_go_on.set()


@pytest.fixture
def flight():
    return SingleFlight("test-flight")


@pytest.fixture
def waiting(monkeypatch):
    """Counts the threads that wait for a flight."""
    count = threading.Semaphore(0)

    class Outcome(single_flight.Future):
        def result(self, timeout=None):
            count.release()
            return super().result(timeout)

    monkeypatch.setattr(single_flight, "Future", Outcome)
    return count


@pytest.fixture
def pool():
    with ThreadPoolExecutor(20) as pool:
        yield pool


def is_over(flight):
    """Wait until the threads of a flight have ended."""
    for thread in threading.enumerate():
        if thread.name == "test-flight":
            thread.join(TIMEOUT)


def test_one_works_for_all(flight, work, waiting, pool):
    """Whoever comes while the work is done gets what it brings; whoever comes later has it done again."""
    given = [pool.submit(flight.do, work) for _ in range(20)]
    for _ in range(19):
        assert waiting.acquire(timeout=TIMEOUT)
    work.may_go_on.set()

    assert {row.result(TIMEOUT) for row in given} == {1}
    assert flight.do(work) == 2
    assert flight.latest == (2, 2)


def test_a_thread_without_a_limit_works_itself(flight):
    """No thread is started for it, so a debugger and Ctrl-C reach the work."""
    assert flight.do(threading.current_thread) is threading.current_thread()


def test_everybody_raises_an_error_of_its_own(flight, work, waiting, pool):
    """It says the same, has the same cause and attributes, and none of the others' frames."""
    error = RateLimitError("slow down", provider="openai", status=429, retry_after=3.0)
    error.__cause__ = OSError("reset")
    error.add_note("a note")
    work.error = error
    given = [pool.submit(flight.do, work) for _ in range(20)]
    for _ in range(19):
        assert waiting.acquire(timeout=TIMEOUT)
    work.may_go_on.set()
    errors = [row.exception(TIMEOUT) for row in given]
    for number, raised in enumerate(errors):
        raised.add_note(str(number))

    assert work.done == 1
    assert len({id(raised) for raised in errors}) == 20
    assert {(type(raised), str(raised), raised.retry_after) for raised in errors} == {
        (RateLimitError, "slow down (HTTP 429)", 3.0)
    }
    assert {id(raised.__cause__) for raised in errors} == {id(error.__cause__)}
    assert [raised.__notes__ for raised in errors] == [["a note", str(n)] for n in range(20)]
    assert max(len(traceback.extract_tb(raised.__traceback__)) for raised in errors) <= 5


def test_work_that_began_earlier_is_not_enough(flight, work, waiting, pool):
    """Those who ask for later work wait the earlier one out, and share the next."""
    earlier = pool.submit(flight.do, work)
    assert work.began.acquire(timeout=TIMEOUT)
    later = [pool.submit(flight.do, work, after=flight.begun) for _ in range(10)]
    for _ in later:
        assert waiting.acquire(timeout=TIMEOUT)
    work.may_go_on.set()

    assert earlier.result(TIMEOUT) == 1
    assert {row.result(TIMEOUT) for row in later} == {2}
    assert work.done == 2


def test_how_earlier_work_failed_is_not_told_to_later_ones(flight, work, waiting, pool):
    """It was not their work."""
    work.error = OSError("away")
    earlier = pool.submit(flight.do, work)
    assert work.began.acquire(timeout=TIMEOUT)
    later = pool.submit(flight.do, work, after=flight.begun)
    assert waiting.acquire(timeout=TIMEOUT)
    work.error = None
    work.may_go_on.set()

    assert isinstance(earlier.exception(TIMEOUT), OSError)
    assert later.result(TIMEOUT) == 2


def test_nobody_is_given_work_that_began_before_they_asked_for_it():
    """Threads that ask for later work, and others that take any: what each gets began after it asked, or was under way."""
    flight, clock = SingleFlight("test-flight"), itertools.count()
    start, wrong = threading.Barrier(8), []

    def work():
        began = next(clock)
        threading.Event().wait(0)  # lets another thread run
        return began

    def ask(seed):
        start.wait(TIMEOUT)
        for turn in range(300):
            asked = next(clock)
            after = flight.begun if (turn + seed) % 3 else 0
            limit = None if (turn + seed) % 5 else math.inf
            began = flight.do(work, after=after, limit=limit)
            if after and began < asked:
                wrong.append((asked, began))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert not flight._flights


def test_what_is_known_is_enough(flight, work):
    """Then nobody works."""
    assert flight.do(work, known=lambda: 7) == 7
    assert asyncio.run(flight.ado(work, known=lambda: 7)) == 7
    assert flight.begun == 0


def test_what_lands_while_one_looks_is_looked_at(flight):
    """Between looking at what is known and beginning, another may have brought it."""
    found = []

    def known():
        found.append(flight.latest)
        if len(found) == 1:
            flight.do(lambda: "another's")
        return found[-1].value if found[-1] else None

    assert flight.do(lambda: "mine", known=known) == "another's"


def test_a_wait_ends_at_its_limit(flight, work, pool):
    """Of who waits, and of who would have worked: the work goes on for the others."""
    work.began.acquire(blocking=False)
    with pytest.raises(TimeoutError):
        flight.do(work, limit=time.monotonic())
    with pytest.raises(TimeoutError):
        flight.do(work, limit=time.monotonic())
    with pytest.raises(TimeoutError):
        flight.do(work, after=flight.begun, limit=time.monotonic())
    with pytest.raises(TimeoutError):
        asyncio.run(flight.ado(work, limit=time.monotonic()))
    other = pool.submit(flight.do, work)
    work.may_go_on.set()

    assert other.result(TIMEOUT) == 1
    assert work.done == 1


@pytest.mark.parametrize("limit", [None, math.inf, "soon"])
def test_work_that_is_done_in_time(flight, work, limit):
    """A limit that is not reached changes nothing."""
    work.may_go_on.set()
    limit = time.monotonic() + TIMEOUT if limit == "soon" else limit

    assert flight.do(work, limit=limit) == 1
    assert asyncio.run(flight.ado(work, limit=limit)) == 2


def test_an_interrupt_is_for_one_thread(flight, work, waiting, pool):
    """Ctrl-C ends the one that worked; one that waited does the work itself."""
    work.error = KeyboardInterrupt()
    interrupted = pool.submit(flight.do, work)
    assert work.began.acquire(timeout=TIMEOUT)
    waiter = pool.submit(flight.do, work)
    assert waiting.acquire(timeout=TIMEOUT)
    work.error = None
    work.may_go_on.set()

    assert isinstance(interrupted.exception(TIMEOUT), KeyboardInterrupt)
    assert waiter.result(TIMEOUT) == 2


def test_work_in_a_thread_that_asks_for_the_end(flight, work):
    """There is no one to interrupt, so whoever waits is told."""
    work.error = SystemExit(3)
    work.may_go_on.set()

    with pytest.raises(SystemExit) as ended:
        flight.do(work, limit=math.inf)
    assert ended.value.args == (3,)


def test_tasks_and_threads_share(flight, work, waiting, pool):
    """The loop goes on meanwhile, and a task that is cancelled takes nothing from the others."""

    async def main():
        tasks = [asyncio.create_task(flight.ado(work)) for _ in range(10)]
        assert await asyncio.to_thread(work.began.acquire, timeout=TIMEOUT)
        threads = [pool.submit(flight.do, work) for _ in range(5)]
        for _ in threads:
            assert await asyncio.to_thread(waiting.acquire, timeout=TIMEOUT)
        tasks[0].cancel()
        tasks[7].cancel()
        await asyncio.sleep(0)
        work.may_go_on.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        return found, [thread.result(TIMEOUT) for thread in threads]

    found, from_threads = asyncio.run(main())

    assert [type(row) for row in (found.pop(7), found.pop(0))] == [asyncio.CancelledError] * 2
    assert set(found) == set(from_threads) == {1}
    assert work.done == 1


def test_a_coroutine_is_shared_by_its_loop(flight, work):
    """Its tasks share one; a thread does not wait for a loop, which might be waiting for that thread."""
    other = Work()
    other.may_go_on.set()

    async def main():
        tasks = [asyncio.create_task(flight.ado_here(work.in_a_task)) for _ in range(10)]
        assert await asyncio.to_thread(work.began.acquire, timeout=TIMEOUT)
        assert (
            flight.do(lambda: "a thread's") == "a thread's"
        )  # on the loop itself, which it blocks
        tasks[0].cancel()
        work.may_go_on.set()
        return await asyncio.gather(*tasks[1:])

    assert asyncio.run(main()) == [1] * 9
    # What began last is the latest, though it landed first.
    assert flight.latest == (2, "a thread's")


def test_a_loop_that_ends_takes_its_work_along(flight, work):
    """Nobody waits for it any more, on the next loop neither."""

    async def leave():
        task = asyncio.create_task(flight.ado_here(asyncio.Event().wait))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not task.done()

    asyncio.run(leave())
    work.may_go_on.set()

    assert not flight._flights
    assert asyncio.run(flight.ado_here(work.in_a_task)) == 1


def test_a_coroutine_fails_for_each_task(flight, work):
    """With an error of its own; and its limit ends a task's wait only."""
    work.error = OSError(5, "away")

    async def main():
        with pytest.raises(TimeoutError):
            await flight.ado_here(work.in_a_task, limit=time.monotonic())
        tasks = [asyncio.create_task(flight.ado_here(work.in_a_task)) for _ in range(5)]
        await asyncio.sleep(0)
        work.may_go_on.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    errors = asyncio.run(main())

    assert work.done == 1
    assert {(type(error), error.errno, str(error)) for error in errors} == {
        (OSError, 5, "[Errno 5] away")
    }
    assert len({id(error) for error in errors}) == 5


def test_background_work_is_begun_once(flight, work):
    """Nobody waits for it; what it brings is known afterwards, and a failure is nobody's."""
    flight.start(work)
    assert work.began.acquire(timeout=TIMEOUT)
    flight.start(work)
    flight.start(work)
    work.may_go_on.set()
    is_over(flight)
    assert flight.latest == (1, 1)

    work.error = OSError("away")
    flight.start(work)
    is_over(flight)
    assert flight.latest == (1, 1)
    assert work.done == 2


def test_at_the_end_of_the_interpreter(flight, work, monkeypatch):
    """No thread can be started: background work is left, and work that is waited for is done here."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    work.may_go_on.set()
    flight.start(work)
    assert flight.latest is None

    assert flight.do(work, limit=math.inf) == 1
    assert asyncio.run(flight.ado(work)) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_waits_for_nobody_of_its_parent(flight, work, pool):
    """Another thread of the parent held the lock and led a flight: the child leads its own, and knows what was known."""
    flight.do(lambda: "known")
    led = pool.submit(flight.do, work)
    assert work.began.acquire(timeout=TIMEOUT)
    flight._lock.acquire()
    child = os.fork()
    if child == 0:
        signal.alarm(TIMEOUT)
        is_right = (
            flight.latest == (1, "known") and flight.do(lambda: "the child's") == "the child's"
        )
        os._exit(0 if is_right else 1)
    flight._lock.release()
    _, status = os.waitpid(child, 0)
    work.may_go_on.set()

    assert os.waitstatus_to_exitcode(status) == 0
    assert led.result(TIMEOUT) == 1


class WordedError(Exception):
    """Words its own message."""

    def __init__(self, name, *, code):
        super().__init__(f"{name} failed")
        self.code = code


def _fail_with(error):
    raise error


@pytest.mark.parametrize(
    "error", [WordedError("it", code=7), OSError(2, "gone"), KeyError("x"), ValueError()]
)
def test_a_copy_says_the_same(error):
    """Whatever its constructor takes; and it has neither traceback nor context."""
    error.__suppress_context__ = True
    with pytest.raises(type(error)) as raised:
        SingleFlight("test-flight").do(partial(_fail_with, error))
    assert raised.value is error

    copied = own_copy(error)

    assert copied is not error
    assert (type(copied), str(copied), copied.args, vars(copied)) == (
        type(error),
        str(error),
        error.args,
        vars(error),
    )
    assert (copied.__traceback__, copied.__context__) == (None, None)
    assert copied.__suppress_context__


def test_seconds_until():
    """A moment that is over is now, and none is never."""
    assert seconds_until(None) is None
    assert seconds_until(time.monotonic() - 5) == 0.0
    assert 0 < seconds_until(time.monotonic() + 5) <= 5
    threading.Event().wait(0)
    assert threading.Lock().acquire(timeout=seconds_until(math.inf))  # a time-out that locks take
