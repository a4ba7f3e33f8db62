"""How sure a figure is: quantiles, means and paired differences with their intervals."""

from __future__ import annotations

import itertools
import math
import operator
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

_Z = 1.959964
"""Half-width of a 95 % interval of the normal distribution, in standard deviations."""

_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The same for Student's t with 1 to 9 degrees of freedom; from 10 on a series is close enough."""

_RESAMPLES = 2000
"""Draws for one interval: fifty of them lie beyond each end, enough to say where the end is."""

_EXACT_UP_TO = 11
"""Differences whose signs are all tried out, 2048 ways; of more, as many ways are drawn."""

SIGNIFICANT = 0.05
"""What chance may do in one case of twenty is no finding."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its 95 % confidence interval.

    Attributes:
        value: The mean.
        low: Lower end; None for a single value, which says nothing about others.
        high: Upper end.
        n: Values.
    """

    value: float
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:.2f}"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of paired differences.

    Attributes:
        value: The mean.
        low: Lower end of the 95 % interval, by bootstrap over the pairs.
        high: Upper end.
        p: How often chance alone gives a mean as far from zero, by turning signs round.
    """

    value: float
    low: float
    high: float
    p: float

    @property
    def is_real(self) -> bool:
        """Whether interval and test both say so: of few pairs the bootstrap alone is too sure."""
        return (self.low > 0 or self.high < 0) and self.p < SIGNIFICANT


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of at least one value lies, between neighbours by proportion."""
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of at least one value: Wilson's interval for values that are all 0 or 1, else Student's."""
    mean, n = fmean(values), len(values)
    if n == 1:
        return Mean(mean, None, None, 1)
    if all(value in (0, 1) for value in values):
        return Mean(mean, *_wilson(mean, n), n)
    half = _t(n - 1) * stdev(values) / math.sqrt(n)
    return Mean(mean, mean - half, mean + half, n)


def difference_of(differences: Sequence[float]) -> Difference:
    """The mean of at least one paired difference. The same differences always give the same result."""
    chance = random.Random(0)  # noqa: S311  resampling is no secret
    n = len(differences)
    means = [sum(chance.choices(differences, k=n)) / n for _ in range(_RESAMPLES)]
    low, high = quantile(means, 0.025), quantile(means, 0.975)
    mean = fmean(differences)
    return Difference(mean, low, high, _by_chance(differences, mean, chance))


def _by_chance(differences: Sequence[float], mean: float, chance: random.Random) -> float:
    """How often the mean is as far from zero when each difference might as well have the other sign."""
    n = len(differences)
    # A little less, because sums are rounded.
    wanted = abs(mean) * n * (1 - 1e-9)
    exact = n <= _EXACT_UP_TO
    ways = itertools.product((1, -1), repeat=n) if exact else _drawn_signs(n, chance)
    sums: list[float] = [abs(sum(map(operator.mul, differences, signs))) for signs in ways]
    hits = sum(total >= wanted for total in sums)
    return hits / len(sums) if exact else (hits + 1) / (len(sums) + 1)


def _drawn_signs(n: int, chance: random.Random) -> Iterator[Sequence[int]]:
    return (chance.choices((1, -1), k=n) for _ in range(_RESAMPLES))


def _wilson(mean: float, n: int) -> tuple[float, float]:
    shrunk = 1 + _Z**2 / n
    middle = (mean + _Z**2 / (2 * n)) / shrunk
    half = _Z * math.sqrt(mean * (1 - mean) / n + _Z**2 / (4 * n**2)) / shrunk
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _t(freedom: int) -> float:
    """Student's t at 97.5 %, by Cornish and Fisher's series."""
    if freedom <= len(_T):
        return _T[freedom - 1]
    z, df = _Z, float(freedom)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df * df)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * df * df * df)
    return z + (z**3 + z) / (4 * df) + second + third
