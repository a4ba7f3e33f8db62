"""What is remembered of targets: for how long, how much, and of whom."""

from __future__ import annotations

import pytest

from genai_integrations import Connection
from genai_integrations.routing.deployments import Deployment, Target
from genai_integrations.routing.learnt import Learnt
from genai_integrations.transports.remedies.refusals import Refusal
from genai_integrations.transports.remedies.rows import (
    AS_JSON_MODE,
    AS_TOOL,
    BRIDGE,
    WITHOUT_THOUGHTS,
    in_batches,
    remedy_for,
)

HELLO = [{"role": "user", "content": "hi"}]
FORM = {
    "type": "json_schema",
    "json_schema": {"name": "City", "schema": {"type": "object", "properties": {}}},
}


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """Shows 1000 seconds until a test says otherwise."""
    return Clock()


@pytest.fixture
def learnt(clock):
    """Nothing learnt yet."""
    return Learnt(clock)


def target(model="m", name="seoul", provider="openai"):
    """One of these."""
    connection = Connection.of(name, provider, "sk-1", "http://127.0.0.1:9/v1")
    return Target(Deployment(connection, model), "")


def without(name, value, code="unsupported_parameter"):
    """The remedy for a parameter that is refused."""
    told = Refusal(name, code, f"'{name}' is not supported with this model")
    return remedy_for(told, {"messages": HELLO, name: value}, (), True)


def names(learnt, wanted, body, drop_params=True):
    """How a body is said to a target."""
    return [row.name for row in learnt.beforehand(wanted, body, drop_params)]


def test_it_is_of_one_target(learnt):
    """Neither another model nor another connection is meant."""
    learnt.note(target(), [without("top_p", 1)])
    body = {"messages": HELLO, "top_p": 0.5}

    assert names(learnt, target(), body) == ["without top_p"]
    assert names(learnt, target("other"), body) == []
    assert names(learnt, target(name="usa"), body) == []


def test_it_is_for_an_hour(learnt, clock):
    """A model may be mended."""
    learnt.note(target(), [without("top_p", 1)])
    body = {"messages": HELLO, "top_p": 0.5}

    clock.now += 3599
    assert names(learnt, target(), body) == ["without top_p"]
    clock.now += 1
    assert names(learnt, target(), body) == []


def test_it_is_for_requests_that_have_it(learnt):
    """And not against the caller's word."""
    learnt.note(target(), [without("top_p", 1)])

    assert names(learnt, target(), {"messages": HELLO}) == []
    assert names(learnt, target(), {"messages": HELLO, "top_p": 1}, drop_params=False) == []
    assert names(learnt, target(), {"messages": HELLO, "top_p": 1}, drop_params=("top_p",)) == []


def test_of_a_value_only_the_value(learnt):
    """Two values are two things to know."""
    for value in (0, 0.5):
        learnt.note(target(), [without("temperature", value, "unsupported_value")])

    shown = [
        names(learnt, target(), {"messages": HELLO, "temperature": value}) for value in (0, 0.5, 1)
    ]

    assert shown == [["without temperature"], ["without temperature"], []]


def test_values_do_not_pile_up(learnt):
    """Callers may think of many: the latest sixteen are kept."""
    for value in range(1, 18):
        learnt.note(target(), [without("seed", value, "unsupported_value")])

    assert names(learnt, target(), {"messages": HELLO, "seed": 1}) == []
    assert names(learnt, target(), {"messages": HELLO, "seed": 2}) == ["without seed"]


def test_what_is_learnt_replaces_what_was_known(learnt):
    """DeepSeek's schemas go by a tool, until a model refuses the tool too."""
    body = {"messages": HELLO, "response_format": FORM}
    wanted = target(provider="deepseek")
    assert names(learnt, wanted, body) == ["json_schema as a tool"]

    learnt.note(wanted, [AS_TOOL, AS_JSON_MODE])

    assert names(learnt, wanted, body) == ["json_schema as JSON mode"]


def test_the_last_size_of_a_batch_counts(learnt):
    """A smaller one that worked is in place of the one that did not."""
    learnt.note(target(), [in_batches(60), in_batches(30)])

    assert names(learnt, target(), {"input": ["x"] * 100}) == ["in batches of 30"]
    assert names(learnt, target(), {"input": ["x"] * 30}) == []


def test_what_is_of_one_conversation_is_not_remembered(learnt):
    """The next one may hold this target's own thoughts."""
    learnt.note(target(), [WITHOUT_THOUGHTS])
    kept = {"role": "assistant", "content": "ok", "provider_specific_fields": {"output_items": []}}

    assert names(learnt, target(), {"messages": [kept]}) == []


def test_several_things_are_known_together(learnt):
    """What is learnt later does not drive out what was learnt before."""
    learnt.note(target(), [BRIDGE])
    learnt.note(target(), [without("top_p", 1)])

    shown = names(learnt, target(), {"messages": HELLO, "top_p": 1})

    assert shown == ["by /v1/responses", "without top_p"]
