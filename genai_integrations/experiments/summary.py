"""One row for each candidate."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from genai_integrations.display import NONE, milliseconds, money
from genai_integrations.experiments.intervals import Mean, mean_of, quantile
from genai_integrations.experiments.results import Candidate, Result
from genai_integrations.experiments.wins import item_values


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of one model with one prompt.

    Attributes:
        model: The model's name.
        prompt: The prompt's label, None without one.
        n: Calls made.
        errors: Calls that failed.
        p50_ms: Milliseconds within which half of the answers were whole.
        p95_ms: Milliseconds within which 95 of 100 were.
        first_token_p50_ms: Milliseconds within which half of the streams began.
        cost: US dollars of all calls, judges not included; None if not known.
        scores: Mean over the items and its interval, by evaluator.
    """

    model: str
    prompt: str | None
    n: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    first_token_p50_ms: float | None
    cost: float | None
    scores: Mapping[str, Mean]

    @property
    def candidate(self) -> Candidate:
        """Whose row it is."""
        return Candidate(self.model, self.prompt)

    def as_dict(self) -> dict[str, object]:
        """The row as plain values for JSON."""
        return dataclasses.asdict(self)


def summary_of(
    results: Sequence[Result], candidates: Iterable[Candidate], metrics: Iterable[str]
) -> list[Summary]:
    """One row for each candidate, in their order."""
    means = {metric: item_values(results, metric) for metric in metrics}
    return [_row(results, candidate, means) for candidate in candidates]


def table_of(rows: Iterable[Summary]) -> tuple[list[str], list[list[object]]]:
    """Headers and rows for people; columns without a value are left out."""
    lines = [_line(row) for row in rows]
    names = list(dict.fromkeys(name for line in lines for name in line))
    shown = [name for name in names if any(line.get(name, NONE) != NONE for line in lines)]
    return shown, [[line.get(name, NONE) for name in shown] for line in lines]


def _row(
    results: Sequence[Result],
    candidate: Candidate,
    means: Mapping[str, Mapping[str, Mapping[Candidate, float]]],
) -> Summary:
    mine = [result for result in results if result.candidate == candidate]
    times = [value for row in mine if (value := row.value("latency_ms")) is not None]
    firsts = [value for row in mine if (value := row.value("first_token_ms")) is not None]
    costs = [row.cost for row in mine if row.cost is not None]
    scores = {
        metric: [row[candidate] for row in items.values() if candidate in row]
        for metric, items in means.items()
    }
    return Summary(
        candidate.model,
        candidate.prompt,
        len(mine),
        sum(row.error is not None for row in mine),
        quantile(times, 0.5) if times else None,
        quantile(times, 0.95) if times else None,
        quantile(firsts, 0.5) if firsts else None,
        sum(costs) if costs else None,
        {metric: mean_of(values) for metric, values in scores.items() if values},
    )


def _line(row: Summary) -> dict[str, object]:
    return {
        "model": row.model,
        "prompt": row.prompt or NONE,
        "n": row.n,
        "errors": row.errors,
        "p50": milliseconds(row.p50_ms),
        "p95": milliseconds(row.p95_ms),
        "first token": milliseconds(row.first_token_p50_ms),
        "cost": money(row.cost),
        **{metric: str(mean) for metric, mean in row.scores.items()},
    }
