"""Strategies: each by its own measure, with its reason, within the tiers that `order` and regions make."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

import pytest
from simulation import Clock

from genai_integrations import Connection
from genai_integrations.calls.args import router_args
from genai_integrations.calls.request import chat_request, embedding_request
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.connections.registry import Snapshot
from genai_integrations.errors import ConfigurationError, RateLimitError
from genai_integrations.routing import planning
from genai_integrations.routing.deployments import Deployment, Plan, Target
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.planning import Planner
from genai_integrations.routing.strategies.balancer import Balancer
from genai_integrations.routing.strategies.regions import region_of

HELLO = [{"role": "user", "content": "hi"}]


@pytest.fixture(autouse=True)
def seed():
    random.seed(7)


def target(name, model="m", provider="openai", group="", region=None, url=None, **fields):
    connection = Connection.of(name, provider, f"sk-{name}", url, region=region)
    return Target(Deployment(connection, model, **fields), "", group)


def targets(**fields):
    return [target(name, **said) for name, said in fields.items()]


def names(rows):
    return [row.connection.name for row in rows]


class Balance:
    """A client's strategy, with what is measured on a clock that moves when told."""

    def __init__(self, strategy, **args):
        self.clock = Clock(6000.0)
        self.measured = Measured(self.clock)
        self.args = router_args({"routing_strategy": strategy, **args})
        self.balancer = Balancer(self.args, self.measured)
        self.running = []

    def plan(self, rows, stream=False, **params):
        request = chat_request("m", HELLO, params, self.args, stream=stream)
        return self.balancer.arranged(Plan(rows), request)

    def firsts(self, rows, calls=400, **params):
        return Counter(self.plan(rows, **params).targets[0].connection.name for _ in range(calls))

    def begin(self, row, stream=False):
        watch = self.measured.call_began(chat_request("m", HELLO, {}, self.args, stream=stream))
        attempt = Attempt(row.name, row.connection.name, "openai", row.model, "first")
        watch.attempt_began(attempt)
        self.running.append((watch, attempt))
        return watch, attempt

    def ask(self, row, seconds, tokens=0, stream=False, error=None):
        watch, attempt = self.begin(row, stream)
        self.clock.now += seconds
        if stream:
            attempt.first_content_ms = seconds * 1000
            watch.first_content(Route("m", [attempt]))
        attempt.ms, attempt.error = seconds * 1000, error
        attempt.outcome = "ok" if error is None else "RateLimitError"
        attempt.usage = {"total_tokens": tokens}
        watch.attempt_ended(attempt)


# simple-shuffle


@pytest.mark.parametrize("seed_", range(3))
def test_weights_are_shares_of_the_calls(seed_):
    """60 to 40: a chi-square test over 5,000 calls, one degree of freedom, at 0.1 %."""
    random.seed(seed_)
    rows = targets(a={"weight": 60.0}, b={"weight": 40.0})
    seen = Balance("simple-shuffle").firsts(rows, 5000)

    assert (seen["a"] - 3000) ** 2 / 3000 + (seen["b"] - 2000) ** 2 / 2000 < 10.83


def test_whoever_comes_second_is_drawn_by_weight_too():
    """Of b and c behind a, three of four times b: chi-square over 5,000 calls at 0.1 %."""
    rows = targets(a={"weight": 1000.0}, b={"weight": 3.0}, c={"weight": 1.0})
    balance = Balance("simple-shuffle")
    plans = [list(balance.plan(rows).targets) for _ in range(5000)]
    seconds = Counter(plan[1].connection.name for plan in plans if plan[0].connection.name == "a")
    whole = seconds.total()

    assert whole > 4900
    expected = {"b": whole * 0.75, "c": whole * 0.25}
    assert sum((seconds[name] - count) ** 2 / count for name, count in expected.items()) < 10.83


def test_a_weight_of_nothing_comes_last():
    """It is asked only after all others; where all have none, all are equal."""
    balance = Balance("simple-shuffle")
    rows = targets(a={"weight": 0.0}, b={"weight": 0.001}, c={"weight": 0.0})

    assert balance.firsts(rows, 50) == {"b": 50}
    assert set(balance.firsts(targets(a={"weight": 0.0}, b={"weight": 0.0}), 50)) == {"a", "b"}


