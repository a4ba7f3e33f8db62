"""How long a target that failed is left alone, and what counts as a failure. No I/O, no real time."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from simulation import Clock

from genai_integrations.errors import ServerError
from genai_integrations.routing.health import Health

SERVER = ServerError("broke", status=500)


def test_a_failed_target_is_tried_last_while_it_cools(drive, plan_of, clock):
    """Another call goes to the healthy one first; after the cooldown the order is the old one again."""
    drive({"a/m": SERVER}).run(plan_of("a", "b"))

    driver = drive()
    driver.run(plan_of("a", "b"))
    assert driver.tried == ["b/m"]

    clock.now += 5.1
    driver = drive()
    driver.run(plan_of("a", "b"))
    assert driver.tried == ["a/m"]


def test_with_all_cooling_the_one_free_first_is_tried(drive, plan_of, clock, health):
    """Nobody is refused only because everything has failed lately."""
    health.failed("a/m", 30.0)
    health.failed("b/m", 10.0)
    driver = drive({"b/m": SERVER, "a/m": SERVER})

    driver.run(plan_of("a", "b"), num_retries=0)

    assert driver.tried == ["b/m", "a/m"]


def test_a_healthy_fallback_is_preferred_to_a_cooling_target(drive, plan_of, health):
    """The name asked for cools; the fallback answers at once."""
    health.failed("a/m")
    driver = drive()

    driver.run(plan_of("a", fallbacks=[["b"]]))

    assert driver.log == [("fallback", "b/m")]


def test_some_failures_may_be_allowed(clock, drive, plan_of):
    """A target cools down with the failure after `allowed_fails`, counted within a minute."""
    health = Health(allowed_fails=2, cooldown_time=5, clock=clock)
    for _ in range(2):
        health.failed("a/m")
    assert health.free_at("a/m") == 0

    health.failed("a/m")
    assert health.free_at("a/m") == clock.now + 5


def test_old_failures_are_forgotten(clock):
    """Failures more than a minute apart do not add up."""
    health = Health(allowed_fails=1, clock=clock)
    for _ in range(5):
        health.failed("a/m")
        assert health.free_at("a/m") == 0
        clock.now += 60.0


def test_each_minute_of_failures_is_counted_anew(clock):
    """The first failure after one begins the next, and those within it add up."""
    health = Health(allowed_fails=1, clock=clock)
    health.failed("a/m")
    clock.now += 60.0
    health.failed("a/m")
    clock.now += 59.0
    health.failed("a/m")

    assert health.free_at("a/m") == 1124.0


def test_a_success_clears_the_record(clock, drive, plan_of):
    """A target that answers has no past."""
    health = Health(allowed_fails=1, clock=clock)
    driver = drive({"a/m": [SERVER, None]}, health=health)
    driver.run(plan_of("a"), num_retries=1)

    health.failed("a/m")

    assert health.free_at("a/m") == 0


def test_a_success_clears_the_record_of_a_machine_that_just_started(clock):
    """Monotonic seconds may be few; no moment of the past is taken for a cooldown's."""
    clock.now = 0.5
    health = Health(allowed_fails=1, clock=clock)
    health.failed("a/m")
    health.succeeded("a/m", 0.5)
    health.failed("a/m")
    assert health.free_at("a/m") == 0

    health.failed("a/m")
    health.succeeded("a/m")
    assert health.free_at("a/m") == 5.5


def test_a_target_that_says_when_to_come_back_is_left_alone_until_then(clock):
    """Whatever failures are allowed; but not for more than an hour."""
    health = Health(allowed_fails=9, cooldown_time=5, clock=clock)
    health.failed("a/m", 40.0)
    health.failed("b/m", 7200.0)

    assert health.free_at("a/m") == clock.now + 40
    assert health.free_at("b/m") == clock.now + 3600


def test_a_long_retry_after_outlasts_the_window_of_failures(clock):
    """Five minutes asked for are five minutes, though failures are counted by the minute."""
    health = Health(allowed_fails=3, cooldown_time=5, clock=clock)
    health.failed("a/m", 300.0)
    clock.now += 61
    health.failed("a/m")

    assert health.free_at("a/m") == 1300.0


