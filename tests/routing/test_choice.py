"""In which order a choice puts targets, by what was measured of them."""

from __future__ import annotations

import pytest

from genai_integrations.calls.args import router_args
from genai_integrations.calls.request import chat_request
from genai_integrations.calls.route import OK, Attempt, Route
from genai_integrations.routing.choice import Choice
from genai_integrations.routing.deployments import Plan
from genai_integrations.routing.measured import Measured


@pytest.fixture
def measured(clock):
    return Measured(clock)


@pytest.fixture
def answers(clock, measured):
    """Have a target answer in so many seconds."""

    def answers(target, seconds, *, stream=False):
        request = asked(stream=stream)
        watch = measured.call_began(request)
        attempt = Attempt(target.name, target.connection.name, "openai", target.model, "first")
        watch.attempt_began(attempt)
        clock.now += seconds
        attempt.ms = attempt.first_content_ms = seconds * 1000
        attempt.outcome = OK
        route = Route("auto", [attempt])
        if stream:
            watch.first_content(route)
        watch.attempt_ended(attempt)
        watch.call_ended(route, None, None)

    return answers


def asked(*, stream=False):
    """A request."""
    return chat_request(
        "auto", [{"role": "user", "content": "Hi"}], {}, router_args({}), stream=stream
    )


def order(choice, *, stream=False):
    """The targets in the order in which a call would ask them, and why."""
    first, *others = choice.groups()
    plan = choice.finished(Plan(first, others), asked(stream=stream))
    return [row.name for group in (plan.targets, *plan.fallbacks) for row in group], plan.why


def test_the_fastest_is_the_one_with_the_least_expected_time(target, measured, answers):
    """A target that was not measured comes before all, and one that has turned slow goes behind at once."""
    a, b, c = target("a"), target("b"), target("c")
    auto = router_args({"auto": {"models": ["x", "y", "z"], "prefer": "fastest"}}).auto
    choice = Choice(auto, {"x": [a], "y": [b], "z": [c]}, measured)

    assert order(choice)[0] == ["a/m", "b/m", "c/m"]
    answers(a, 0.3)
    answers(b, 0.1)
    assert order(choice)[0] == ["c/m", "b/m", "a/m"]
    answers(c, 0.2)
    assert order(choice)[0] == ["b/m", "c/m", "a/m"]
    answers(b, 2.0)
    names, why = order(choice)
    assert names[0] == "c/m"
    assert why.startswith("fastest of 3: c/m (0.2")


def test_streams_are_compared_by_their_first_content(target, measured, answers):
    """Not by the time to a whole reply."""
    a, b = target("a"), target("b")
    auto = router_args({"auto": {"models": ["x", "y"], "prefer": "fastest"}}).auto
    choice = Choice(auto, {"x": [a], "y": [b]}, measured)
    for row, whole, first in ((a, 0.1, 0.09), (b, 0.2, 0.01)):
        answers(row, whole)
        answers(row, first, stream=True)

    assert order(choice)[0][0] == "a/m"
    assert order(choice, stream=True)[0][0] == "b/m"
