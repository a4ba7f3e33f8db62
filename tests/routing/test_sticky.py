"""`sticky_by`: the calls of one user or session stay with one target, whatever process makes them."""

from __future__ import annotations

from collections import Counter

import pytest

from genai_integrations import Connection
from genai_integrations.calls.args import router_args
from genai_integrations.calls.request import chat_request
from genai_integrations.routing.deployments import Deployment, Plan, Target
from genai_integrations.routing.strategies.balancer import Balancer
from genai_integrations.routing.strategies.sticky import rendezvous

HELLO = [{"role": "user", "content": "hi"}]


def targets(**weights):
    return [
        Target(Deployment(Connection.of(name, "openai", "k"), "m", weight=weight))
        for name, weight in weights.items()
    ]


def names(rows):
    return [row.connection.name for row in rows]


def plan(rows, by="user", strategy="simple-shuffle", **params):
    args = router_args({"sticky_by": by, "routing_strategy": strategy})
    request = chat_request("m", HELLO, params, args, stream=False)
    return Balancer(args).arranged(Plan(rows), request)


@pytest.mark.parametrize("strategy", [None, "ordered", "simple-shuffle", "cost-based-routing"])
def test_one_user_has_one_target(strategy):
    """Whatever the strategy, in every client; the next one is always the same, too."""
    rows = targets(a=1.0, b=1.0, c=1.0)
    orders = {tuple(names(plan(rows, strategy=strategy, user="kim").targets)) for _ in range(20)}

    assert len(orders) == 1
    assert plan(rows, user="kim").why == "sticky by user"


def test_who_goes_where_never_changes():
    """It is agreed between processes, machines and versions: these are literals."""
    rows = targets(a=1.0, b=1.0, c=1.0)
    firsts = {user: names(rendezvous(user, rows)) for user in ("kim", "lee", "park", "choi")}

    assert firsts == {
        "kim": ["b", "a", "c"],
        "lee": ["b", "c", "a"],
        "park": ["c", "b", "a"],
        "choi": ["b", "c", "a"],
    }


def test_users_are_shared_by_weight():
    """60 to 40 of 5,000 users: chi-square, one degree of freedom, at 0.1 %."""
    rows = targets(a=6.0, b=4.0)
    seen = Counter(names(rendezvous(f"user-{number}", rows))[0] for number in range(5000))

    assert (seen["a"] - 3000) ** 2 / 3000 + (seen["b"] - 2000) ** 2 / 2000 < 10.83


def test_only_the_users_of_a_target_that_goes_move():
    """Each to the next in the order of their own; all others stay."""
    rows = targets(a=1.0, b=2.0, c=3.0)
    for number in range(500):
        order = names(rendezvous(f"user-{number}", rows))
        without = names(
            rendezvous(f"user-{number}", [row for row in rows if row.connection.name != "b"])
        )
        assert without == [name for name in order if name != "b"]


def test_a_target_without_weight_has_no_users():
    """It comes last in everybody's order."""
    rows = targets(a=0.0, b=1.0)

    assert all(names(rendezvous(f"user-{number}", rows)) == ["b", "a"] for number in range(50))


@pytest.mark.parametrize(
    ("by", "params"),
    [
        ("user", {"user": "kim"}),
        ("user", {"langfuse_user_id": "kim"}),
        ("session", {"langfuse_session_id": "kim"}),
    ],
)
def test_who_it_is_is_said_as_everywhere(by, params):
    """By `user`, or by what Langfuse is told."""
    rows = targets(a=1.0, b=1.0, c=1.0)
    found = plan(rows, by, **params)

    assert names(found.targets) == names(rendezvous("kim", rows))
    assert found.why == f"sticky by {by}"


def test_a_call_of_nobody_is_left_to_the_strategy():
    """Which says so."""
    assert plan(targets(a=1.0, b=1.0)).why == "simple-shuffle: 50% of the weight"
    assert plan(targets(a=1.0, b=1.0), strategy=None).why == ""


@pytest.mark.parametrize("user", ["", "김민수", "\udc80", "x" * 100_000, "a\0b"])
def test_any_text_is_a_user(user):
    """An empty one is nobody."""
    assert sorted(names(plan(targets(a=1.0, b=1.0), user=user).targets)) == ["a", "b"]
