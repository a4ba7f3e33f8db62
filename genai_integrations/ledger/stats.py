"""What a ledger says, summed up: how often, how well, how fast, for how much."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown

By = Literal[
    "model", "target", "connection", "provider", "prompt", "user", "session", "variant", "outcome", "hour", "day",
]  # fmt: skip
"""What calls can be told apart by."""

_KEYS: Mapping[str, str] = {
    "model": "asked",
    "hour": "strftime('%Y-%m-%d %H:00', at, 'unixepoch')",
    "day": "strftime('%Y-%m-%d', at, 'unixepoch')",
}
"""Columns, where they are not called so."""


@dataclass(frozen=True, slots=True)
class StatsRow:
    """Some calls, summed up.

    Attributes:
        key: What they have in common, by the column that was asked for; None for calls that do not say it.
        calls: How many.
        ok: How many were answered.
        errors: How many ended otherwise, by the error's class; `left` are streams that the caller left.
        rescued: How many were answered after an attempt had failed.
        cached: How many were answered by a kept answer.
        attempts: Requests to providers.
        p50_ms: Half of the calls took at most so long, in milliseconds.
        p95_ms: 95 of 100 calls took at most so long.
        first_content_p50_ms: Half of the streams showed their first content within this time; None without any.
        prompt_tokens: Together.
        completion_tokens: Together.
        cost: US dollars of calls whose cost is known; None if none is.
        lost_cost: Of that, for attempts that did not answer.
        saved: What kept answers would have cost.
    """

    key: str | None
    calls: int
    ok: int
    errors: Mapping[str, int]
    rescued: int
    cached: int
    attempts: int
    p50_ms: float
    p95_ms: float
    first_content_p50_ms: float | None
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    lost_cost: float | None
    saved: float | None

    @property
    def success_rate(self) -> float:
        """Share of the calls that were answered, 0.0 to 1.0."""
        return self.ok / self.calls


@dataclass(frozen=True, slots=True)
class Stats(Sequence[StatsRow]):
    """Rows, those with most calls first; hours and days in their order.

    Attributes:
        by: What they are told apart by.
        rows: The rows.
        total: All calls together; None if there are none.
    """

    by: By
    rows: tuple[StatsRow, ...] = ()
    total: StatsRow | None = field(default=None)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[StatsRow]:
        return iter(self.rows)

    def __getitem__(self, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204  as a tuple's
        return self.rows[at]

    def __str__(self) -> str:
        """A table, as `genai stats` shows it."""
        return self._repr_mimebundle_()["text/plain"]

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from genai_integrations.ledger.report import stats_bundle

        return stats_bundle(self)


def stats_of(
    connection: sqlite3.Connection,
    by: str = "model",
    *,
    since: float | None = None,
    until: float | None = None,
) -> Stats:
    """Sum a ledger up.

    Args:
        connection: The ledger.
        by: What calls are told apart by.
        since: From this moment on, in seconds since 1970.
        until: Before this moment.

    Raises:
        ConfigurationError: Calls cannot be told apart by that.
    """
    if by not in get_args(By):
        raise ConfigurationError(
            f"calls cannot be told apart by {shown(by)}: there are {', '.join(get_args(By))}"
        )
    key = _KEYS.get(by, by)
    found = connection.execute(
        f"SELECT {key} AS key, * FROM calls WHERE at >= ? AND at < ? ORDER BY at",  # noqa: S608  our own names
        (since or 0.0, until or 1e12),
    )
    groups: dict[str | None, _Sum] = {}
    total = _Sum()
    for row in found:
        groups.setdefault(row["key"], _Sum()).add(row)
        total.add(row)
    rows = [sum_.row(key) for key, sum_ in groups.items()]
    if by not in ("hour", "day"):
        rows.sort(key=lambda row: (-row.calls, row.key or ""))
    return Stats(by, tuple(rows), total.row(None) if rows else None)  # type: ignore[arg-type]  # looked at above


def moment(told: float | datetime | None) -> float | None:
    """A moment in seconds since 1970; a time without a zone is UTC's."""
    if isinstance(told, datetime):
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    return told


class _Sum:
    """Calls being summed up."""

    def __init__(self) -> None:
        self._errors: dict[str, int] = {}
        self._ms: list[float] = []
        self._first: list[float] = []
        self._counts: dict[str, Any] = dict.fromkeys(_COUNTED, 0)
        self._money: dict[str, Any] = dict.fromkeys(_MONEY)
        self._ok = 0

    def add(self, row: sqlite3.Row) -> None:
        self._ms.append(row["ms"])
        if row["outcome"] == "ok":
            self._ok += 1
        else:
            self._errors[row["outcome"]] = self._errors.get(row["outcome"], 0) + 1
        if row["stream"] and row["first_content_ms"] is not None:
            self._first.append(row["first_content_ms"])
        for name in _COUNTED:
            self._counts[name] += row[name] or 0
        for name in _MONEY:
            if row[name] is not None:
                self._money[name] = (self._money[name] or 0.0) + row[name]

    def row(self, key: str | None) -> StatsRow:
        return StatsRow(
            key=key,
            calls=len(self._ms),
            ok=self._ok,
            errors=dict(sorted(self._errors.items(), key=lambda row: (-row[1], row[0]))),
            p50_ms=_quantile(self._ms, 0.5),
            p95_ms=_quantile(self._ms, 0.95),
            first_content_p50_ms=_quantile(self._first, 0.5) if self._first else None,
            **self._counts,
            **self._money,
        )


_COUNTED = ("rescued", "cached", "attempts", "prompt_tokens", "completion_tokens")
_MONEY = ("cost", "lost_cost", "saved")


def _quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * share) - 1]