def test_an_older_calls_success_does_not_end_a_cooldown(clock):
    """A call that began before the target said 429 knows nothing of it; one that began after it does."""
    health = Health(cooldown_time=5, clock=clock)
    began = clock.now
    clock.now += 1
    health.failed("a/m", 60.0)

    health.succeeded("a/m", began)
    assert health.free_at("a/m") == 1061.0
    health.succeeded("a/m")
    assert health.free_at("a/m") == 1061.0

    health.succeeded("a/m", clock.now)
    assert health.free_at("a/m") == 0


def test_a_cooldown_asked_for_begins_anew(clock):
    """A success that began within the first cooldown says nothing of a `Retry-After` that came later."""
    health = Health(cooldown_time=5, clock=clock)
    health.failed("a/m")
    clock.now += 1
    began = clock.now
    clock.now += 1
    health.failed("a/m", 60.0)

    health.succeeded("a/m", began)

    assert health.free_at("a/m") == 1062.0


def test_one_more_failure_makes_a_cooldown_longer_and_no_newer(clock):
    """Of two calls that were made within it, the success counts though the failure came later."""
    health = Health(cooldown_time=5, clock=clock)
    health.failed("a/m")
    clock.now += 1
    began = clock.now
    clock.now += 1
    health.failed("a/m")
    assert health.free_at("a/m") == 1007.0

    health.succeeded("a/m", began)

    assert health.free_at("a/m") == 0


def test_a_circuit_that_opens_again_is_newly_open(clock):
    """A success from the first cooldown does not end the second."""
    health = Health(cooldown_time=5, clock=clock)
    health.failed("a/m")
    clock.now += 1
    began = clock.now
    clock.now += 4
    health.failed("a/m")

    health.succeeded("a/m", began)

    assert health.free_at("a/m") == 1010.0


def test_an_older_calls_failure_leaves_the_decision_to_the_probe(clock):
    """It neither opens the circuit again nor makes the probe's success count less."""
    health = Health(cooldown_time=5, clock=clock)
    health.failed("a/m")
    clock.now += 5
    probe = health.admit("a/m", 30.0).mine
    began = clock.now
    clock.now += 1

    health.failed("a/m")
    assert health.running_probe("a/m") is probe
    assert health._records["a/m"].open_until == 1005.0

    health.succeeded("a/m", began)
    assert health.free_at("a/m") == 0


def test_a_retry_after_during_a_probe_counts(clock):
    """The target itself has said when to come back, whatever the probe's answer is."""
    health = Health(cooldown_time=5, clock=clock)
    health.failed("a/m")
    clock.now += 5
    health.admit("a/m", 30.0)
    began = clock.now
    clock.now += 1

    health.failed("a/m", 60.0)
    health.succeeded("a/m", began)

    assert health.free_at("a/m") == 1066.0


def test_half_open_is_free_until_somebody_probes(clock):
    """From the end of the cooldown on; the moment itself belongs to the half-open time."""
    health = Health(cooldown_time=5, clock=clock)
    health.failed("a/m")
    clock.now += 4.99
    assert health.free_at("a/m") == 1005.0
    assert health.admit("a/m", 30.0).mine is None

    clock.now = 1005.0
    assert health.free_at("a/m") == 0
    probe = health.admit("a/m", 30.0).mine

    assert health.free_at("a/m") == 1005.0
    assert health.admit("a/m", 30.0).other is probe
    assert health.admit("a/m", 30.0).mine is None
    assert (probe.timeout, probe.expires_at) == (30.0, 1036.0)


def test_targets_without_failures_are_admitted_at_once(clock):
    """And those with fewer than are allowed."""
    health = Health(allowed_fails=1, clock=clock)
    health.failed("a/m")

    for name in ("a/m", "b/m"):
        admission = health.admit(name, 30.0, only_as_probe=True)
        assert (admission.mine, admission.other) == (None, None)
        assert health.running_probe(name) is None


def test_an_open_circuit_may_be_probed_early(clock):
    """By those who know that one attempt at a time is enough; everyone else is let through."""
    health = Health(cooldown_time=5, clock=clock)
    health.failed("a/m")

    probe = health.admit("a/m", 30.0, only_as_probe=True).mine

    assert probe is not None
    assert health.admit("a/m", 30.0, only_as_probe=True).other is probe
    assert health.admit("a/m", 30.0).other is None
    assert health.free_at("a/m") == 1005.0
    clock.now += 1
    health.failed("a/m", None, probe)
    assert health.free_at("a/m") == 1006.0
    assert health.running_probe("a/m") is None


