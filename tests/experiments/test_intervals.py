"""How sure figures are, against values worked out elsewhere."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from genai_integrations.experiments.intervals import difference_of, mean_of, quantile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5], 0.95, 5), ([1, 2], 0.5, 1.5), ([3, 1, 2], 0.5, 2), (list(range(101)), 0.95, 95)],
)
def test_quantiles_lie_between_neighbours(values, share, expected):
    """By proportion, as numpy's default does."""
    assert quantile(values, share) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Brown, Cai and DasGupta's Wilson interval at 95 %.
    [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (7, 10, 0.3968, 0.8922), (1, 2, 0.0945, 0.9055)],
)
def test_the_mean_of_hits_and_misses_has_wilsons_interval(hits, n, low, high):
    """So ten hits of ten are no certainty."""
    mean = mean_of([1] * hits + [0] * (n - hits))

    assert (mean.value, mean.n) == (hits / n, n)
    assert (mean.low, mean.high) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("n", "t"),
    # Quantiles of Student's t at 97.5 % from printed tables.
    [(2, 12.706), (5, 2.776), (6, 2.571), (11, 2.228), (31, 2.042), (121, 1.980)],
)
def test_the_mean_of_graded_scores_has_students_interval(n, t):
    """Its half-width is t times the standard error."""
    values = [0.25 + 0.5 * (at % 2) for at in range(n)]
    mean = mean_of(values)
    average = fmean(values)
    error = (sum((value - average) ** 2 for value in values) / (n - 1) / n) ** 0.5

    assert (mean.high - mean.low) / 2 == pytest.approx(t * error, rel=1e-3)
    assert (mean.high + mean.low) / 2 == pytest.approx(average)


def test_one_value_says_nothing_about_others():
    """It has no interval."""
    assert (mean_of([0.5]).low, str(mean_of([0.5]))) == (None, "0.50")


@pytest.mark.parametrize(
    ("differences", "p"),
    [([1, 1, 1], 0.25), ([1] * 6, 2 / 64), ([1, -1], 1.0), ([0, 0, 0], 1.0), ([2, 1, -1], 0.75)],
)
def test_chance_is_counted_out_for_few_pairs(differences, p):
    """All ways to turn the signs; as many as are at least as far from zero."""
    assert difference_of(differences).p == pytest.approx(p)


def test_few_pairs_prove_nothing():
    """Five of five could be chance, however narrow the bootstrap's interval; six of six is a finding."""
    five, six = difference_of([1.0] * 5), difference_of([1.0] * 6)

    assert (five.low, five.high, five.is_real) == (1, 1, False)
    assert six.is_real


def test_noise_is_called_noise_about_nineteen_times_in_twenty():
    """Of 60 comparisons of a model with itself, few find a difference; a real one is found."""
    chance = random.Random(7)
    noise = [difference_of([chance.gauss(0, 1) for _ in range(20)]).is_real for _ in range(60)]
    signal = difference_of([chance.gauss(1, 1) for _ in range(20)])

    assert sum(noise) <= 6
    assert signal.is_real
    assert signal.low < 1 < signal.high


def test_the_same_differences_always_give_the_same_interval():
    """And the program's own random numbers are left alone."""
    random.seed(1)
    state = random.getstate()
    values = [0.3, -0.1, 0.5, 0.2] * 5

    assert difference_of(values) == difference_of(values)
    assert random.getstate() == state
