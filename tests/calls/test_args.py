"""`router_args`: what is taken, and what is refused with a word on what would be taken."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from pathlib import Path
from typing import get_args

import pytest

from genai_integrations import Experiment, GenAIClient, GenAIError, Rollout
from genai_integrations.calls.args import PER_CALL, RouterArgs, StrategyName, router_args
from genai_integrations.errors import CallError, ConfigurationError, RateLimitError, ServerError
from genai_integrations.limits.purse import Purse
from genai_integrations.routing.strategies.balancer import STRATEGIES

GOOD = {
    "fallbacks": [
        [],
        {},
        [{"a": ["b", "c"]}],
        {"a": ["b"], "*": ("c",)},
        ({"a": []}, {"b": ["a"]}),
    ],
    "default_fallbacks": [[], ["a"], ("a", "b")],
    "context_window_fallbacks": [[{"a": ["b"]}]],
    "content_policy_fallbacks": [[{"a": ["b"]}]],
    "num_retries": [0, 3],
    "retry_after": [0, 0.5, 3],
    "timeout": [1, 0.5, 600],
    "stream_timeout": [None, 3],
    "stall_timeout": [None, 3],
    "stream_recovery": [None, "restart"],
    "hedge_after": [None, 0.5, 3, "p95"],
    "deadline": [None, 3.5],
    "allowed_fails": [0, 3],
    "cooldown_time": [0, 30, 0.5],
    "model_group_alias": [{}, {"a": "b"}, {"a": {"model": "b", "hidden": True}}],
    "max_fallbacks": [0, 5],
    "routing_strategy": [
        None,
        "ordered",
        "simple-shuffle",
        "latency-based-routing",
        "least-busy",
        "usage-based-routing-v2",
        "cost-based-routing",
    ],
    "fallback_on": [None, [500], {429, 503}, (RateLimitError, 500), frozenset({ServerError})],
    "drop_params": [True, False, ["temperature"], ("top_p", "seed"), []],
    "cache_responses": [True, False],
    "cache_kwargs": [{}, {"ttl": 60}, {"max_size_in_memory": 1, "max_bytes": 1000}],
    "cache": [{}, {"no-cache": True, "no-store": False}, {"ttl": 0.5}],
    "max_cost": [None, 0, 0.05, Purse(1)],
    "model_list": [[], [{"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o"}}]],
    "sticky_by": [None, "user", "session"],
    "allowed_models": [None, [], ["gpt-4o*", "seoul/*"]],
    "region_preference": [[], ["ap-northeast-2", "eu"]],
    "conditions": [[], [{"if": {}, "then": "a"}], ({"if": {"language": "ko"}, "then": "a"},)],
    "capabilities": [{}, {"m": {"vision": False, "max_input_tokens": 8192}}, {"c/m": {}}],
    "auto": [
        None,
        {"models": ["a"]},
        {"models": ["a", "b"], "prefer": "fastest"},
        {"models": ["a", "b"], "prefer": "best", "quality": {"a": 1, "b": 0.5, "c": 0}},
    ],
    "cascades": [
        {},
        {"thrifty": {"models": ["a", "b"], "accept": callable}},
        {"thrifty": {"models": ("a", "b"), "accept": {"type": "object"}}},
    ],
    "experiments": [
        [],
        [Experiment("ab", {"a": 1, "b": 2})],
        ({"name": "ab", "variants": {"a": 0.5, "b": 0}, "by": "tenant"},),
    ],
    "rollouts": [
        [],
        [Rollout("x", old="a", new="b")],
        [{"name": "a", "old": "a", "new": "b", "steps": [1], "max_error_rate": None}],
    ],
    "redis_url": [None, "redis://localhost"],
    "redis_host": [None, "localhost"],
    "redis_port": [1, 6380],
    "redis_password": [None, "secret"],
    "state_file": [None, "state.json", Path("state.json")],
}


class AsyncAccept:
    """Answers with a coroutine."""

    async def __call__(self, _reply):
        return True


BAD = {
    "fallbacks": [
        None,
        "a",
        1,
        [["a", "b"]],
        ["a"],
        [{"a": "b"}],
        [{"a": [1]}],
        [{"a": [""]}],
        [{"a": None}],
        [{"a": ["b"]}, {"a": ["c"]}],
        [{"a": [{"model": "b", "api_key": "sk"}]}],
    ],
    "default_fallbacks": [None, "a", 1, [1], [""], [["a"]], {"a": "b"}],
    "context_window_fallbacks": [None, "a", [{"a": "b"}]],
    "content_policy_fallbacks": [None, "a", [{"a": "b"}]],
    "num_retries": [None, -1, 1.5, "2", True, math.inf],
    "retry_after": [None, -1, "1", True, False, math.nan, math.inf],
    "timeout": [None, 0, -1, "1", True, math.nan, math.inf, [1]],
    "stream_timeout": [0, -1, "1", True, math.nan],
    "stall_timeout": [0, -1, "1", True, math.nan],
    "stream_recovery": ["resume", True, ["restart"]],
    "hedge_after": [0, -1, "1", "p99", True, math.nan, []],
    "deadline": [0, -1, "1", True, math.inf],
    "allowed_fails": [None, -1, 1.5, "2", True],
    "cooldown_time": [None, -1, "1", True, math.nan],
    "model_group_alias": [None, [("a", "b")], {"a": 1}, {"a": ""}, {"a": None}, {"a": {}}, "a"],
    "max_fallbacks": [None, -1, 1.5, True],
    "routing_strategy": ["", "usage-based-routing", 1, ["ordered"]],
    "fallback_on": [
        [],
        500,
        "500",
        [99],
        [600],
        ["500"],
        [ValueError],
        [True],
        [GenAIError],
        [5.0],
    ],
    "drop_params": [None, 0, "temperature", [1], [""], {"temperature": True}],
    "cache_responses": [None, 1, "yes"],
    "cache_kwargs": [
        None,
        True,
        {"host": "redis"},
        {"ttl": 0},
        {"ttl": None},
        {"max_size_in_memory": 0},
        {"max_bytes": True},
    ],
    "cache": [None, True, "no-cache", {"no_cache": True}, {"no-cache": 1}, {"ttl": math.inf}],
    "max_cost": [-1, "1", True, math.nan, math.inf],
    "model_list": [None, {}, "smart", [{}], [1], [{"model_name": "smart"}]],
    "sticky_by": ["", "langfuse_user_id", 1, True, ["user"]],
    "allowed_models": ["gpt-4o", [1], [""]],
    "region_preference": [None, "eu", [1], [""]],
    "conditions": [None, "a", {"if": {}, "then": "a"}, [1], [{"if": {}}], [{"if": {}, "then": ""}]],
    "capabilities": [
        None,
        ["m"],
        {"m": True},
        {"m": {"sight": True}},
        {"m": {"vision": 1}},
        {"m": {"max_input_tokens": 0}},
    ],
    "auto": [
        True,
        "cheapest",
        {},
        {"models": []},
        {"models": "a"},
        {"models": ["a", "a"]},
        {"models": ["a"], "prefer": "nicest"},
        {"models": ["a"], "price": 1},
        {"models": ["a", "b"], "prefer": "best"},
        {"models": ["a", "b"], "prefer": "best", "quality": {"a": 1}},
        {"models": ["a"], "quality": {"a": "high"}},
        {"models": ["a"], "quality": {"a": math.nan}},
    ],
    "cascades": [
        None,
        ["a"],
        {"auto": {"models": ["a", "b"], "accept": callable}},
        {"t": {"models": ["a"], "accept": callable}},
        {"t": {"models": ["a", "b"]}},
        {"t": {"models": ["a", "b"], "accept": True}},
        {"t": {"models": ["a", "b"], "accept": asyncio.sleep}},
        {"t": {"models": ["a", "b"], "accept": AsyncAccept()}},
        {"t": {"models": ["a", "b"], "accept": {"type": "no such type"}}},
        {"t": {"models": ["a", "b"], "accept": callable, "best_of": 2}},
    ],
    "experiments": [
        None,
        "ab",
        {"name": "ab", "variants": {"a": 1}},
        [Rollout("x", old="a", new="b")],
        [{"name": "ab"}],
        [{"name": "ab", "variants": {}}],
        [{"name": "ab", "variants": {"a": 0}}],
        [{"name": "ab", "variants": {"a": -1, "b": 2}}],
        [{"name": "ab", "variants": {"a": True}}],
        [{"name": "ab", "variants": {"a": math.nan}}],
        [{"name": "ab", "variants": {"a": 1e308, "b": 1e308}}],
        [{"name": "ab", "variants": {1: 1}}],
        [{"name": "", "variants": {"a": 1}}],
        [{"name": "ab", "variants": {"a": 1}, "by": 1}],
        [{"name": "ab", "variants": {"a": 1}, "salt": "x"}],
        [{"name": "ab", "variants": {"a": 1}}] * 2,
    ],
    "rollouts": [
        None,
        "x",
        [1],
        [{"name": "x", "old": "a"}],
        [{"name": "x", "old": "a", "new": "b", "steps": [2]}],
        [{"name": "x", "old": "a", "new": "b"}] * 2,
    ],
    "redis_url": ["", 1, "localhost:6379", "http://localhost"],
    "redis_host": ["", 1],
    "redis_port": [None, 0, "6379"],
    "redis_password": ["", 1],
    "state_file": ["", 1, "/nowhere/at/all/state.json"],
}


def _cells(table):
    return [(name, value) for name, values in table.items() for value in values]


def test_every_argument_is_covered():
    """A new argument needs rows here."""
    names = {row.name for row in dataclasses.fields(RouterArgs)}

    assert names == GOOD.keys() == BAD.keys()


@pytest.mark.parametrize(("name", "value"), _cells(GOOD))
def test_what_is_meant_to_work_works(name, value):
    """Each shape that LiteLLM's Router or our own documentation knows."""
    assert isinstance(router_args({name: value}), RouterArgs)


