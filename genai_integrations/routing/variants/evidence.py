"""How sure it is that a variant is too bad: numbers that stay valid however often one looks at them.

An e-value is evidence against "it is good enough". While that holds, it passes `1 / alpha` at any time at all with at
most the probability `alpha` (Ville's inequality). So nobody has to say beforehand how many calls there will be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

STAKES = (0.02, 0.05, 0.15, 0.4, 0.8)
"""Parts of its capital that a gambler stakes each time: small ones find small excesses, large ones find large ones soon."""


def winnings(value: float, limit: float) -> tuple[float, ...]:
    """What one observation adds to the logarithm of the capital, for each of the stakes.

    A gambler who bets that values of 0 and more are larger than the limit on average, at fair odds if that is their
    mean. Sums of these may be added up in any order, over processes too (Waudby-Smith and Ramdas 2024, "Estimating
    means of bounded random variables by betting"; no bound from above is needed for this side).

    Args:
        value: From 0 on.
        limit: Above 0.
    """
    excess = value / limit - 1
    return tuple(math.log1p(stake * excess) for stake in STAKES)


def capital(logs: Sequence[float]) -> float:
    """The e-value against "the mean is within the limit": the mean of the capitals of all stakes.

    Args:
        logs: For each stake the sum of its winnings.
    """
    largest = max(logs)
    return math.exp(min(largest, _MOST)) * sum(math.exp(row - largest) for row in logs) / len(logs)


_MOST = 600.0
"""A logarithm beyond which a float has no room; so much evidence is more than enough."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Numbers of one variant.

    Attributes:
        count: How many.
        total: Their sum.
        squares: The sum of their squares.
    """

    count: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, counts: Mapping[str, float], name: str) -> Sample:
        """From sums that are kept by name."""
        return cls(*(counts.get(f"{name}.{part}", 0.0) for part in ("count", "total", "squares")))

    @property
    def mean(self) -> float:
        """NaN for no numbers."""
        return self.total / self.count if self.count else math.nan

    def spread(self, other: float) -> float:
        """The variance, as if one more number had come that is like the other variant's.

        Without it, a few equal numbers would be taken for a variant that never differs.
        """
        count, total = self.count + 1, self.total + other
        return max((self.squares + other * other) / count - (total / count) ** 2, 0.0)


def lower(new: Sample, old: Sample) -> float:
    """The e-value against "the mean of new is not below that of old", from large enough samples.

    A sequential probability ratio test with a half-normal mixture of effects and the samples' own variances (Johari et
    al. 2022, "Always valid inference"). It is exact as samples grow; how it does on small ones is simulated in the
    tests.
    """
    gap = new.mean - old.mean
    spreads = new.spread(old.mean), old.spread(new.mean)
    variance = spreads[0] / new.count + spreads[1] / old.count
    if not variance:
        return 1.0
    effect = _EFFECT**2 * sum(spreads) / 2
    together = variance + effect
    heights = gap * gap * effect / (2 * variance * together)
    below = 0.5 * math.erfc(gap * math.sqrt(effect / (2 * variance * together)))
    return 2 * math.sqrt(variance / together) * math.exp(min(heights, _MOST)) * below


_EFFECT = 0.5
"""Standard deviations by which a variant that is worse may be worse."""
