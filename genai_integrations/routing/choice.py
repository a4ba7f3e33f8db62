"""`model="auto"`: the cheapest, the fastest or the best of some models, among those that can do what is asked."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, Protocol

from genai_integrations.calls.choices import Auto, Preference
from genai_integrations.calls.request import Request
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.strategies.cost import ANSWER, dollars_of, expected_tokens

_PROMPT = 1000
"""Tokens of a prompt, to compare prices where there is no request."""


class Candidate(NamedTuple):
    """A target, with the name in `models` that it is there for."""

    model: str
    target: Target


class Measure(Protocol):
    """What targets are compared by."""

    def rank(self, row: Candidate, request: Request | None) -> float:
        """What to sort by, the smallest first; without a request, by what can be said of any."""
        ...

    def told(self, row: Candidate, request: Request | None) -> str:
        """The same for people."""
        ...


class Price:
    """By the dollars that the request is expected to cost; targets without a known price come last."""

    def rank(self, row: Candidate, request: Request | None) -> float:
        """US dollars."""
        tokens = expected_tokens(request) if request else (_PROMPT, ANSWER)
        return dollars_of(row.target, *tokens)

    def told(self, row: Candidate, request: Request | None) -> str:
        """In US dollars."""
        dollars = self.rank(row, request)
        if math.isinf(dollars):
            return "no price is known"
        return f"${dollars:.3g} expected" if request else f"${dollars:.3g} for {_PROMPT} tokens"


class Speed:
    """Targets that were not measured come first, to be measured."""

    def __init__(self, measured: Measured | None) -> None:
        self._measured = measured

    def _seconds(self, row: Candidate, request: Request | None) -> float | None:
        stream = request is not None and request.stream
        return None if self._measured is None else self._measured.latency(row.target.name, stream)

    def rank(self, row: Candidate, request: Request | None) -> float:
        """Seconds that an answer is expected to take, or a stream's first content."""
        seconds = self._seconds(row, request)
        return -1.0 if seconds is None else seconds

    def told(self, row: Candidate, request: Request | None) -> str:
        """In seconds."""
        seconds = self._seconds(row, request)
        return "not measured yet" if seconds is None else f"{seconds:.3g} s expected"


class Quality:
    """By the program's scores, the highest first."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        self._scores = scores

    def rank(self, row: Candidate, request: Request | None) -> float:  # noqa: ARG002  the protocol's
        """The score of the model as it is listed."""
        return -self._scores[row.model]

    def told(self, row: Candidate, request: Request | None) -> str:  # noqa: ARG002  the protocol's
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
        return self._ordered(self._candidates.values(), None)

    def explained(self) -> Mapping[str, str]:
        """Why each target is there, by its name."""
        count, prefer = len({row.model for row in self._candidates.values()}), self._auto.prefer
        return {
            name: f"{prefer} of {count}: {self._measure.told(row, None)}"
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
        first, *others = self._ordered(mine, request)
        others += [
            rest
            for group in given
            if (rest := [row for row in group if row.name not in self._candidates])
        ]
        why = self._why(self._candidates[first[0].name], mine, request)
        why = f"{why}; {plan.why}" if plan.why else why
        return dataclasses.replace(plan, targets=first, fallbacks=others, why=why)

    def _ordered(
        self, candidates: Iterable[Candidate], request: Request | None
    ) -> list[Sequence[Target]]:
        """Groups of targets of one model that are equals, so that a strategy may order each."""

        def rank(row: Candidate) -> tuple[float, int]:
            return self._measure.rank(row, request), self._auto.models.index(row.model)

        ranked = sorted([(rank(row), row.target) for row in candidates], key=itemgetter(0))
        groups = itertools.groupby(ranked, key=itemgetter(0))
        return [[target for _, target in group] for _, group in groups]

    def _why(self, chosen: Candidate, left: Sequence[Candidate], request: Request) -> str:
        count = len({row.model for row in left})
        told = self._measure.told(chosen, request)
        return f"{self._auto.prefer} of {count}: {chosen.target.name} ({told})"
