"""`model="auto"`: the cheapest, the fastest or the best of some models, among those that can do what is asked."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from genai_integrations.calls.choices import Auto, Preference
from genai_integrations.calls.request import Request
from genai_integrations.models.catalog import model_info
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.routing.measured import Measured

_INPUT_SHARE = 0.75
"""Of a million tokens, for one price of both kinds: three tokens of input to one of output, as
artificialanalysis.ai compares models."""

_MILLION = 1_000_000


class Candidate(NamedTuple):
    """A target, with the name in `models` that it is there for."""

    model: str
    target: Target


class Measure(Protocol):
    """What targets are compared by."""

    def rank(self, row: Candidate, stream: bool) -> tuple[bool, float]:
        """What to sort by, the smallest first."""
        ...

    def told(self, row: Candidate, stream: bool) -> str:
        """The same for people."""
        ...


class Price:
    """Targets without a known price come last."""

    def rank(self, row: Candidate, stream: bool) -> tuple[bool, float]:  # noqa: ARG002  the protocol's
        """By US dollars."""
        price = price_of(row.target)
        return price is None, price or 0.0

    def told(self, row: Candidate, stream: bool) -> str:  # noqa: ARG002  the protocol's
        """For a million tokens."""
        price = price_of(row.target)
        return "its price is not known" if price is None else f"{price:.4g} USD per million tokens"


class Speed:
    """Targets that were not measured come first, to be measured."""

    def __init__(self, measured: Measured | None) -> None:
        self._measured = measured

    def _seconds(self, row: Candidate, stream: bool) -> float | None:
        return None if self._measured is None else self._measured.latency(row.target.name, stream)

    def rank(self, row: Candidate, stream: bool) -> tuple[bool, float]:
        """By the seconds that an answer is expected to take, or a stream's first content."""
        seconds = self._seconds(row, stream)
        return seconds is not None, seconds or 0.0

    def told(self, row: Candidate, stream: bool) -> str:
        """In seconds."""
        seconds = self._seconds(row, stream)
        return "not measured yet" if seconds is None else f"{seconds:.3g} s expected"


class Quality:
    """By the program's scores, the highest first."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        self._scores = scores

    def rank(self, row: Candidate, stream: bool) -> tuple[bool, float]:  # noqa: ARG002  the protocol's
        """By the score of the model as it is listed."""
        return False, -self._scores[row.model]

    def told(self, row: Candidate, stream: bool) -> str:  # noqa: ARG002  the protocol's
        """The score."""
        return f"quality {self._scores[row.model]:g}"


_MEASURES: Mapping[Preference, Callable[[Auto, Measured | None], Measure]] = {
    "cheapest": lambda _auto, _measured: Price(),
    "fastest": lambda _auto, measured: Speed(measured),
    "best": lambda auto, _measured: Quality(auto.quality),
}


class Choice:
    """Orders the targets of several models by what is preferred.

    Args:
        auto: What is preferred.
        served: For each model that somebody serves, its targets.
        measured: What was measured of them; None where nothing is.
    """

    is_one_choice = True

    def __init__(
        self, auto: Auto, served: Mapping[str, Sequence[Target]], measured: Measured | None
    ) -> None:
        self._auto = auto
        self._measure = _MEASURES[auto.prefer](auto, measured)
        self._candidates: dict[str, Candidate] = {}
        for model, targets in served.items():
            for target in targets:
                self._candidates.setdefault(target.name, Candidate(model, target))

    def groups(self) -> list[Sequence[Target]]:
        """All targets as far as they can be ordered without a request, in groups of equals of one model."""
        return self._ordered(self._candidates.values(), stream=False)

    def explained(self) -> Mapping[str, str]:
        """Why each target is there, by its name."""
        count, prefer = len({row.model for row in self._candidates.values()}), self._auto.prefer
        return {
            name: f"{prefer} of {count}: {self._measure.told(row, stream=False)}"
            for name, row in self._candidates.items()
        }

    def finished(self, plan: Plan, request: Request) -> Plan:
        """The plan with the targets that are left in order, and why; what the name falls back to stays behind them."""
        given = [plan.targets, *plan.fallbacks]
        mine = [
            self._candidates[row.name]
            for group in given
            for row in group
            if row.name in self._candidates
        ]
        if not mine:
            return plan
        first, *others = self._ordered(mine, stream=request.stream)
        rest = [group for group in given if group[0].name not in self._candidates]
        why = self._why(self._candidates[first[0].name], mine, stream=request.stream)
        return dataclasses.replace(plan, targets=first, fallbacks=[*others, *rest], why=why)

    def _ordered(self, candidates: Iterable[Candidate], *, stream: bool) -> list[Sequence[Target]]:
        """Groups of targets of one model that are equals, so that a strategy may order each."""
        ranked = sorted(
            ((self._measure.rank(row, stream), self._auto.models.index(row.model), at, row.target)
             for at, row in enumerate(candidates)),
            key=lambda row: row[:3],
        )  # fmt: skip
        groups = itertools.groupby(ranked, key=lambda row: row[:2])
        return [[row[3] for row in group] for _, group in groups]

    def _why(self, chosen: Candidate, left: Sequence[Candidate], *, stream: bool) -> str:
        count = len({row.model for row in left})
        told = self._measure.told(chosen, stream)
        return f"{self._auto.prefer} of {count}: {chosen.target.name} ({told})"


def price_of(target: Target) -> float | None:
    """US dollars for a million tokens of a target, three of input to one of output; None where a price is not known."""
    row = model_info(target.connection.provider.name, target.model) or {}
    known = [row.get(name) for name in ("input_cost_per_token", "output_cost_per_token")]
    given, answered = (price if isinstance(price, (int, float)) else None for price in known)
    if given is None or answered is None:
        return None
    return (_INPUT_SHARE * given + (1 - _INPUT_SHARE) * answered) * _MILLION
