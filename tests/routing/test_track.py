"""How a rollout goes on, and back: its states, its audit record, and what may be decided by hand."""

from __future__ import annotations

import dataclasses

import pytest

from genai_integrations.calls.assignment import Assignment
from genai_integrations.calls.route import OK, Attempt, Route
from genai_integrations.calls.variants import Rollout
from genai_integrations.connections.langfuse.scores import Scored
from genai_integrations.errors import ConfigurationError, ServerError
from genai_integrations.routing.sharing.mirror import Mirror
from genai_integrations.routing.variants.scores import Scores
from genai_integrations.routing.variants.track import Outcome, Track
from genai_integrations.routing.variants.watching import Traced, Watch, outcome_of

GOOD = Outcome(failed=False, seconds=0.5, cost=0.001)
BAD = Outcome(failed=True)


def track(**fields):
    """A rollout that has just begun."""
    given = {"old": "gpt-4o", "new": "gpt-5", "steps": [0.1, 0.5], "min_calls": 10, **fields}
    return Track(Rollout("smart", **given), Mirror("key"))


def route(*rows, of="smart", variant="gpt-5"):
    """The route of a call that was given to `new`, whose target is `a/gpt-5`."""
    attempts = [
        Attempt(f"a/{model}", "a", "openai", model, "first", outcome=outcome, began_ms=began, ms=ms)
        for model, outcome, began, ms in rows
    ]
    given = Assignment(of, variant, "user", frozenset({"a/gpt-5"}), {"a/gpt-4o": "gpt-4o"})
    return Route("smart", attempts, assignment=given)


def test_it_goes_from_step_to_step_and_is_promoted():
    """After `min_calls` of the new model in each step, with a line for each; then the new model has all calls."""
    rollout = track()
    seen = [(rollout.state, rollout.share)]
    for _ in range(20):
        rollout.took("gpt-5", GOOD)
        seen.append((rollout.state, rollout.share))

    assert seen == [("running", 0.1)] * 10 + [("running", 0.5)] * 10 + [("promoted", 1.0)]
    assert [(row.state, row.share, row.calls, row.by) for row in rollout.audit] == [
        ("running", 0.1, 0, "test"),
        ("running", 0.5, 10, "test"),
        ("promoted", 1.0, 20, "test"),
    ]
    assert rollout.audit[1].why == "10 calls at 10 % kept all limits: the error rate 0 %"


def test_calls_of_the_old_model_move_nothing():
    """They are counted, for comparison."""
    rollout = track()
    for _ in range(50):
        rollout.took("gpt-4o", BAD)

    assert (rollout.state, rollout.share) == ("running", 0.1)
    assert (rollout.old.calls, rollout.old.error_rate, rollout.new.error_rate) == (50, 1.0, None)


@pytest.mark.parametrize(
    ("fields", "outcome", "why"),
    [
        ({}, BAD, "the error rate is 100 %, above 5 %: evidence 71.4, 20 needed"),
        (
            {"max_latency": 0.1},
            GOOD,
            "the mean latency is 0.5 s, above 0.1 s: evidence 73.4, 40 needed",
        ),
        (
            {"max_cost": 1e-4},
            GOOD,
            "the mean cost is 0.001 USD, above 0.0001 USD: evidence 133, 40 needed",
        ),
    ],
)
def test_it_is_rolled_back_at_once_and_says_why(fields, outcome, why):
    """Long before `min_calls`, as soon as it is sure; the old model has all calls again, for good."""
    rollout = track(**fields)
    for _ in range(5):
        rollout.took("gpt-5", outcome)
    last = rollout.audit[-1]
    for _ in range(100):
        rollout.took("gpt-5", GOOD)

    assert (rollout.state, rollout.share, rollout.models()) == ("rolled_back", 0.0, ("gpt-4o",))
    assert last.why.startswith(why)
    assert rollout.audit[-1] is last


def test_it_stays_where_it_is_while_a_limit_is_passed_and_that_may_be_chance():
    """Neither back, for one failure is no proof, nor on."""
    rollout = track()
    rollout.took("gpt-5", BAD)
    for _ in range(18):
        rollout.took("gpt-5", GOOD)
    stayed = rollout.share
    rollout.took("gpt-5", GOOD)

    assert (stayed, rollout.share, rollout.new.error_rate) == (0.1, 0.5, 0.05)