def test_every_target_is_in_the_order_once():
    """Whatever the strategy: the first, then the others."""
    rows = [target(name, weight=float(at)) for at, name in enumerate("abcde")]
    for strategy in (
        "simple-shuffle", "latency-based-routing", "least-busy", "usage-based-routing-v2", "cost-based-routing",
    ):  # fmt: skip
        plan = Balance(strategy).plan(rows)
        assert len(plan.targets) == 5
        assert sorted(names(plan.targets)) == list("abcde")
        assert plan.targets[0] is next(iter(plan.targets))
        assert plan.why.startswith(f"{strategy}: ")


def test_a_shuffle_says_the_share():
    """So that a route shows what the weights came to."""
    plan = Balance("simple-shuffle").plan(targets(a={"weight": 3.0}, b={"weight": 0.0}))

    assert plan.why == "simple-shuffle: 100% of the weight"


# latency-based-routing


def test_the_faster_target_is_asked():
    """Of two, the one that answered sooner."""
    balance, rows = Balance("latency-based-routing"), targets(a={}, b={})
    balance.ask(rows[0], 2.0)
    balance.ask(rows[1], 1.0)

    plan = balance.plan(rows)
    assert names(plan.targets) == ["b", "a"]
    assert plan.why == "latency-based-routing: 1 s expected, the faster of two of 2"


def test_a_target_that_was_never_asked_is_asked_first():
    """Else nobody would know; while its first answer is awaited, it is taken to be as slow as it is so far."""
    balance, rows = Balance("latency-based-routing"), targets(a={}, b={})
    balance.ask(rows[0], 2.0)
    plan = balance.plan(rows)
    assert names(plan.targets) == ["b", "a"]
    assert "not measured yet" in plan.why

    balance.begin(rows[1])
    balance.clock.now += 3.0
    assert balance.firsts(rows, 20) == {"a": 20}


def test_streams_are_compared_by_their_first_content():
    """A target may be slow to end and quick to begin."""
    balance, rows = Balance("latency-based-routing"), targets(a={}, b={})
    balance.ask(rows[0], 1.0)
    balance.ask(rows[1], 5.0)
    balance.ask(rows[0], 3.0, stream=True)
    balance.ask(rows[1], 0.2, stream=True)

    assert balance.firsts(rows, 20) == {"a": 20}
    assert balance.firsts(rows, 20, stream=True) == {"b": 20}


def test_a_slow_target_is_tried_again_by_few_calls():
    """Long after its last answer it leads again, but no more than 3 calls of 100 find out whether it is back."""
    balance, rows = Balance("latency-based-routing"), targets(a={}, b={})
    balance.ask(rows[0], 10.0)
    balance.ask(rows[1], 1.0)
    seen = Counter()
    for _ in range(1000):
        # A call each ten minutes: time alone would have forgotten every latency.
        balance.clock.now += 600.0
        chosen = balance.plan(rows).targets[0]
        balance.ask(chosen, 10.0 if chosen is rows[0] else 1.0)
        seen[chosen.connection.name] += 1

    assert 20 <= seen["a"] <= 31


def test_refusals_do_not_make_a_target_fast():
    """One that answers 429 in 10 ms is no faster than it was."""
    balance, rows = Balance("latency-based-routing"), targets(a={}, b={})
    balance.ask(rows[0], 2.0)
    balance.ask(rows[1], 1.0)
    for _ in range(5):
        balance.ask(rows[0], 0.01, error=RateLimitError("later"))

    assert balance.firsts(rows, 20) == {"b": 20}


# least-busy


def test_the_least_busy_target_is_asked():
    """By what is under way; equals get a turn each."""
    balance, rows = Balance("least-busy"), targets(a={}, b={}, c={})
    for _ in range(2):
        balance.begin(rows[0])
    running = balance.begin(rows[1])

    plan = balance.plan(rows)
    assert names(plan.targets) == ["c", "b", "a"]
    assert plan.why == "least-busy: 0 under way, the fewest of 3"

    running[0].call_ended(Route("m"), None, None)
    assert set(balance.firsts(rows, 100)) == {"b", "c"}


