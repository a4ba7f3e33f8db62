"""Targets between which a strategy may choose: those of one `order`, in one region of the preferred ones."""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from genai_integrations.routing.deployments import Target
from genai_integrations.runtime.made_once import made_once


class Tier:
    """Some targets, with what is worked out of them once and read by every call. Threads may work it out twice.

    Args:
        targets: At least one.

    Attributes:
        targets: As given.
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = targets

    def drawn(self) -> Target:
        """One at random, each with the probability of its share of the weight."""
        up_to = self._up_to
        if not up_to[-1]:
            return random.choice(self.targets)  # noqa: S311  no secret
        # The first sum above the number; one without weight never is.
        at = bisect.bisect_right(up_to, random.random() * up_to[-1])  # noqa: S311  as above
        return self.targets[min(at, len(self.targets) - 1)]

    def share(self, target: Target) -> float:
        """A target's share of the weight, 0.0 to 1.0."""
        whole = self._up_to[-1]
        return target.deployment.weight / whole if whole else 1 / len(self.targets)

    def sample(self, most: int) -> Sequence[Target]:
        """So many at random, in a random order."""
        return random.sample(self.targets, min(most, len(self.targets)))

    @made_once
    def alike(self) -> Sequence[Tier]:
        """The targets by what they cost, which is the same for those of one model: a few, however many targets."""
        found: dict[object, list[Target]] = {}
        for target in self.targets:
            prices = tuple(sorted((target.deployment.prices or {}).items()))
            key = (target.connection.provider.name, target.model, prices)
            found.setdefault(key, []).append(target)
        return list(map(Tier, found.values()))

    @made_once
    def _up_to(self) -> list[float]:
        """Sums of the weights, so that thousands of targets take no longer than ten."""
        return list(itertools.accumulate(row.deployment.weight for row in self.targets))


def shuffled(targets: Sequence[Target]) -> list[Target]:
    """In an order at random, by weight: of several, each comes first with the probability of its share."""
    return sorted(targets, key=_arrival)


def _arrival(target: Target) -> float:
    """A time to sort by: of exponential variables the i-th is the smallest with the probability of its rate's share."""
    weight = target.deployment.weight
    return random.expovariate(weight) if weight > 0 else math.inf


class Arranged(Sequence[Target]):
    """Targets in an order of which the first is known, and the others' is worked out when somebody asks for them.

    Most calls ask for the first target only.

    Args:
        first: The one to try first; None works out everything when it is asked for.
        others: Makes the list of those behind it.
        count: How many there are together.
    """

    __slots__ = ("_all", "_count", "_first", "_others")

    def __init__(
        self, first: Target | None, others: Callable[[], Sequence[Target]], count: int
    ) -> None:
        self._first = first
        self._others = others
        self._count = count
        self._all: Sequence[Target] | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Target]:
        return iter(self._made())

    @overload
    def __getitem__(self, at: int) -> Target: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Target]: ...
    def __getitem__(self, at: int | slice) -> Target | Sequence[Target]:
        if at == 0 and self._first is not None:
            return self._first
        return self._made()[at]

    def _made(self) -> Sequence[Target]:
        if self._all is None:
            others = self._others()
            self._all = others if self._first is None else (self._first, *others)
        return self._all