@pytest.mark.parametrize(("name", "value"), _cells(BAD))
def test_what_cannot_work_is_refused_when_the_client_is_made(name, value):
    """In one line that names the argument, not at the first call."""
    with pytest.raises(ConfigurationError, match=name) as caught:
        GenAIClient(connections=[], router_args={name: value})

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [cell for cell in _cells(BAD) if cell[0] in PER_CALL])
@pytest.mark.parametrize("how", ["completion", "embedding"])
def test_the_arguments_of_a_call_are_checked_as_strictly(how, name, value):
    """Before anything is read or sent."""
    client = GenAIClient(connections=[])
    question = [{"role": "user", "content": "x"}]

    with pytest.raises(ConfigurationError, match=name):
        getattr(client, how)("gpt-4o", question, **{name: value})


@pytest.mark.parametrize(
    ("name", "meant"),
    [("fallback", "fallbacks"), ("num_retry", "num_retries"), ("cooldown", "cooldown_time")],
)
def test_a_misspelt_argument_gets_a_hint(name, meant):
    """The nearest name is offered, and all of them are listed."""
    with pytest.raises(ConfigurationError, match=f"did you mean '{meant}'") as caught:
        router_args({name: 1})

    assert all(row.name in str(caught.value) for row in dataclasses.fields(RouterArgs))


