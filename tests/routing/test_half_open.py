"""After a cooldown one probe goes; the others go elsewhere, or wait for its outcome. No I/O, no real time."""

from __future__ import annotations

import gc

import pytest
from simulation import World

from genai_integrations.calls.args import RouterArgs
from genai_integrations.errors import (
    AllTargetsFailedError,
    APIConnectionError,
    BadRequestError,
    DecryptionError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from genai_integrations.routing.health import Health
from genai_integrations.routing.policy import attempts
from genai_integrations.routing.steps import AwaitProbe, Try


def broke():
    return ServerError("broke", status=500, connection="a", model="m")


@pytest.fixture
def world_of():
    """A world whose target `a` has failed and whose cooldown is just over; others answer in 1 s."""

    def make(answer, *, takes=1.0, others=None, **settings):
        def serve(name, now):
            if name == "a/m":
                return (answer(now) if callable(answer) else answer), takes
            return (others and others(now)), 1.0

        world = World(serve, **settings)
        world.health.failed("a/m")
        world.now += 5.0
        return world

    return make


def test_one_call_is_the_probe_and_the_others_go_elsewhere(world_of, plan_of):
    """Of fifty calls at once, one finds out whether the target is back."""
    world = world_of(None)
    calls = [world.call(plan_of("a", "b")) for _ in range(50)]

    world.run()

    assert [row.target for row in world.attempts()] == ["a/m"] + ["b/m"] * 49
    assert not any(call.awaited for call in calls)


def test_a_probe_that_succeeds_closes_the_circuit(world_of, plan_of):
    """The next call is an ordinary one again."""
    world = world_of(None)
    world.call(plan_of("a", "b"))
    world.run()

    calls = [world.call(plan_of("a", "b")) for _ in range(3)]
    world.run()

    assert world.state("a/m") == "closed"
    assert [call.attempts[0].target for call in calls] == ["a/m", "a/m", "a/m"]


def test_a_probe_that_fails_opens_it_for_another_cooldown(world_of, plan_of):
    """Whatever failures are allowed: a target that is not back has used them up."""
    world = World(lambda *_: (broke(), 1.0), allowed_fails=3)
    world.health.failed("a/m", 5.0)
    world.now += 60.0
    world.call(plan_of("a"), num_retries=0)

    world.run()

    assert world.state("a/m") == "open"
    assert world.health.free_at("a/m") == world.now + 5.0


def test_with_nowhere_to_go_the_others_wait_and_go_on_at_once(world_of, plan_of):
    """The outcome lets all of them through together, at the moment it is known."""
    world = world_of(None, takes=2.0)
    calls = [world.call(plan_of("a")) for _ in range(50)]

    world.run()

    begun = [call.attempts[0].began - call.began for call in calls]
    assert begun == [0.0] + [2.0] * 49
    assert all(call.result is None and len(call.attempts) == 1 for call in calls)
    assert calls[1].awaited == [30.0]


def test_a_failed_probe_answers_for_all_who_wait(world_of, plan_of):
    """A dead target is asked once, and each call raises an exception of its own."""
    world = world_of(broke(), takes=0.5)
    calls = [world.call(plan_of("a"), num_retries=0) for _ in range(50)]

    world.run()

    errors = [call.result for call in calls]
    assert len(world.attempts()) == 1
    assert {str(error) for error in errors} == {"a/m: broke (HTTP 500)"}
    assert {type(error) for error in errors} == {ServerError}
    assert len({id(error) for error in errors}) == 50
    assert not hasattr(errors[0], "__notes__")
    assert errors[1].__notes__ == [
        "reported by another call, which was asking whether the target is back"
    ]


def test_no_storm_of_retries_follows_a_failed_probe(world_of, plan_of):
    """Those who were told go on to their retries one at a time: never two at a target that may be dead."""
    world = world_of(broke(), takes=0.5)
    calls = [world.call(plan_of("a"), num_retries=2) for _ in range(50)]

    world.run()

    spans = sorted((row.began, row.ended) for row in world.attempts())
    assert spans == [(1005.0, 1005.5), (1006.0, 1006.5), (1007.5, 1008.0)]
    assert all(call.waits == [0.5, 1.0] for call in calls)


def test_a_call_that_was_told_turns_to_a_cooling_target_one_at_a_time(world_of, plan_of):
    """The second target cools too: the herd does not move from the one to the other."""
    world = world_of(broke(), others=lambda _: broke())
    world.health.failed("b/m", 40.0)
    calls = [world.call(plan_of("a", "b"), num_retries=0) for _ in range(20)]

    world.run()

    assert [row.target for row in world.attempts()] == ["a/m", "b/m"]
    assert all(isinstance(call.result, AllTargetsFailedError) for call in calls)


def test_waiting_ends_when_another_target_has_cooled_down(world_of, plan_of):
    """A probe that takes long keeps nobody from a target that is free by now."""
    world = world_of(None, takes=20.0)
    world.health.failed("b/m", 3.0)
    first, second = world.call(plan_of("a", "b")), world.call(plan_of("a", "b"))

    world.run()

    assert second.awaited == [5.0]
    assert second.attempts[0].target == "b/m"
    assert second.attempts[0].began == second.began + 5.0
    assert first.attempts[0].target == "a/m"


def test_waiting_ends_with_any_probe(world_of, plan_of):
    """Two targets are being probed; the first that turns out to be back is used."""
    world = world_of(None, takes=20.0)
    world.health.failed("b/m")
    world.now += 5.0
    probes = [world.call(plan_of("a")), world.call(plan_of("b"))]
    waiting = world.call(plan_of("a", "b"), at=0.1)

    world.run()

    assert [row.target for row in waiting.attempts] == ["b/m"]
    assert waiting.attempts[0].began == probes[1].ended == 1011.0


def test_a_target_that_has_just_cooled_down_and_is_probed_ends_no_waiting(world_of, plan_of):
    """It is no more free than the other one."""
    world = World(lambda *_: (None, 2.0))
    world.health.failed("a/m")
    world.health.failed("b/m")
    world.now += 5.0
    for name in "ab":
        world.call(plan_of(name))
    waiting = world.call(plan_of("a", "b"))

    world.run()

    assert waiting.awaited == [30.0]


@pytest.mark.parametrize("how", ["cancelled", "collected"])
def test_a_probe_whose_call_is_gone_is_given_back(how, clock, health, plan_of):
    """Nobody ever says how it ended, and the next call is the probe at once."""
    health.failed("a/m")
    clock.now += 5.0
    args = RouterArgs()
    first = attempts(plan_of("a"), args, health, timeout=30, clock=clock)
    second = attempts(plan_of("a"), args, health, timeout=30, clock=clock)
    assert isinstance(next(first), Try)
    waiting = next(second)
    assert isinstance(waiting, AwaitProbe)

    if how == "cancelled":
        first.close()
    else:
        del first
        gc.collect()

    assert waiting.probes[0].is_done
    assert isinstance(second.send(None), Try)


def test_a_probe_killed_in_an_attempt_is_given_back(clock, health, plan_of):
    """An exception that is thrown into the policy ends the probe as well."""
    health.failed("a/m")
    clock.now += 5.0
    policy = attempts(plan_of("a"), RouterArgs(), health, timeout=30, clock=clock)
    next(policy)

    with pytest.raises(KeyboardInterrupt):
        policy.throw(KeyboardInterrupt())

    assert health.running_probe("a/m") is None
    assert health.free_at("a/m") == 0


def test_a_probe_that_nobody_ends_expires(clock, health, plan_of):
    """One second after its attempt's time-out another call is the probe, whatever became of the first."""
    health.failed("a/m")
    clock.now += 5.0
    lost = attempts(plan_of("a"), RouterArgs(), health, timeout=10, clock=clock)
    next(lost)

    clock.now += 10.9
    waiting = next(attempts(plan_of("a"), RouterArgs(), health, timeout=60, clock=clock))
    clock.now += 0.1
    policy = attempts(plan_of("a"), RouterArgs(), health, timeout=60, clock=clock)

    assert waiting.seconds == pytest.approx(0.1)
    assert isinstance(next(policy), Try)


def test_a_request_that_is_refused_says_nothing_of_the_target(world_of, plan_of):
    """The probe's request was wrong; the next call is the probe."""
    refusal = BadRequestError("no", status=400)
    world = world_of(lambda now: refusal if now == 1005.0 else None)
    calls = [world.call(plan_of("a")) for _ in range(3)]

    world.run()

    assert calls[0].result is refusal
    # The second becomes the probe, and the third waits for that one.
    assert [call.attempts[0].began for call in calls] == [1005.0, 1006.0, 1007.0]
    assert calls[2].awaited == [30.0, 29.0]


def test_a_missing_key_is_told_too(world_of, plan_of):
    """An error that is no answer of a provider is copied as well."""
    world = world_of(DecryptionError("cannot be decrypted"))
    calls = [world.call(plan_of("a")) for _ in range(3)]

    world.run()

    assert [str(call.result) for call in calls] == ["cannot be decrypted"] * 3
    assert len(world.attempts()) == 1


def test_patience_is_an_attempts_timeout(world_of, plan_of):
    """Who would not have waited longer for an answer does not wait longer for the probe."""
    world = world_of(None, takes=20.0)
    world.call(plan_of("a"))
    hasty = world.call(plan_of("a", "b"), timeout=4.0)
    lone = world.call(plan_of("a"), timeout=4.0, num_retries=0)
    world.health.failed("b/m", 100.0)

    world.run()

    assert hasty.awaited[0] == lone.awaited[0] == 4.0
    assert [row.target for row in hasty.attempts] == ["b/m"]
    assert isinstance(lone.result, RequestTimeoutError)
    assert lone.ended == lone.began + 4.0
    assert lone.result.connection == "a"
    assert lone.result.model == "m"
    assert lone.result.provider == "openai"
    assert str(lone.result) == (
        "a/m: no answer in time to the call that was asking whether the target is back"
    )


def test_patience_ends_with_the_deadline(world_of, plan_of):
    """The whole call is bounded, the wait for a probe included."""
    world = world_of(None, takes=20.0)
    world.call(plan_of("a"))
    bounded = world.call(plan_of("a"), deadline=3.0)

    world.run()

    assert bounded.awaited == [3.0]
    assert isinstance(bounded.result, RequestTimeoutError)
    assert bounded.ended == bounded.began + 3.0


def test_the_impatience_of_one_call_is_not_told_to_another(world_of, plan_of):
    """A probe that was given up after 1 s means nothing to a call that has 30: it finds out for itself."""
    world = world_of(None, takes=2.0)
    hasty = world.call(plan_of("a"), timeout=1.0, num_retries=0)
    patient = [world.call(plan_of("a")) for _ in range(3)]

    world.run()

    assert isinstance(hasty.result, RequestTimeoutError)
    assert [call.result for call in patient] == [None, None, None]
    # One of them, alone, and then the two others.
    assert [call.attempts[0].began for call in patient] == [1006.0, 1008.0, 1008.0]


def test_an_equally_patient_call_is_told_of_a_timeout(world_of, plan_of):
    """With the same time-out it would have waited in vain, too."""
    world = world_of(None, takes=60.0)
    calls = [world.call(plan_of("a"), num_retries=0) for _ in range(3)]

    world.run()

    assert [type(call.result) for call in calls] == [RequestTimeoutError] * 3
    assert len(world.attempts()) == 1


def test_what_is_told_goes_by_the_callers_own_rules(world_of, plan_of):
    """`fallback_on` of the one who was told decides whether it goes on."""
    world = world_of(broke())
    world.call(plan_of("a"), num_retries=0)
    final = world.call(plan_of("a"), fallback_on=[429], num_retries=5)

    world.run()

    assert isinstance(final.result, ServerError)
    assert not final.attempts


def test_what_is_told_counts_as_an_attempt(world_of, plan_of):
    """With two retries, two more follow."""
    world = world_of(broke())
    world.call(plan_of("a"), num_retries=0)
    told = world.call(plan_of("a"), num_retries=2)

    world.run()

    assert len(told.attempts) == 2
    assert told.waits == [0.5, 1.0]


def test_a_retry_that_waits_for_a_probe_has_had_its_back_off(world_of, plan_of):
    """When the target is back it goes on at once."""
    world = world_of(lambda now: broke() if now == 1005.0 else None)
    calls = [world.call(plan_of("a")) for _ in range(3)]

    world.run()

    assert [call.waits for call in calls] == [[0.5], [0.5], [0.5]]
    assert sorted(call.ended for call in calls) == [1007.5, 1008.5, 1008.5]
    assert [call.result for call in calls] == [None, None, None]


def test_what_is_told_is_not_counted_against_the_target_twice(world_of, plan_of):
    """Forty calls that wait for one failed probe are one failure: the cooldown is five seconds from that one."""
    world = world_of(lambda _: RateLimitError("busy", status=429, retry_after=7.0))
    for _ in range(40):
        world.call(plan_of("a"), num_retries=0)

    world.run()

    assert world.health._records["a/m"].open_until == 1006.0 + 7.0


def test_a_lone_target_that_cools_is_asked_by_everyone(world_of, plan_of):
    """While the circuit is open there is no probe: who has nowhere else to go asks."""
    world = World(lambda *_: (None, 1.0))
    world.health.failed("a/m")
    calls = [world.call(plan_of("a")) for _ in range(5)]

    world.run()

    assert [call.attempts[0].began for call in calls] == [1000.0] * 5


def test_a_success_of_another_call_ends_the_waiting(world_of, plan_of):
    """It began after the target had failed, so it shows that the target is back."""
    world = world_of(None, takes=20.0)
    world.call(plan_of("a"))
    waiting = world.call(plan_of("a"))
    world._at(1008.0, lambda: world.health.succeeded("a/m", 1001.0))

    world.run()

    assert waiting.attempts[0].began == 1008.0


def test_a_thread_that_came_second_goes_elsewhere(clock, health, plan_of, monkeypatch):
    """Two calls choose the same half-open target; the one that is not its probe does not wait, as `b` is healthy."""
    health.failed("a/m")
    clock.now += 5.0
    first = attempts(plan_of("a"), RouterArgs(), health, timeout=30, clock=clock)
    admit, others = health.admit, [first]

    def overtaken(*args, **options):
        if others:
            next(others.pop())
        return admit(*args, **options)

    monkeypatch.setattr(health, "admit", overtaken)
    step = next(attempts(plan_of("a", "b"), RouterArgs(), health, timeout=30, clock=clock))

    assert isinstance(step, Try)
    assert step.target.name == "b/m"


def test_a_new_key_is_tried_within_the_probe(clock, health, plan_of, target):
    """The probe lasts until the second answer, and that decides."""
    from genai_integrations.errors import AuthenticationError

    health.failed("a/m")
    clock.now += 5.0
    policy = attempts(plan_of("a"), RouterArgs(), health, timeout=30, clock=clock)
    next(policy)
    probe = health.running_probe("a/m")
    policy.send(AuthenticationError("no", status=401))

    assert not probe.is_done
    policy.send(target("a"))
    with pytest.raises(StopIteration):
        policy.send(None)
    assert probe.is_done
    assert probe.error is None
    assert health.free_at("a/m") == 0


def test_errors_of_a_probe_are_not_kept(clock, health, plan_of):
    """An error holds the frames of its call, and so what was asked: no record may keep it alive."""
    health.failed("a/m")
    clock.now += 5.0
    policy = attempts(plan_of("a"), RouterArgs(num_retries=0), health, timeout=30, clock=clock)
    next(policy)

    with pytest.raises(APIConnectionError):
        policy.send(APIConnectionError("gone"))

    assert health._records["a/m"].probe is None


def test_a_cooldown_that_is_over_ends_no_wait(plan_of, clock):
    """Two targets are half-open since this very moment, and are being asked: a third call waits for one of them."""
    health = Health(clock=clock, cooldown_time=5.0)
    for name in ("a/m", "b/m"):
        health.failed(name)
    clock.now += 5.0
    given = {"timeout": 30.0, "clock": clock}
    args = RouterArgs()
    first, second, third = (
        attempts(plan_of(*names), args, health, **given) for names in ("a", "b", "ab")
    )

    assert isinstance(next(first), Try)
    assert isinstance(next(second), Try)
    step = next(third)

    assert isinstance(step, AwaitProbe)
    assert step.seconds == 30.0
