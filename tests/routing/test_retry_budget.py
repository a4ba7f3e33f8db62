"""How many retries a client may send beside its calls. No I/O, no real time."""

from __future__ import annotations

import pytest
from simulation import World

from genai_integrations.errors import AllTargetsFailedError, ServerError
from genai_integrations.routing.retry_budget import RetryBudget

NOTE = "not tried again: this client's retries have reached 20% of its calls and 10 a second"


def granted(budget, now, wanted=1000):
    """How many retries of those wanted are let through."""
    return sum(budget.withdraw(now) for _ in range(wanted))


def down(*_):
    return ServerError("down", status=503, connection="a", model="m"), 0.1


@pytest.mark.parametrize(("calls", "retries"), [(0, 100), (1, 100), (5, 101), (1000, 300)])
def test_a_share_of_the_calls_and_a_minimum(calls, retries):
    """A fifth of the calls of the last ten seconds, and ten for each of those seconds."""
    budget = RetryBudget()
    for _ in range(calls):
        budget.deposit(1000.0)

    assert granted(budget, 1000.0) == retries
    assert not budget.withdraw(1000.0)


def test_calls_and_retries_are_forgotten_after_ten_seconds():
    """What was sent long ago neither allows nor forbids a retry now; a second is the grain of it."""
    budget = RetryBudget()
    for _ in range(100):
        budget.deposit(1000.0)
    assert granted(budget, 1005.0) == 120

    assert granted(budget, 1010.9) == 0
    # The calls are too old now, the retries of five seconds later are not.
    assert granted(budget, 1011.0) == 0
    assert granted(budget, 1015.9) == 0
    assert granted(budget, 1016.0) == 100


def test_a_second_is_counted_as_one():
    """Calls of one second share a count, from its first call on; those of the next have their own."""
    budget = RetryBudget()
    budget.deposit(1000.0)
    budget.deposit(1000.9)
    budget.deposit(1001.0)

    assert [(slot.ends_at, slot.calls) for slot in budget._slots] == [(1001.0, 2), (1002.0, 1)]


def test_little_is_kept():
    """One count for each second of the last ten, and the present one."""
    budget = RetryBudget()
    for second in range(1000):
        budget.deposit(1000.0 + second)

    assert len(budget._slots) == 11


def test_an_outage_costs_a_fifth_more_and_the_minimum(plan_of):
    """A thousand calls at once at a target that is down: 1,300 requests, and not 3,000."""
    world = World(down)
    calls = [world.call(plan_of("a"), num_retries=2) for _ in range(1000)]

    world.run()

    assert len(world.attempts()) == 1000 + 200 + 100
    refused = [call for call in calls if len(call.attempts) < 3]
    assert all(call.result.__notes__ == [NOTE] for call in refused)
    assert {str(call.result) for call in calls} == {"a/m: down (HTTP 503)"}


def test_a_long_outage_costs_no_more(plan_of):
    """Twenty calls a second for a minute: after the first burst a fifth more, and ten a second."""
    world = World(down)
    for number in range(1200):
        world.call(plan_of("a"), at=number / 20, num_retries=2)

    world.run()

    # 1,200 calls, 240 for them, 600 in a minute; and up to the minimum of one window at each end.
    assert 2000 <= len(world.attempts()) <= 1200 + 240 + 600 + 100


def test_another_target_is_no_retry(plan_of):
    """Whatever the budget says, a fallback is asked: it is another server that bears the load."""
    world = World(lambda name, _: down() if name == "a/m" else (None, 0.1), cooldown_time=0)
    while world.health.retries.withdraw(world.now):
        pass
    calls = [world.call(plan_of("a", fallbacks=[["b"]])) for _ in range(500)]

    world.run()

    assert all(call.result is None for call in calls)
    assert len(world.attempts("b/m")) == 500


def test_what_several_targets_said_is_raised_with_the_reason(plan_of):
    """The error that would have been followed by a retry says why it was not."""
    world = World(down, cooldown_time=0)
    while world.health.retries.withdraw(world.now):
        pass
    call = world.call(plan_of("a", "b"), num_retries=5)

    world.run()

    assert isinstance(call.result, AllTargetsFailedError)
    assert call.result.__notes__ == [NOTE]
    assert len(call.attempts) == 2


def test_a_retry_that_will_not_be_made_costs_nothing(plan_of):
    """One that would come after the deadline leaves the budget to others."""
    world = World(down, cooldown_time=0)
    for _ in range(200):
        world.call(plan_of("a"), num_retries=1, deadline=0.3)

    world.run()

    assert len(world.attempts()) == 200
    assert granted(world.health.retries, world.now) == 140


def test_a_lone_script_is_never_refused(plan_of):
    """One call after the other, each with two retries, as long as it likes."""
    world = World(down)
    calls = [world.call(plan_of("a"), at=number * 1.8, num_retries=2) for number in range(200)]

    world.run()

    assert [len(call.attempts) for call in calls] == [3] * 200
