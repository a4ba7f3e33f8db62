"""A plan is made from the request: who serves its name, in the strategy's order, with what it may fall back to."""

from __future__ import annotations

import pytest

from genai_integrations import Connection, Secret
from genai_integrations.calls.args import router_args
from genai_integrations.calls.request import chat_request
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.connections.registry import ConnectionRegistry
from genai_integrations.connections.stores import GivenConnections
from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.planning import Planner

HELLO = [{"role": "user", "content": "hi"}]


def snapshot_of(*names):
    rows = [
        Connection(name, PROVIDERS["openai"], Secret("sk-1"), custom_models=("m",))
        for name in names
    ]
    return ConnectionRegistry(GivenConnections(rows)).load()


def planned(snapshot, planner, args, model="m", **params):
    return planner.plan(chat_request(model, HELLO, params, args, stream=False), snapshot)


def names(rows):
    return [row.connection.name for row in rows]


def test_shuffling_gives_each_a_turn():
    """`simple-shuffle` orders the targets of a name anew for each call; fallbacks stay behind them."""
    args = router_args({"routing_strategy": "simple-shuffle", "fallbacks": [{"m": ["z/m"]}]})
    planner, snapshot = Planner(args), snapshot_of("a", "b", "c", "z")

    plans = [planned(snapshot, planner, args) for _ in range(80)]

    assert {plan.targets[0].connection.name for plan in plans} == {"a", "b", "c", "z"}
    assert all(sorted(names(plan.targets)) == ["a", "b", "c", "z"] for plan in plans)
    assert all(names(plan.fallbacks[0]) == ["z"] for plan in plans)


def test_a_plan_of_a_name_is_made_once():
    """In the listed order nothing depends on the request, so every call has the very same plan."""
    args = router_args({})
    planner, snapshot = Planner(args), snapshot_of("a", "b")

    first, second = (planned(snapshot, planner, args) for _ in range(2))

    assert first is second
    assert names(first.targets) == ["a", "b"]


def test_other_connections_are_planned_anew():
    """A plan holds connections, so it goes with their snapshot."""
    args = router_args({})
    planner = Planner(args)
    planned(snapshot_of("a"), planner, args)

    assert names(planned(snapshot_of("b"), planner, args).targets) == ["b"]


def test_an_unknown_strategy_is_refused_with_those_there_are():
    """When the client is made, not at the first call."""
    with pytest.raises(ConfigurationError, match="ordered, simple-shuffle"):
        router_args({"routing_strategy": "fastest"})


def test_a_programs_own_strategy_orders_and_leaves_out():
    """It sees the request, and its targets."""
    asked = []

    def late_first(request, found):
        asked.append(request.body["user"])
        return [row for row in reversed(found) if row.connection.name != "b"]

    args = router_args({"routing_strategy": late_first})
    plan = planned(snapshot_of("a", "b", "c"), Planner(args), args, user="kim")

    assert names(plan.targets) == ["c", "a"]
    assert asked == ["kim"]


@pytest.mark.parametrize("given", [[], ["a"], None, KeyError("x")])
def test_an_own_strategy_that_goes_wrong_says_so(given):
    """Nothing, something else, or an exception of its own: one error of ours that names it."""

    def mine(request, found):
        if isinstance(given, Exception):
            raise given
        return given

    args = router_args({"routing_strategy": mine})

    with pytest.raises(ConfigurationError, match="the routing strategy 'mine'"):
        planned(snapshot_of("a", "b"), Planner(args), args)
