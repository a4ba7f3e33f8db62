"""Limits in the policy: which target goes on being asked, who waits and for how long, driven by hand."""

from __future__ import annotations

import pytest

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.connections.connection import Connection
from genai_integrations.errors import AllTargetsFailedError, LimitError, ServerError
from genai_integrations.limits.gate import Gate
from genai_integrations.limits.rules import limits_of
from genai_integrations.routing import turns as turns_module
from genai_integrations.routing.deployments import Deployment, Plan, Target
from genai_integrations.routing.health import Health
from genai_integrations.routing.policy import attempts
from genai_integrations.routing.steps import Admit, AwaitProbe, Try, Wait
from genai_integrations.routing.turns import Turns

BODY = {"messages": [{"role": "user", "content": "Hello!"}]}


class Table:
    """Two targets, a gate and a clock; `run` plays a call and says what it did."""

    def __init__(self, limits, on_limit="wait"):
        self.now = 100.0
        self.health = Health(clock=lambda: self.now)
        self.gate = Gate(limits_of(limits), {}, on_limit=on_limit, clock=lambda: self.now)
        rows = [Connection.of(name, "openai", "sk") for name in ("a", "b")]
        self.targets = [Target(Deployment(row, "m")) for row in rows]

    def run(self, fails=(), ends=None, retries=0, between=lambda: None):
        args = RouterArgs(num_retries=retries, max_cost=None)
        route = Route("m")
        plan = Plan(tuple(self.targets))
        turns = Turns(self.gate, Request("chat/completions", "m", BODY, args), plan, route, ends=ends, clock=lambda: self.now)  # fmt: skip
        policy = attempts(
            plan, args, self.health, timeout=60, ends=ends, turns=turns, clock=lambda: self.now, jitter=lambda: 0.0,
        )  # fmt: skip
        told, answer, failing = [], None, list(fails)
        try:
            while True:
                step = policy.send(answer)
                answer = None
                if isinstance(step, Admit):
                    answer = step.room.take(step.target)
                elif isinstance(step, Try):
                    told.append(step.target.name)
                    attempt = Attempt(step.target.name, step.target.connection.name, "openai", "m", "first")  # fmt: skip
                    route.attempts.append(attempt)
                    if step.target.name in failing:
                        failing.remove(step.target.name)
                        attempt.error = answer = ServerError("no", status=500, connection=step.target.connection.name, model="m")  # fmt: skip
                        attempt.outcome = "ServerError"
                    else:
                        attempt.usage = {"total_tokens": 5}
                        attempt.outcome = "ok"
                elif isinstance(step, (Wait, AwaitProbe)):
                    told.append(round(step.seconds, 3))
                    between()
                    self.now += step.seconds
        except StopIteration:
            turns.end()
            return told
        finally:
            policy.close()
            turns.end()


def test_the_next_target_serves_while_the_first_is_full():
    """Without a wait, as often as it may."""
    table = Table({"a": {"rpm": 1}, "b": {"rpm": 2}})

    assert [table.run() for _ in range(3)] == [["a/m"], ["b/m"], ["b/m"]]


def test_where_all_are_full_the_first_to_be_free_is_waited_for():
    """Until its oldest request is a minute old."""
    table = Table({"a": {"rpm": 1}, "b": {"rpm": 1}})
    table.run()
    table.now += 10
    table.run()
    table.now += 5

    assert table.run() == [45.0, "a/m"]


def test_a_wait_beyond_the_deadline_is_not_begun():
    """It is known that it would be in vain."""
    table = Table({"*": {"rpm": 1}})
    table.run()
    with pytest.raises(LimitError):
        table.run(ends=table.now + 59)
    assert table.run(ends=table.now + 61) == [60.0, "a/m"]


def test_a_target_that_cools_down_is_asked_rather_than_a_full_one_waited_for_in_vain():
    """`on_limit="fail"`: nobody waits, and who is not at a limit is asked, though it failed lately."""
    table = Table({"a": {"rpm": 1}}, on_limit="fail")
    table.run()
    table.health.failed("b/m")

    assert table.run() == ["b/m"]


def test_an_attempt_that_failed_gives_its_place_back():
    """The next target's attempt, and other calls, find it free; the user's place is kept meanwhile."""
    table = Table({"*": {"max_parallel": 1}, "a": {"max_parallel": 1}, "b": {"max_parallel": 1}})

    assert table.run(fails=["a/m"]) == ["a/m", "b/m"]
    assert {row.running for row in table.gate._windows.values()} == {0}


def test_a_retry_waits_for_the_limit_too():
    """Both targets failed; the retry goes when the limit lets it."""
    table = Table({"a": {"rpm": 1}, "b": {"rpm": 1}})
    told = table.run(fails=["a/m", "b/m"], retries=2)

    assert told[:2] == ["a/m", "b/m"]
    assert told[-1] in ("a/m", "b/m")
    assert sum(row for row in told[2:-1]) == pytest.approx(60.0)


def test_what_failed_before_is_not_hidden_by_a_limit():
    """The error has both."""
    table = Table({"b": {"tpm": 1}})
    with pytest.raises(AllTargetsFailedError) as raised:
        table.run(fails=["a/m"])

    assert [type(row) for row in raised.value.attempts] == [ServerError, LimitError]


def test_a_place_that_comes_free_ends_the_wait():
    """Who waits is woken, and looks again."""
    table = Table({"*": {"max_parallel": 1}})
    claim_holder = []

    def hold():
        turns = Turns(table.gate, Request("chat/completions", "m", BODY, RouterArgs()), Plan(tuple(table.targets)), Route("m"), ends=None, clock=lambda: table.now)  # fmt: skip
        assert turns.take(table.targets[0]) is None
        claim_holder.append(turns)

    hold()
    told = table.run(between=lambda: claim_holder and claim_holder.pop().end())
    assert told == [1.0, "a/m"]


def test_an_interrupted_call_gives_its_place_back(monkeypatch):
    """Ctrl-C may come while it is reckoned what an attempt took: whoever writes down the call's end does it then."""
    table = Table({"*": {"max_parallel": 1}}, on_limit="fail")

    def interrupted(attempts, claim):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(turns_module, "used", interrupted)
    with pytest.raises(KeyboardInterrupt):
        table.run()

    assert table.run() == ["a/m"]