def test_worse_scores_roll_it_back():
    """With enough of both models'."""
    rollout = track(score="quality", min_calls=100, max_error_rate=None)
    for _ in range(30):
        rollout.scored("gpt-4o", 0.9)
        rollout.scored("gpt-5", 0.9)
    stayed = rollout.state
    for _ in range(30):
        rollout.scored("gpt-4o", 0.9)
        rollout.scored("gpt-5", 0.1)

    assert (stayed, rollout.state) == ("running", "rolled_back")
    assert rollout.audit[-1].why.startswith("'quality' of ")


def test_a_notebook_shows_both_models_and_every_decision():
    """As tables; what people have written is escaped."""
    rollout = track(score="quality")
    rollout.took("gpt-5", GOOD)
    rollout.scored("gpt-5", 0.5)
    rollout.roll_back("<b>too long</b>")
    shown = rollout._repr_mimebundle_()

    assert "rollout smart: rolled_back, 0 % on gpt-5" in shown["text/plain"]
    assert "500 ms" in shown["text/plain"]
    assert "0.5 of 1" in shown["text/html"]
    assert "&lt;b&gt;too long&lt;/b&gt;" in shown["text/html"]


def test_two_who_decide_at_the_same_moment_leave_one_line():
    """Threads and processes look at the same figures; the first decision of a number counts."""
    mirror = Mirror("key")
    one, two = (Track(Rollout("smart", old="a", new="b"), mirror) for _ in range(2))
    decided = one._note
    one._note = lambda *row, **more: (two.took("b", BAD), decided(*row, **more))
    one.took("b", BAD)
    one.took("b", BAD)

    assert [row.state for row in one.audit] == ["running", "rolled_back"]


def test_without_scores_it_does_not_go_on():
    """Who asks for scores wants them heard: as many as the calls of a step, or 30."""
    rollout = track(score="quality", min_calls=3)
    for _ in range(20):
        rollout.took("gpt-5", GOOD)
    stayed = rollout.share
    for _ in range(3):
        rollout.scored("gpt-5", 1.0)

    assert (stayed, rollout.share) == (0.1, 0.5)


def test_by_hand_it_is_promoted_and_rolled_back_whatever_the_tests_say():
    """With the reason given, and who decided."""
    rollout = track()
    rollout.promote("the team agreed")
    promoted = rollout.state, rollout.share
    rollout.roll_back()

    assert promoted == ("promoted", 1.0)
    assert [(row.state, row.why, row.by) for row in rollout.audit[1:]] == [
        ("promoted", "the team agreed", "hand"),
        ("rolled_back", "by hand", "hand"),
    ]


@pytest.mark.parametrize(
    ("rows", "failed", "expected"),
    [
        ([("gpt-5", OK, 0, 1500)], False, (False, 1.5)),
        ([("gpt-5", "ServerError", 0, 10), ("gpt-5", OK, 500, 1000)], False, (False, 1.5)),
        ([("gpt-5", "ServerError", 0, 10), ("gpt-4o", OK, 20, 10)], False, (True, None)),
        ([("gpt-4o", OK, 0, 10)], False, (True, None)),
        ([("gpt-5", "StreamInterruptedError", 0, 10)], True, (True, None)),
        ([("gpt-5", "ServerError", 0, 10), ("gpt-4o", "ServerError", 20, 10)], True, None),
        ([("gpt-4o", "ServerError", 0, 10)], True, None),
        ([], True, None),
    ],
)
def test_what_a_call_says_of_the_new_model(rows, failed, expected):
    """Answered after the time that the caller waited, from the beginning of the call; or another one answered; or
    nobody did, which says nothing, unless it alone was asked."""
    found = outcome_of(route(*rows), failed=failed, with_cost=False)

    assert (found and (found.failed, found.seconds)) == expected


def test_a_call_that_would_not_wait_says_nothing():
    """The new model might have answered within the time that the client's own settings give it."""
    hasty = route(("gpt-5", "RequestTimeoutError", 0, 10), ("gpt-4o", OK, 20, 10))
    hasty.attempts[0].hurried = True

    assert outcome_of(hasty, failed=False, with_cost=False) is None