# usage-based-routing-v2


def test_the_least_used_target_of_the_minute_is_asked():
    """By tokens; a new minute begins anew."""
    balance, rows = Balance("usage-based-routing-v2"), targets(a={}, b={})
    balance.ask(rows[0], 1.0, tokens=100)
    balance.ask(rows[1], 1.0, tokens=300)
    plan = balance.plan(rows)
    assert names(plan.targets) == ["a", "b"]
    assert plan.why == "usage-based-routing-v2: 100 tokens in this minute, the least of 2"

    balance.clock.now += 60.0
    assert set(balance.firsts(rows, 100)) == {"a", "b"}


def test_limits_are_compared_by_their_share():
    """200 of 1,000 tokens are more than 300 of 10,000, and 8 of 10 requests are more than either."""
    balance = Balance("usage-based-routing-v2")
    rows = targets(a={"tpm": 1000}, b={"tpm": 10_000}, c={"rpm": 10})
    balance.ask(rows[0], 1.0, tokens=200)
    balance.ask(rows[1], 1.0, tokens=300)
    for _ in range(8):
        balance.ask(rows[2], 0.1)

    plan = balance.plan(rows)
    assert names(plan.targets) == ["b", "a", "c"]
    assert plan.why == "usage-based-routing-v2: 3% of its limit used, the least of 3"


@pytest.mark.parametrize("limit", [{"rpm": 2}, {"tpm": 401}])
def test_who_would_pass_a_limit_comes_last(limit):
    """It stays in the list, for when nobody else can answer; a minute later it is as good as new."""
    balance, rows = Balance("usage-based-routing-v2"), targets(a=limit, b={})
    for _ in range(2):
        balance.ask(rows[0], 1.0, tokens=200)
        balance.ask(rows[1], 1.0, tokens=5000)
    assert names(balance.plan(rows).targets) == ["b", "a"]

    alone = targets(a=limit, c=limit)
    for _ in range(2):
        balance.ask(alone[1], 1.0, tokens=300)
    assert "no other is below its limit" in balance.plan(alone).why


def test_a_burst_is_spread_before_its_first_answer():
    """What is under way counts as much as what was answered, so 90 calls at once are not all sent to one target."""
    balance, rows = Balance("usage-based-routing-v2"), targets(a={}, b={}, c={})
    for row in rows:
        balance.ask(row, 1.0, tokens=100)
    for _ in range(90):
        balance.begin(balance.plan(rows).targets[0])

    assert [balance.measured.in_flight(row.name) for row in rows] == [30, 30, 30]


# cost-based-routing

PRICED = {
    "dear": {"model": "gpt-4o", "prices": {"input_cost_per_token": 5e-6, "output_cost_per_token": 1e-6}},
    "chatty": {"model": "gpt-4o", "prices": {"input_cost_per_token": 1e-6, "output_cost_per_token": 9e-6}},
}  # fmt: skip


def test_the_cheapest_target_is_asked():
    """By the price map: gpt-4o-mini costs less than gpt-4o, and what has no price comes last."""
    rows = [target("a", "gpt-4o"), target("x", "nobody-knows"), target("b", "gpt-4o-mini")]
    plan = Balance("cost-based-routing").plan(rows)

    assert names(plan.targets) == ["b", "a", "x"]
    assert plan.why.startswith("cost-based-routing: $0.00018")


def test_a_request_is_priced_by_its_tokens():
    """Long answers are dear where output is; long questions where input is. A row's own prices lead."""
    balance, rows = Balance("cost-based-routing"), targets(**PRICED)

    assert names(balance.plan(rows, max_tokens=4000).targets)[0] == "dear"
    assert names(balance.plan(rows, max_completion_tokens=1).targets)[0] == "chatty"
    vectors = embedding_request("m", "a text", {}, balance.args)
    assert names(balance.balancer.arranged(Plan(rows), vectors).targets)[0] == "chatty"


