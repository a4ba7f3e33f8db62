"""The tests of a rollout stay valid however often one looks, and find a bad variant soon. Simulated, with fixed seeds."""

from __future__ import annotations

import math
import random

import pytest

from genai_integrations.routing.variants.evidence import STAKES, Sample, capital, lower, winnings

NEEDED = 20.0
"""For an alpha of 0.05, and one test."""


def found_after(values, limit):
    """After how many observations the evidence suffices, looking at each; None if it never does."""
    logs = [0.0] * len(STAKES)
    known = {}
    for number, value in enumerate(values, 1):
        won = known.get(value) or known.setdefault(value, winnings(value, limit))
        logs = [log + more for log, more in zip(logs, won, strict=True)]
        if max(logs) > 0 and capital(logs) >= NEEDED:
            return number
    return None


def draws(rng, kind, mean):
    """Observations without end of a kind, with a mean."""
    while True:
        match kind:
            case "errors":
                yield 1.0 if rng.random() < mean else 0.0
            case "latency":
                # Log-normal with sigma 1: the 99th percentile is ten times the median.
                yield rng.lognormvariate(math.log(mean) - 0.5, 1.0)
            case "cost":
                yield rng.expovariate(1 / mean)


def times(kind, mean, limit, runs, calls, seed=11):
    """For several rollouts, after how many calls each was rolled back."""
    rng = random.Random(seed)
    return [
        found_after(
            (value for value, _ in zip(draws(rng, kind, mean), range(calls), strict=False)), limit
        )
        for _ in range(runs)
    ]


@pytest.mark.parametrize(
    ("kind", "limit", "runs"),
    [
        ("errors", 0.05, 300),
        ("errors", 0.01, 100),
        ("latency", 1.0, 60),
        ("cost", 0.002, 60),
        *[
            pytest.param(*row, marks=pytest.mark.slow)
            for row in (("errors", 0.05, 3000), ("latency", 1.0, 1000), ("cost", 0.002, 1000))
        ],
    ],
)
def test_a_variant_at_its_limit_is_rarely_rolled_back(kind, limit, runs):
    """Exactly at the limit, the worst case, and looking after each of 1,000 calls: less than one in twenty."""
    found = times(kind, limit, limit, runs=runs, calls=1000)
    false = sum(number is not None for number in found) / len(found)

    assert false <= 0.05


def test_a_variant_within_its_limit_is_hardly_ever_rolled_back():
    """With half the errors that it may make, and looking after each of 1,000 calls."""
    assert times("errors", 0.025, 0.05, runs=100, calls=1000).count(None) == 100


@pytest.mark.parametrize(
    ("kind", "mean", "limit", "calls"),
    [
        ("errors", 1.0, 0.05, 2),
        ("errors", 0.5, 0.05, 20),
        ("errors", 0.2, 0.05, 150),
        ("errors", 0.1, 0.05, 700),
        ("latency", 3.0, 1.0, 60),
        ("latency", 1.5, 1.0, 500),
        ("cost", 0.004, 0.002, 60),
    ],
)
def test_a_bad_variant_is_rolled_back_within_so_many_calls(kind, mean, limit, calls):
    """In at least 95 of 100 rollouts."""
    found = times(kind, mean, limit, runs=60, calls=calls)

    assert found.count(None) <= 3


def scores_found_after(rng, old_mean, new_mean, calls, draw):
    """After how many scores of each model the new one is found to be worse, looking at each from the 30th on."""
    sums = {"new": [0.0, 0.0, 0.0], "old": [0.0, 0.0, 0.0]}
    for number in range(1, calls + 1):
        for which, mean in (("new", new_mean), ("old", old_mean)):
            value = draw(rng, mean)
            row = sums[which]
            row[0], row[1], row[2] = row[0] + 1, row[1] + value, row[2] + value * value
        if number >= 30 and lower(Sample(*sums["new"]), Sample(*sums["old"])) >= NEEDED:
            return number
    return None


def thumbs(rng, mean):
    """A thumb up or down."""
    return float(rng.random() < mean)


def stars(rng, mean):
    """One to five stars, in halves, around a mean."""
    return min(max(round(rng.gauss(mean, 1.0) * 2) / 2, 1.0), 5.0)


@pytest.mark.parametrize(("draw", "mean"), [(thumbs, 0.8), (thumbs, 0.97), (stars, 3.5)])
def test_an_equal_variant_is_rarely_found_worse(draw, mean):
    """Looking after each of 300 scores: less than one in twenty."""
    rng = random.Random(5)
    found = [scores_found_after(rng, mean, mean, 300, draw) for _ in range(100)]

    assert sum(number is not None for number in found) / 100 <= 0.05


@pytest.mark.parametrize(
    ("draw", "old", "new", "calls"),
    [(thumbs, 1.0, 0.0, 30), (thumbs, 0.8, 0.5, 150), (stars, 4.0, 3.0, 80)],
)
def test_a_worse_variant_is_found(draw, old, new, calls):
    """In at least 95 of 100 rollouts, within so many scores of each."""
    rng = random.Random(6)
    found = [scores_found_after(rng, old, new, calls, draw) for _ in range(100)]

    assert found.count(None) <= 5


def test_a_better_variant_is_never_found_worse():
    """The test has one side."""
    rng = random.Random(8)

    assert all(scores_found_after(rng, 0.5, 0.8, 300, thumbs) is None for _ in range(20))


def test_equal_scores_say_nothing():
    """Of two models that always get the same score none is worse."""
    assert lower(Sample(50, 50, 50), Sample(50, 50, 50)) == 1.0


def test_sums_of_several_processes_are_one_test():
    """Evidence adds up in any order."""
    values = [0.0] * 30 + [1.0] * 5
    rows = [winnings(value, 0.05) for value in values]
    forwards = [sum(row[at] for row in rows) for at in range(len(STAKES))]
    backwards = [sum(row[at] for row in reversed(rows)) for at in range(len(STAKES))]

    assert capital(forwards) == pytest.approx(capital(backwards))


def test_overwhelming_evidence_is_a_number():
    """Neither the sums nor the capital overflow."""
    logs = [10_000 * won for won in winnings(1.0, 1e-9)]

    assert 1e200 < capital(logs) < math.inf
    assert capital([-1e6] * len(STAKES)) == 0.0
