"""Strategies under traffic: each is better than a shuffle on its own measure, whatever befalls the targets."""

from __future__ import annotations

import pytest
from traffic import SCENARIOS, Scenario, Traffic, Trouble

LATENCY, COST, SHUFFLE = "latency-based-routing", "cost-based-routing", "simple-shuffle"


def outcome(scenario, strategy, calls, seed):
    return Traffic(scenario, calls, seed, routing_strategy=strategy).outcome()


def compared(scenario, calls, seed):
    """The three strategies have the same calls at the same moments."""
    shuffled = outcome(scenario, SHUFFLE, calls, seed)
    fast = outcome(scenario, LATENCY, calls, seed)
    cheap = outcome(scenario, COST, calls, seed)

    assert fast.seconds < shuffled.seconds
    assert cheap.dollars < shuffled.dollars
    assert shuffled.calls == fast.calls == cheap.calls == calls
    return shuffled, fast, cheap


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda row: row.name)
def test_each_strategy_beats_a_shuffle_on_its_own_measure(scenario):
    """Latency-based routing in time, cost-based in dollars; and where one target is well, no call is lost."""
    outcomes = compared(scenario, 800, 1)

    if scenario.name != "all shaky (503)":
        assert [row.lost for row in outcomes] == [0, 0, 0]
    assert all(row.rescued > 0.7 for row in outcomes)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda row: row.name)
def test_each_strategy_beats_a_shuffle_in_100_000_calls(scenario):
    """As above, of what docs/balancing.md shows."""
    compared(scenario, 100_000, 1)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("per_second", [10.0, 1.0, 0.1])
@pytest.mark.parametrize("targets", ["a b", "a b c d"])
def test_a_target_that_turns_slow_keeps_few_calls(targets, per_second, seed):
    """Ten times slower than before, it has less than 5 % of the calls from the 50th on: whether there are ten a second or one in ten."""
    names = targets.split()
    scenario = Scenario(
        "slow", dict.fromkeys(names, 1.0), dict.fromkeys(names, 1.0), [Trouble("a", 0.4, 1.0, slower=10)], per_second
    )  # fmt: skip
    firsts = outcome(scenario, LATENCY, 2000, seed).firsts
    before, after = firsts[:800], firsts[850:]

    assert before.count("a") > 0.2 * 800 / len(names)
    assert after.count("a") < 0.05 * len(after)


def test_what_turned_slow_is_used_again_when_it_is_back():
    """Few calls look whether it is, and then it is one of the fast ones."""
    scenario = Scenario(
        "back", {"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 1.0}, [Trouble("a", 0.2, 0.5, slower=10)]
    )
    firsts = outcome(scenario, LATENCY, 4000, 1).firsts

    assert firsts[900:2000].count("a") < 0.05 * 1100
    assert firsts[3000:].count("a") > 0.5 * 1000