def test_a_server_without_a_key_costs_nothing():
    """Ollama has no price in the map."""
    rows = [target("cloud", "gpt-4o-mini"), target("local", "llama3.2", provider="ollama")]

    assert names(Balance("cost-based-routing").plan(rows).targets) == ["local", "cloud"]


def test_equals_in_price_share_by_weight():
    """Three of four calls for the heavier of two."""
    rows = [target("a", "gpt-4o", weight=3.0), target("b", "gpt-4o", weight=1.0)]
    seen = Balance("cost-based-routing").firsts(rows, 4000)

    assert (seen["a"] - 3000) ** 2 / 3000 + (seen["b"] - 1000) ** 2 / 1000 < 10.83


# Order, regions, groups


@pytest.mark.parametrize("strategy", ["simple-shuffle", "least-busy", "latency-based-routing"])
def test_order_comes_before_the_strategy(strategy):
    """The smaller `order` first; strategies stay within one."""
    rows = targets(late={"order": 2}, a={"order": 1}, b={"order": 1})
    balance = Balance(strategy)
    seen = {tuple(names(balance.plan(rows).targets)) for _ in range(60)}

    assert seen == {("a", "b", "late"), ("b", "a", "late")}


def test_groups_are_shuffled_where_nothing_is_said():
    """LiteLLM's default; the connections of another name stay as they are listed."""
    balance = Balance(None)
    mine = [target("a", group="smart", weight=3.0), target("b", group="smart")]

    assert set(balance.firsts(mine, 100)) == {"a", "b"}
    assert balance.firsts(targets(a={}, b={}), 20) == {"a": 20}


def test_ordered_leaves_groups_as_they_are():
    """It is what the user said."""
    mine = [target("a", group="smart"), target("b", group="smart")]

    assert Balance("ordered").firsts(mine, 20) == {"a": 20}


def test_preferred_regions_come_first():
    """In the order of the preference, then the others; the strategy stays within a region."""
    rows = [
        target("us", region="us-east-1"),
        target("seoul", region="ap-northeast-2"),
        target("paris", region="eu-west-3"),
        target("dublin", region="eu-west-1"),
    ]
    balance = Balance("simple-shuffle", region_preference=["ap-northeast-2", "eu"])
    seen = {tuple(names(balance.plan(rows).targets)) for _ in range(60)}

    assert seen == {("seoul", "paris", "dublin", "us"), ("seoul", "dublin", "paris", "us")}
    assert balance.plan(rows).why == "region ap-northeast-2"


def test_order_comes_before_regions():
    """An `order` is what the user said of this very target."""
    rows = [target("us", order=1, region="us-east-1"), target("eu", order=2, region="eu-west-1")]

    assert names(Balance(None, region_preference=["eu"]).plan(rows).targets) == ["us", "eu"]