@pytest.mark.parametrize("name", ["redis_db", "set_verbose", "enable_pre_call_checks"])
def test_an_argument_of_litellms_that_is_not_ours_is_refused(name):
    """Nothing is ignored silently."""
    with pytest.raises(ConfigurationError, match="the supported ones are"):
        router_args({name: "x"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"deadline": 0}, "deadline must be a number of seconds above 0, not 0"),
        ({"num_retries": -1}, "num_retries must be a whole number, 0 or more, not -1"),
        ({"cache": {"ttl": "x"}}, "cache.ttl must be a number of seconds above 0, not 'x'"),
        ({"max_cost": "x"}, "max_cost must be US dollars, 0 or more, or a Purse, not 'x'"),
    ],
)
def test_what_is_wrong_in_a_call_is_not_looked_for_in_router_args(given, said):
    """The call has it as an argument of its own, or a gateway's caller in the body."""
    with pytest.raises(ConfigurationError) as caught:
        router_args(None).for_call(given)

    assert str(caught.value) == said


def test_a_wait_of_nothing_is_one():
    """So a value below is not told to be above 0."""
    assert router_args({"retry_after": 0}).retry_after == 0.0
    with pytest.raises(ConfigurationError, match="must be a number of seconds, 0 or more, not -1"):
        router_args({"retry_after": -1})


@pytest.mark.parametrize("given", [{1: 2}, {None: 1}, {("a",): 1}])
def test_a_name_that_is_no_text_is_refused_too(given):
    """With one of our errors, as any other."""
    with pytest.raises(ConfigurationError):
        router_args(given)


@pytest.mark.parametrize("given", [[("num_retries", 2)], "num_retries", 5])
def test_something_else_than_a_mapping_is_refused(given):
    """With one of our errors too."""
    with pytest.raises(ConfigurationError):
        router_args(given)


def test_what_was_given_is_not_kept():
    """A list that a program changes later changes nothing."""
    given = {"fallbacks": [{"gpt-4o": ["gpt-4o-mini"]}]}
    args = router_args(given)

    given["fallbacks"][0]["gpt-4o"].append("o3")

    assert args.fallbacks == {"gpt-4o": ("gpt-4o-mini",)}


def test_the_base_of_all_call_errors_leads_on_everywhere():
    """`fallback_on=[CallError]` is the widest set there is."""
    assert router_args({"fallback_on": [CallError]}).fallback_on == (CallError,)


def test_every_strategy_that_can_be_named_is_there():
    """The names that `routing_strategy` takes and the functions that order targets are the same."""
    assert list(get_args(StrategyName)) == list(STRATEGIES) == GOOD["routing_strategy"][1:]
