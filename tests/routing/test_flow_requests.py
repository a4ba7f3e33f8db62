"""What a flow sends to whom, driven by hand: a target's own parameters, what was learnt of it, and how long it may take."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from flow_support import HELLO, Call, chunk, reply

from genai_integrations.calls.request import chat_request
from genai_integrations.calls.route import RESTART
from genai_integrations.errors import BadRequestError, NotFoundError, ServerError
from genai_integrations.routing.steps import Ending, Opened


def row(model, **params):
    return {"model_name": "m", "litellm_params": {"model": model, **params}}


def test_a_row_says_what_its_target_is_sent_and_how_long_it_may_take(parts):
    """Each row for itself; a row that says nothing has the client's time."""
    rows = [row("a/m", temperature=0.5, timeout=7, order=1), row("b/m", order=2)]
    call = Call(parts("a", "b", model_list=rows, timeout=30))

    call.run(ServerError("broke", status=500), reply())

    first, second = call.steps
    assert (first.call.body.get("temperature"), first.timeout) == (0.5, 7)
    assert (second.call.body.get("temperature"), second.timeout) == (None, 30)


def test_a_fallback_says_what_its_target_is_sent(parts):
    """The name itself is sent what the call says."""
    made = parts("a", "b")
    said = {"fallbacks": [{"model": "b/m", "temperature": 0.1}]}
    call = Call(made, request=chat_request("a/m", HELLO, said, made.args, stream=False))

    call.run(ServerError("broke", status=500), reply())

    assert call.sent == ["a", "b"]
    assert [step.call.body.get("temperature") for step in call.steps] == [None, 0.1]


def test_what_was_learnt_of_a_target_is_said_from_the_first(parts):
    """After one refusal that named it; to others it is said as before."""
    made = parts("a", "b")
    first = Call(made, max_tokens=5)
    answer = first.run(_refusal(), reply())
    second = Call(made, max_tokens=5)
    second.run(ServerError("broke", status=500), reply())

    sent = [step.call.body for step in first.steps]
    assert [row.get("max_tokens") for row in sent] == [5, None]
    assert [row.get("max_completion_tokens") for row in sent] == [None, 5]
    assert answer.route.attempts[-1].restated == ("max_tokens as max_completion_tokens",)
    assert {step.call.connection.dialect for step in first.steps} == {None}
    assert [step.call.body.get("max_completion_tokens") for step in second.steps] == [5, None]
    assert [step.call.body["model"] for step in second.steps] == ["m", "m"]


def test_what_is_said_otherwise_has_what_is_left_of_the_attempts_time(parts, monkeypatch):
    """Of its own time, not of another target's; and of the deadline's, where that ends sooner."""
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("genai_integrations.routing.flow.time", clock)
    monkeypatch.setattr("genai_integrations.routing.record.time", clock)
    call = Call(parts("a", "b", timeout=30), max_tokens=5)

    assert call.run() == "Send"
    clock.now += 12
    step = call.flow.send(ServerError("broke", status=500))
    clock.now += 4
    step = call.flow.send(_refusal())
    assert (step.call.connection.name, step.timeout) == ("b", 26.0)
    call.flow.close()


def test_a_deadline_ends_what_is_said_otherwise(parts, monkeypatch):
    """It goes on while something is loaded, which is no attempt's time."""
    clock = SimpleNamespace(now=time.monotonic())
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("genai_integrations.routing.flow.time", clock)
    monkeypatch.setattr("genai_integrations.routing.record.time", clock)
    call = Call(parts(timeout=300, ready=False), args={"deadline": 200}, max_tokens=5, seed=1)

    assert call.run(None) == "Send"
    clock.now += 160
    assert type(call.flow.send(_refusal())).__name__ == "Prepare"
    clock.now += 30
    call.flow.send(None)
    assert type(call.flow.send(_refusal("seed"))).__name__ == "Prepare"
    step = call.flow.send(None)

    assert "seed" not in step.call.body
    assert step.timeout == pytest.approx(10, abs=1)
    call.flow.close()


def _refusal(name="max_tokens"):
    refusal = BadRequestError(
        f"Unsupported parameter: '{name}' is not supported with this model."
        + " Use 'max_completion_tokens' instead." * (name == "max_tokens"),
        status=400,
        code="unsupported_parameter",
    )
    refusal.param = name
    return refusal


def test_only_the_first_attempt_of_a_restart_is_called_so(parts):
    """Those behind it have the policy's own reasons."""
    call = Call(parts("a", "b", "c"), stream=True, args={"stream_recovery": "restart"})

    call.run(
        Opened([chunk("he")], iter(())),
        Ending(None, None, ServerError("it broke")),
        ServerError("broke", status=500),
        Opened([chunk("hello")], iter(())),
    )

    route = call.steps[-1].route
    assert [row.reason for row in route.attempts] == ["first", RESTART, "failover"]


def test_a_model_that_a_target_does_not_have_is_explained(parts):
    """With the names that are near, in the target's own error."""
    made = parts()
    request = chat_request("a/mm", HELLO, {}, made.args, stream=False)
    call = Call(made, request=request)

    with pytest.raises(
        NotFoundError, match=r"The model mm does not exist; did you mean 'm'"
    ) as told:
        call.run(NotFoundError("The model mm does not exist.", status=404))
    assert told.value.route.attempts[0].outcome == "NotFoundError"
