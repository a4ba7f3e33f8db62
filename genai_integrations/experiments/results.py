"""What came of each call, as plain records."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from genai_integrations.calls.route import Route, RouteRecord
from genai_integrations.errors import GenAIError


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model with a prompt: one of those that are compared.

    Attributes:
        model: The model's name, as asked.
        prompt: The prompt's label; None where the input itself is the message.
        name: What tells it from the others: the model, the prompt, or both.
    """

    model: str
    prompt: str | None = None
    name: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return self.name or (f"{self.model}, {self.prompt}" if self.prompt else self.model)


@dataclass(frozen=True, slots=True)
class Score:
    """What an evaluator says of an answer.

    Attributes:
        value: The score; None if there is none to give.
        reason: Why.
        error: What went wrong in the evaluator.
        cost: US dollars that the evaluator itself has cost, None if it costs nothing or that is not known.
    """

    value: float | None
    reason: str = ""
    error: str | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One answer, or what went wrong instead.

    Attributes:
        model: The model's name, as asked.
        prompt: The prompt's label; None where the input itself was the message.
        item: The item's id.
        repeat: Which of the repeats, from 1.
        text: The answer; None if there is none.
        error: What went wrong, in one line.
        latency_ms: Milliseconds to the whole answer, retries and fallbacks included.
        first_token_ms: Milliseconds to the first content of a stream.
        prompt_tokens: As the provider reported.
        completion_tokens: As the provider reported.
        cost: US dollars of all attempts, None if not known.
        route: Every attempt, as `Route.as_dict` gives it.
        scores: By the evaluator's name.
        trace_id: The call's trace in Langfuse, if it belongs to a dataset run.
        observation_id: The span of the item in that trace.
        key: What was asked, as a short hash.
    """

    model: str
    prompt: str | None
    item: str
    repeat: int = 1
    text: str | None = None
    error: str | None = None
    latency_ms: float | None = None
    first_token_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    route: RouteRecord | Mapping[str, object] = field(default_factory=dict, repr=False)
    scores: Mapping[str, Score] = field(default_factory=dict)
    trace_id: str | None = None
    observation_id: str | None = None
    key: str = field(default="", repr=False)

    @property
    def candidate(self) -> Candidate:
        """Whose answer it is."""
        return Candidate(self.model, self.prompt)

    @property
    def total_cost(self) -> float:
        """US dollars, the evaluators' included, as far as known."""
        return (self.cost or 0.0) + sum(score.cost or 0.0 for score in self.scores.values())

    def value(self, metric: str) -> float | None:
        """A score, `latency_ms`, `first_token_ms` or `cost`; None where there is none."""
        if metric in LOWER_IS_BETTER:
            found = None if self.text is None else getattr(self, metric)
        else:
            score = self.scores.get(metric)
            found = score.value if score else None
        return None if found is None else float(found)

    def as_dict(self) -> dict[str, object]:
        """The record as plain values for JSON."""
        return dataclasses.asdict(self)


class ResultFields(TypedDict, total=False):
    """Those fields of a result that a call decides."""

    text: str
    error: str
    latency_ms: float
    first_token_ms: float
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None
    route: RouteRecord


TIMES = ("latency_ms", "first_token_ms")
LOWER_IS_BETTER = (*TIMES, "cost")
"""What can be compared beside scores."""


def result_from(record: Mapping[str, Any]) -> Result:
    """The result that `as_dict` made this of.

    Raises:
        TypeError: It is no such record.
    """
    scores = {name: Score(**row) for name, row in dict(record["scores"]).items()}
    return Result(**{**record, "scores": scores})


def usage_fields(route: Route) -> ResultFields:
    """What a route tells of tokens and cost, as fields of a result."""
    last = route.attempts[-1] if route.attempts else None
    return {
        "prompt_tokens": last.prompt_tokens if last else None,
        "completion_tokens": last.completion_tokens if last else None,
        "cost": route.cost,
        "route": route.as_dict(),
    }


def named_error(error: Exception) -> str:
    """An error in one line: its class and what it says."""
    text = str(error) if isinstance(error, GenAIError) else " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"