def test_a_cached_answer_and_a_call_that_was_given_up_say_nothing():
    """Nobody was asked, or nobody waited."""
    rollout = track()
    watch = Watch({"smart": rollout}, Traced())
    cached = route(("gpt-5", OK, 0, 1))
    cached.cache = dataclasses.replace(cached.cache, attempt=cached.attempts[0])
    watch.call_ended(cached, {}, None)
    watch.call_ended(route(("gpt-5", "", 0, 1)), None, KeyboardInterrupt())
    watch.call_ended(Route("smart"), None, ServerError("x"))

    assert rollout.new.calls == 0


def test_a_score_is_for_the_model_that_answered():
    """An answer that the old model gave in the new one's place says nothing of the new one."""
    rollout = track(score="quality")
    rollout.score(route(("gpt-5", OK, 0, 1)), 0.5)
    rollout.score(route(("gpt-5", "ServerError", 0, 1), ("gpt-4o", OK, 1, 1)), 0.9)

    assert (rollout.new.scores, rollout.new.score, rollout.old.scores) == (1, 0.5, 0)


@pytest.mark.parametrize("given", [None, "text", route(of="other"), Route("smart")])
def test_a_score_of_something_else_is_refused(given):
    """In one line."""
    with pytest.raises(ConfigurationError, match=r"score\(\) takes a reply to a call for 'smart'"):
        track().score(given, 1.0)


@pytest.mark.parametrize("value", ["good", None, float("nan"), float("inf"), -1e200, 10**400])
def test_a_score_that_is_no_number_is_refused(value):
    """A mean of it would be none."""
    with pytest.raises(ConfigurationError, match="a score must be a finite number"):
        track().score(route(("gpt-5", OK, 0, 1)), value)


@pytest.mark.parametrize("value", [1e200, float("nan"), float("-inf")])
def test_a_score_in_langfuse_that_can_be_none_counts_for_none(value):
    """Whoever has a public key may send one, and sums of it would be no numbers any more."""
    rollout, traced = track(score="quality"), Traced()
    traced.note("t1", "smart", "gpt-5")
    rows = [Scored("1", "t1", value), Scored("2", "t1", 0.5)]
    Scores([rollout], traced, lambda _name, _since: rows).read()

    assert (rollout.new.scores, rollout.new.score) == (1, 0.5)


def test_a_trace_in_which_both_have_answered_counts_for_none():
    """Nobody knows whom its score means."""
    traced = Traced()
    traced.note("t1", "smart", "gpt-5")
    traced.note("t2", "smart", "gpt-5")
    traced.note("t2", "smart", "gpt-4o")

    assert [traced.model(trace, "smart") for trace in ("t1", "t2", "t3")] == ["gpt-5", None, None]
    assert traced.model("t1", "other") is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"new": "gpt-4o"}, "Rollout's new must be a different model from old, not 'gpt-4o'"),
        ({"steps": []}, "Rollout's steps must be shares above 0"),
        ({"steps": [0.5, 0.1]}, "Rollout's steps must be shares above 0"),
        ({"steps": [0.5, 1.5]}, "Rollout's steps must be shares above 0"),
        ({"steps": "0.5"}, "Rollout's steps must be shares above 0"),
        ({"min_calls": 0}, "Rollout's min_calls must be a whole number above 0, not 0"),
        (
            {"max_error_rate": 1},
            "Rollout's max_error_rate must be a number above 0 and below 1, not 1",
        ),
        ({"max_latency": -1}, "Rollout's max_latency must be a number above 0, not -1"),
        ({"max_cost": "1"}, "Rollout's max_cost must be a number above 0, not '1'"),
        ({"alpha": None}, "Rollout's alpha must be a number above 0 and below 1, not None"),
        ({"score": ""}, "Rollout's score must be a string that is not empty, not ''"),
        ({"by": None}, "Rollout's by must be a string that is not empty, not None"),
    ],
)
def test_a_rollout_that_cannot_work_is_refused(fields, said):
    """When it is made."""
    with pytest.raises(ConfigurationError) as caught:
        track(**fields)
    assert str(caught.value).startswith(said)
