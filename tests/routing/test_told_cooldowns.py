"""What processes tell each other of cooldowns, and what is told of them here. No I/O, no real time."""

from __future__ import annotations

import os
import warnings

import pytest
from simulation import Clock

from genai_integrations import Connection
from genai_integrations.routing.health import MOST_CIRCUITS, Health

SEOUL = Connection.of("seoul", "openai", "sk-1")


@pytest.fixture
def shared(clock):
    """A health whose cooldowns others know; they call a target as it is called here."""
    health = Health(cooldown_time=5, clock=clock)
    health.share(str)
    return health


def test_what_cools_is_told_with_the_seconds_that_are_left():
    """A target whose time is over is none of them, to the moment."""
    clock = Clock(1000.0)
    health = Health(clock=clock)
    assert health.cooling() == {}

    health.failed("a/m", 30.0)
    health.failed("b/m", 60.0)
    assert health.cooling() == {"a/m": 30.0, "b/m": 60.0}
    clock.now = 1029.5
    assert health.cooling() == {"a/m": 0.5, "b/m": 30.5}
    clock.now = 1030.0
    assert health.cooling() == {"b/m": 30.0}
    clock.now = 1061.0
    assert health.cooling() == {}


def test_changes_are_noted_for_others(clock, shared):
    """The end of a cooldown, and 0 for a target that is back."""
    shared.failed("a/m", 30.0)
    shared.failed("b/m", 60.0)
    shared.succeeded("a/m", clock.now)

    assert shared.changed == {"a/m": 0.0, "b/m": clock.now + 60.0}


def test_nothing_is_noted_where_nobody_is_told(clock, shared):
    """Nor of a target whose failures are a rehearsal."""
    alone = Health(clock=clock)
    shared.rehearsed.add("a/m")
    for health in (alone, shared):
        health.failed("a/m", 30.0)

    assert alone.changed == shared.changed == {}


def test_what_was_told_is_not_told_again(clock, shared):
    """Unless it has changed since."""
    shared.failed("a/m", 30.0)
    shared.failed("b/m", 30.0)
    told = dict(shared.changed)
    shared.failed("b/m", 60.0)

    shared.hear({}, told)

    assert shared.changed == {"b/m": clock.now + 60.0}


def test_what_others_tell_holds_here(clock, shared):
    """A cooldown, its end, and of a target that nobody spoke of nothing."""
    shared.hear({"a/m": clock.now + 30.0}, {})
    assert shared.free_at("b/m") == 0.0
    assert shared.free_at("a/m") == clock.now + 30.0

    shared.hear({"a/m": 0.0}, {})
    assert shared.free_at("a/m") == 0.0
    assert shared.changed == {}


def test_a_cooldown_that_is_over_when_it_is_heard_is_none(clock, shared):
    """To the moment: the next attempt is no probe."""
    shared.hear({"a/m": clock.now}, {})

    admission = shared.admit("a/m", 10.0)
    assert (admission.mine, admission.other) == (None, None)


def test_what_this_process_has_seen_counts_more(clock, shared):
    """Until it has told it: another's word may be older."""
    shared.failed("a/m", 30.0)
    shared.hear({"a/m": 0.0}, {})

    assert shared.free_at("a/m") == clock.now + 30.0


def test_an_attempt_from_before_a_told_cooldown_says_nothing_of_it(clock, shared):
    """One that began after it does; a cooldown that is told longer began when it was first told."""
    began = clock.now
    shared.hear({"a/m": began + 30.0}, {})
    assert shared.free_at("a/m") == began + 30.0
    clock.now += 10.0
    shared.hear({"a/m": began + 60.0}, {})
    assert shared.free_at("a/m") == began + 60.0

    shared.succeeded("a/m", began - 1.0)
    assert shared.free_at("a/m") == began + 60.0
    shared.succeeded("a/m", began + 5.0)
    assert shared.free_at("a/m") == 0.0


def test_a_later_told_cooldown_begins_anew(clock, shared):
    """After the end of the last one: what began before is older than it."""
    shared.hear({"a/m": clock.now + 30.0}, {})
    assert shared.free_at("a/m") == clock.now + 30.0
    clock.now += 40.0
    shared.hear({"a/m": clock.now + 30.0}, {})
    assert shared.free_at("a/m") == clock.now + 30.0

    shared.succeeded("a/m", clock.now - 5.0)
    assert shared.free_at("a/m") == clock.now + 30.0


def test_what_is_heard_has_a_bound(clock, shared):
    """Of what nobody has asked for the oldest goes."""
    names = [f"t{number}" for number in range(MOST_CIRCUITS)]
    shared.hear(dict.fromkeys(names, clock.now + 30.0), {})
    assert shared.free_at("t0") == clock.now + 30.0

    shared.hear({"t1": clock.now + 30.0, "one": clock.now + 30.0, "more": clock.now + 30.0}, {})
    assert shared.free_at("t1") == 0.0
    assert shared.free_at("t2") == shared.free_at("more") == clock.now + 30.0


def test_a_rehearsal_leaves_nothing(clock):
    """Neither a cooldown nor an empty account, however the target did."""
    health = Health(clock=clock)
    health.rehearsed.add("seoul/m")
    health.failed("seoul/m", 30.0)
    health.accounts.emptied(SEOUL, 60.0)

    health.forget("seoul/m", SEOUL)

    assert health.free_at("seoul/m") == health.accounts.free_at(SEOUL) == 0.0
    assert health.rehearsed == set()


def test_a_child_does_not_tell_what_its_parent_will(shared):
    """What the parent noted is the parent's to tell; what it knew is known to both."""
    shared.failed("a/m", 30.0)
    with warnings.catch_warnings():
        # Threads of other tests may run; none of them is needed here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os._exit(0 if shared.changed == {} and shared.free_at("a/m") else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(shared.changed) == ["a/m"]
