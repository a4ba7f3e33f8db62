"""Which of two is better, item by item, and whether the items can tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from genai_integrations.display import Bundle, bundle, escape, milliseconds, money, muted
from genai_integrations.errors import ConfigurationError
from genai_integrations.experiments.intervals import Difference, difference_of
from genai_integrations.experiments.results import LOWER_IS_BETTER, TIMES, Candidate, Result

_TIE = 1e-9
"""Scores that differ by less differ by rounding: means of repeats are sums of floats."""

_OUR_MS = 10.0
"""Milliseconds that a call may wait in this process for others that run beside it: less is no provider's difference."""


@dataclass(frozen=True, slots=True)
class Wins:
    """Two candidates on the same items.

    Attributes:
        metric: What they are compared by.
        a: The one.
        b: The other.
        items: What `a` has more than `b` in each item that both have a value for.
        left_out: Items that only one of them has a value for, or none.
        wins: Items in which `a` is better.
        losses: Items in which `b` is better.
        ties: Items in which neither is.
        difference: The mean of `items`, with its interval; None of no items.
    """

    metric: str
    a: Candidate
    b: Candidate
    items: Mapping[str, float]
    left_out: int
    wins: int
    losses: int
    ties: int
    difference: Difference | None

    @property
    def verdict(self) -> str:
        """A plain sentence; it says so where this many items show no difference."""
        found = self.difference
        if found is None:
            return f"{self.metric}: no item has a value of both {self.a} and {self.b}{self._others}"
        shown = [self._amount(value) for value in (found.value, found.low, found.high)]
        is_ours = self.metric in TIMES and abs(found.value) < _OUR_MS
        if is_ours or not found.is_real:
            return (
                f"{self.metric}: no difference between {self.a} and {self.b} that {counted(len(self.items), 'item')} "
                f"can show: {shown[0]} [{shown[1]}, {shown[2]}]{self._others}"
            )
        a_leads = (found.value > 0) != (self.metric in LOWER_IS_BETTER)
        first, second = (self.a, self.b) if a_leads else (self.b, self.a)
        ends = sorted((found.low, found.high), key=abs)
        size, least, most = (self._amount(abs(value)) for value in (found.value, *ends))
        return (
            f"{self.metric}: {first} better than {second} by {size} [{least}, {most}] "
            f"on {counted(len(self.items), 'item')}{self._others}"
        )

    def __str__(self) -> str:
        return f"{self.verdict}; {self.wins} wins, {self.losses} losses, {self.ties} ties"

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        counts = f"{self.wins} wins, {self.losses} losses, {self.ties} ties"
        return bundle(str(self), f"<div>{escape(self.verdict)}<br>{muted(counts)}</div>")

    @property
    def _others(self) -> str:
        return (
            f" ({counted(self.left_out, 'item')} left out for lack of a value)"
            if self.left_out
            else ""
        )

    def _amount(self, value: float) -> str:
        sign, size = "-" if value < 0 else "", abs(value)
        if self.metric == "cost":
            return sign + money(size)
        return sign + (milliseconds(size) if self.metric in TIMES else f"{size:.2f}")


def wins_of(results: Iterable[Result], metric: str, a: Candidate, b: Candidate) -> Wins:
    """Compare two candidates; repeats of an item count as their mean, since they are not independent."""
    values = item_values(results, metric)
    both = {item: row[a] - row[b] for item, row in values.items() if row.keys() >= {a, b}}
    sign = -1 if metric in LOWER_IS_BETTER else 1
    better = [sign * value for value in both.values()]
    wins = sum(value > _TIE for value in better)
    losses = sum(value < -_TIE for value in better)
    found = difference_of(list(both.values())) if both else None
    ties = len(both) - wins - losses
    return Wins(metric, a, b, both, len(values) - len(both), wins, losses, ties, found)


def item_values(results: Iterable[Result], metric: str) -> dict[str, dict[Candidate, float]]:
    """The mean over the repeats, for each item and each candidate that has a value for it."""
    found: dict[str, dict[Candidate, list[float]]] = {}
    for result in results:
        row = found.setdefault(result.item, defaultdict(list))
        value = result.value(metric)
        if value is not None:
            row[result.candidate].append(value)
    return {
        item: {candidate: fmean(values) for candidate, values in row.items()}
        for item, row in found.items()
    }


def candidate_named(
    name: str | tuple[str, str] | Candidate, known: Iterable[Candidate]
) -> Candidate:
    """The candidate that is meant: by its whole name, its model or its prompt.

    Raises:
        ConfigurationError: None is, or several are.
    """
    wanted = Candidate(*name) if isinstance(name, tuple) else name
    candidates = tuple(known)
    exact = [row for row in candidates if wanted in (row, str(row), f"{row.model}, {row.prompt}")]
    found = exact or [row for row in candidates if wanted in (row.model, row.prompt)]
    if len(found) == 1:
        return found[0]
    means = "none" if not found else "several"
    raise ConfigurationError(
        f"{str(wanted)!r} means {means} of the candidates; they are: {'; '.join(map(str, candidates))}"
    )


def counted(count: int, noun: str) -> str:
    """`1 item`, `2 items`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
