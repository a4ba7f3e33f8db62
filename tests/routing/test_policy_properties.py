"""What holds whatever targets answer and however many calls there are. Random worlds; no I/O, no real time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some
from simulation import World

from genai_integrations import Connection, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import (
    AllTargetsFailedError,
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    DecryptionError,
    OutOfCreditError,
    RateLimitError,
    ServerError,
)
from genai_integrations.routing.deployments import Deployment, Plan, Target

TARGETS = {
    name: Target(Deployment(Connection(name, PROVIDERS["openai"], Secret(f"sk-{name}")), "m"))
    for name in "abc"
}
ANSWERS = {
    "ok": lambda text: None,
    "500": lambda text: ServerError(text, status=500),
    "429": lambda text: RateLimitError(text, status=429),
    "429 in 2 s": lambda text: RateLimitError(text, status=429, retry_after=2.0),
    "429 in 90 s": lambda text: RateLimitError(text, status=429, retry_after=90.0),
    "402": lambda text: OutOfCreditError(text, status=402),
    "400": lambda text: BadRequestError(text, status=400),
    "401": lambda text: AuthenticationError(text, status=401),
    "gone": APIConnectionError,
    "no key": DecryptionError,
}
OWN = (
    "no answer in time to the call that was asking whether the target is back",
    "the deadline has passed",
)

moments = some.sampled_from([0.0, 0.1, 0.5, 1.0, 4.0, 5.0, 5.1, 7.0, 20.0, 61.0])
seconds = some.sampled_from([0.3, 1.0, 5.0, 12.0])
answers = some.lists(
    some.tuples(some.sampled_from(sorted(ANSWERS)), some.sampled_from([0.0, 0.2, 3.0, 50.0])),
    min_size=1,
    max_size=6,
)


@some.composite
def calls(draw):
    """Arguments of one call."""
    names = draw(some.lists(some.sampled_from("abc"), min_size=1, max_size=3, unique=True))
    own = draw(some.integers(1, len(names)))
    targets = [TARGETS[name] for name in names]
    return {
        "plan": Plan(targets[:own], [[row] for row in targets[own:]]),
        "at": draw(moments),
        "timeout": draw(seconds),
        "cancelled_after": draw(some.none() | moments),
        "deadline": draw(some.none() | seconds),
        "num_retries": draw(some.integers(0, 3)),
    }


@some.composite
def worlds(draw):
    """A world after everything that happens in it, with all that its targets said."""
    scripts = {name: draw(answers) for name in "abc"}
    turns = dict.fromkeys(scripts, 0)

    def serve(target, now):
        name = target[0]
        script = scripts[name]
        kind, takes = script[turns[name] % len(script)]
        turns[name] += 1
        return ANSWERS[kind](f"{kind} from {name}, number {turns[name]}"), takes

    world = World(
        serve,
        jitter=draw(some.sampled_from([0.0, 0.5, 1.0])),
        allowed_fails=draw(some.sampled_from([0, 2])),
        cooldown_time=draw(some.sampled_from([0.0, 5.0])),
    )
    for row in draw(some.lists(calls(), min_size=1, max_size=12)):
        world.call(**{"deadline": None, **row})
    return world.run()


def all_errors(error):
    """An error, or those it is made of; none of a success."""
    if error is None:
        return []
    return error.attempts if isinstance(error, AllTargetsFailedError) else [error]


def every_call_ends_within_its_deadline(world):
    """And no attempt might have lasted longer than that."""
    for call in world.calls:
        assert call.ended is not None
        deadline = call.args["deadline"]
        if deadline is not None:
            ends = call.began + deadline
            assert call.ended <= ends + 1e-6
            assert all(row.began + row.timeout <= ends + 1e-6 for row in call.attempts)


def attempts_are_as_many_as_were_asked_for(world):
    """One at each target, and `1 + num_retries` in all, those aside for which no key could be had."""
    for call in world.calls:
        targets = sum(len(group) for group in [call.plan.targets, *call.plan.fallbacks])
        sent = [row for row in call.attempts if not isinstance(row.error, DecryptionError)]
        assert len(sent) <= max(targets, 1 + call.args["num_retries"])
        assert len(call.waits) <= call.args["num_retries"]


def half_open_lets_one_through(world):
    """While a probe is under way no other begins at its target."""
    probes = [row for row in world.attempts() if row.was_half_open]
    for probe in probes:
        others = [row for row in probes if row is not probe and row.target == probe.target]
        assert not any(probe.began <= row.began < probe.ended for row in others)


def nobody_waits_while_a_target_is_free(world):
    """Neither for a retry nor for another's probe."""
    assert [names for call in world.calls for names in call.idle if names] == []


def every_error_has_a_cause_that_happened(world):
    """It is what a target said, to this call or to one whose probe it waited for; or the time is over."""
    said = {error.args[0] for error in world.errors}
    for call in world.calls:
        texts = [error.args[0] for error in all_errors(call.result)]
        assert all(text in said or text in OWN for text in texts)
        assert texts or call.was_cancelled or call.attempts[-1].error is None


def calls_share_no_exception(world):
    """Each raises an object of its own."""
    raised = [error for call in world.calls for error in all_errors(call.result)]
    assert len({id(error) for error in raised}) == len(raised)


def a_probe_that_answers_closes_the_circuit(world):
    """Unless the target has failed meanwhile, for somebody else."""
    for call in world.calls:
        last = call.attempts[-1] if call.attempts else None
        if last is None or not last.was_half_open or last.error or call.was_cancelled:
            continue
        meanwhile = [
            row
            for row in world.attempts(last.target)
            if row is not last and last.began <= row.ended <= last.ended and row.error
        ]
        assert last.closed or meanwhile


def nothing_stays_half_open(world):
    """Long after, the next call is let through at once, and its success closes the circuit."""
    world.now += 4000.0
    world._serve = lambda *_: (None, 1.0)
    calls = [world.call(Plan([target])) for target in TARGETS.values()]

    world.run()

    assert [row.result for row in calls] == [None, None, None]
    assert [row.attempts[0].began for row in calls] == [row.began for row in calls]
    assert [world.state(target.name) for target in TARGETS.values()] == ["closed"] * 3


@settings(max_examples=200)
@given(worlds())
def test_what_always_holds(world):
    """Each of the statements above, of every world; the last one changes it."""
    every_call_ends_within_its_deadline(world)
    attempts_are_as_many_as_were_asked_for(world)
    half_open_lets_one_through(world)
    nobody_waits_while_a_target_is_free(world)
    every_error_has_a_cause_that_happened(world)
    calls_share_no_exception(world)
    a_probe_that_answers_closes_the_circuit(world)
    nothing_stays_half_open(world)