@pytest.mark.parametrize(
    ("said", "region"),
    [
        ({"region": "eu-west-1"}, "eu-west-1"),
        ({"url": "https://bedrock-runtime.ap-northeast-2.amazonaws.com"}, "ap-northeast-2"),
        ({"url": "https://us-gov-west-1.example.com/v1"}, "us-gov-west-1"),
        ({"url": "https://europe-west4-aiplatform.googleapis.com"}, "europe-west4"),
        ({"url": "https://northamerica-northeast1-aiplatform.googleapis.com/v1"}, "northamerica-northeast1"),
        ({"url": "https://eu.api.openai.com/v1"}, "eu"),
        ({"url": "https://api.openai.com/v1"}, ""),
        ({"url": "https://my-llm-2.example.com/v1"}, ""),
        ({"url": "https://eu-prod.example.com/v1"}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_region_is_said_by_a_row_a_connection_or_an_address(said, region):
    """Whoever says nothing is in none."""
    assert region_of(target("a", **said)) == region


# A program's own


def test_an_own_strategy_sees_every_name():
    """Those of fallbacks, too; what it leaves out is not asked."""
    rows, others = targets(a={}, b={}, c={}), targets(x={}, y={})

    def last(request, found):
        return found[-1:]

    balance = Balance(last)
    request = chat_request("m", HELLO, {}, balance.args, stream=False)
    plan = balance.balancer.arranged(Plan(rows, [others], {RateLimitError: [others]}), request)

    assert names(plan.targets) == ["c"]
    assert [names(group) for group in plan.fallbacks] == [["y"]]
    assert [names(group) for group in plan.instead[RateLimitError]] == [["y"]]
    assert plan.why == "the strategy 'last'"


def test_an_own_strategy_that_fails_is_not_hidden():
    """It is asked for the fallbacks at once, so that its failure does not come in place of a provider's."""
    balance = Balance(lambda request, found: [] if found[0].connection.name == "x" else found)
    request = chat_request("m", HELLO, {}, balance.args, stream=False)

    with pytest.raises(ConfigurationError, match="must return at least one"):
        balance.balancer.arranged(Plan(targets(a={}), [targets(x={})]), request)


# What is off costs nothing, and many cost no more than few


_LOADED = """
import sys
from genai_integrations import Connection, GenAIClient
seoul = Connection.of("seoul", "openai", "sk-1")
GenAIClient(connections=[seoul], router_args={args}).resolve("gpt-4o")
names = [name.removeprefix("genai_integrations.routing.") for name in sys.modules]
print(*sorted(name for name in names if name in ("groups", "measured", "strategies")))
"""


@pytest.mark.parametrize(
    ("args", "loaded"),
    [
        ({}, ""),
        ({"routing_strategy": "ordered"}, ""),
        ({"routing_strategy": "simple-shuffle"}, "measured strategies"),
        ({"routing_strategy": "latency-based-routing"}, "measured strategies"),
        (
            {"model_list": [{"model_name": "m", "litellm_params": {"model": "gpt-4o"}}]},
            "groups measured strategies",
        ),
    ],
)
def test_what_is_off_is_not_loaded(args, loaded):
    """Neither the strategies, nor groups, nor what is measured."""
    code = _LOADED.format(args=args)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == loaded


def test_a_choice_looks_at_few_of_many():
    """Of 10,000 targets a call reads no more than of 20: two latencies, or the busy counts of 16."""
    rows = [target(f"c{number}") for number in range(20)]
    many = rows * 500
    for strategy, most in (("latency-based-routing", 2), ("least-busy", 16)):
        balance = Balance(strategy)
        seen = set()

        class Counting(Measured):
            def latency(self, name, stream=False):
                seen.add(name)  # noqa: B023  it is used in this turn only
                return 1.0

            def in_flight(self, name):
                seen.add(name)  # noqa: B023  as above
                return 1

        balance.balancer = Balancer(balance.args, Counting())
        assert balance.plan(many).targets[0] in rows
        assert len(seen) <= most


def test_what_is_worked_out_of_a_list_goes_with_it():
    """A list at the address of one that is gone has its own tiers, and a client's memory has a bound."""
    balance = Balance("simple-shuffle")
    for number in range(2000):
        assert balance.plan(targets(**{f"a{number}": {}, f"b{number}": {}})).targets[0].name[1:]

    assert len(balance.balancer._tiers) <= 1024


def test_later_names_are_put_in_order_only_if_they_are_needed():
    """Most calls do not come to their fallbacks."""
    balance, rows = Balance("simple-shuffle"), targets(a={}, b={})
    request = chat_request("m", HELLO, {}, balance.args, stream=False)
    (later,) = balance.balancer.arranged(Plan(rows, [rows]), request).fallbacks

    assert later._all is None
    assert len(later) == 2
    assert sorted(names(later)) == ["a", "b"]
    assert [row.connection.name for row in later[0:2]] == names(later)


def test_a_planner_uses_the_strategy():
    """The plan of a request is arranged anew for each call."""
    args = router_args({"routing_strategy": "simple-shuffle"})
    rows = [Connection.of(name, "openai", "k", custom_models=["m"]) for name in "ab"]
    planner, snapshot = Planner(args), Snapshot.of(1, rows)
    plans = [
        planner.plan(chat_request("m", HELLO, {}, args, stream=False), snapshot) for _ in range(50)
    ]

    assert {plan.targets[0].connection.name for plan in plans} == {"a", "b"}
    assert {plan.why for plan in plans} == {"simple-shuffle: 50% of the weight"}
    assert planning.Planner is Planner