def test_a_failed_probe_opens_at_once(clock):
    """The circuit was not closed yet, so no failure is allowed."""
    health = Health(allowed_fails=5, cooldown_time=5, clock=clock)
    health.failed("a/m", 10.0)
    clock.now += 300
    probe = health.admit("a/m", 30.0).mine

    health.failed("a/m", None, probe)

    assert health.free_at("a/m") == 1305.0


def test_the_records_are_bounded(clock):
    """A program that makes names up fills no memory; those that failed last are kept."""
    health = Health(clock=clock)
    for number in range(5000):
        health.failed(f"seoul/made-up-{number}")
    health.failed("seoul/made-up-904")
    health.failed("usa/one-more")

    assert len(health._records) == 4096
    assert health.free_at("seoul/made-up-904") == 1005.0
    assert health.free_at("seoul/made-up-905") == 0
    assert health.free_at("seoul/made-up-906") == 1005.0


def test_old_records_are_forgotten(clock):
    """Ten minutes after a cooldown's end, or a minute after a failure that was allowed."""
    health = Health(cooldown_time=5, allowed_fails=1, clock=clock)
    health.failed("allowed")
    health.failed("opened", 20.0)
    clock.now += 59.9
    health.failed("other")
    assert set(health._records) == {"allowed", "opened", "other"}

    clock.now += 0.1
    health.failed("other")
    assert set(health._records) == {"opened", "other"}

    clock.now = 1619.9
    health.failed("other")
    assert set(health._records) == {"opened", "other"}
    clock.now = 1620.0
    health.failed("other")
    assert set(health._records) == {"other"}


def test_one_thread_alone_is_the_probe():
    """Twenty threads ask at one moment, again and again."""
    clock = Clock()
    health = Health(clock=clock)
    barrier = threading.Barrier(20, timeout=20)

    def ask(_):
        barrier.wait()
        return health.admit("a/m", 30.0)

    with ThreadPoolExecutor(20) as pool:
        for _ in range(50):
            health.failed("a/m")
            clock.now += 5.0
            admissions = list(pool.map(ask, range(20)))
            mine = [row.mine for row in admissions if row.mine is not None]
            assert len(mine) == 1
            assert [row.other for row in admissions if row.other is not None] == mine * 19
            health.succeeded("a/m", clock.now)


def test_a_retry_after_is_never_lost_between_threads():
    """However many shorter cooldowns begin at the same moment."""
    health = Health(clock=lambda: 1000.0)
    barrier = threading.Barrier(20, timeout=20)

    def fail(number):
        barrier.wait()
        health.failed("a/m", 300.0 if number == 7 else None)

    with ThreadPoolExecutor(20) as pool:
        for _ in range(50):
            list(pool.map(fail, range(20)))
            assert health.free_at("a/m") == 1300.0
            health.succeeded("a/m", 1000.0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_waits_for_no_probe_of_its_parent():
    """Nor for a lock that a thread of the parent held: neither will ever be given back in the child."""
    clock = Clock()
    health = Health(clock=clock)
    health.failed("a/m")
    clock.now += 5
    assert health.admit("a/m", 30.0).mine is not None
    held, done = threading.Event(), threading.Event()

    def hold():
        with health._lock:
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    child = _forked(lambda: health.admit("a/m", 30.0).mine is not None)
    done.set()
    thread.join()

    assert child == 0
    assert health.running_probe("a/m") is not None


def _forked(check):
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork beside threads, which is what this is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        signal.alarm(20)
        os._exit(0 if check() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_short_retry_after_does_not_shorten_a_longer_rest(clock):
    """A second failure never makes a target free earlier than it had said."""
    health = Health(cooldown_time=5, clock=clock)
    health.failed("a/m", 100.0)
    health.failed("a/m")

    assert health.free_at("a/m") == clock.now + 100


def test_no_cooldown_is_possible(clock, drive, plan_of):
    """`cooldown_time=0` leaves nobody alone."""
    health = Health(cooldown_time=0, clock=clock)
    drive({"a/m": SERVER}, health=health).run(plan_of("a", "b"))
    driver = drive(health=health)

    driver.run(plan_of("a", "b"))

    assert driver.tried == ["a/m"]


def test_without_cooldown_nobody_probes(clock):
    """Every call goes on as if nothing had happened, and none waits for another."""
    health = Health(cooldown_time=0, clock=clock)
    health.failed("a/m")

    admission = health.admit("a/m", 30.0)

    assert (admission.mine, admission.other) == (None, None)
