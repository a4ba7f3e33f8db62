"""What a ledger says, summed up: how often, how well, how fast, for how much."""

from __future__ import annotations

import sqlite3
from array import array
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
        ConfigurationError: Calls cannot be grouped by that.
    """
    if by not in get_args(By):
        raise ConfigurationError(
            f"calls cannot be grouped by {shown(by)}: use {', '.join(get_args(By))}"
        )
    rows = rows_of(connection, by, since=since, until=until)
    total = _Asked(connection, "NULL", since, until).rows()
    return Stats(by, rows, total[0] if total else None)  # type: ignore[arg-type]  # looked at above


def rows_of(
    connection: sqlite3.Connection,
    by: str,
    *,
    since: float | None = None,
    until: float | None = None,
) -> tuple[StatsRow, ...]:
    """The rows of `stats_of`, without the sum of all."""
    rows = _Asked(connection, _KEYS.get(by, by), since, until).rows()
    if by not in ("hour", "day"):
        rows.sort(key=lambda row: (-row.calls, row.key or ""))
    return tuple(rows)


def moment(name: str, told: object) -> float | None:
    """A moment in seconds since 1970; a time without a zone is UTC's.

    Args:
        name: Of the argument.
        told: A time, seconds, or None.

    Raises:
        ConfigurationError: It is none. SQLite would compare it all the same, and find no call.
    """
    if isinstance(told, datetime):
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    is_number = isinstance(told, (int, float)) and not isinstance(told, bool) and told == told  # noqa: PLR0124  NaN
    if told is not None and not is_number:
        raise ConfigurationError(
            f"{name} must be a datetime, or seconds since 1970, not {shown(told)}"
        )
    return told  # type: ignore[return-value]  # just checked


class _Asked:
    """Some calls, summed up by SQLite: a ledger has a million, and this process need not see them.

    Args:
        connection: The ledger.
        key: What they are told apart by, in SQL.
        since: From this moment on; None for all.
        until: Before this moment; None for all.
    """

    def __init__(
        self, connection: sqlite3.Connection, key: str, since: float | None, until: float | None
    ) -> None:
        self._bounds = since or 0.0, until or 1e12
        # To go through all of a table by way of its index takes twice as long.
        self._table = "calls NOT INDEXED" if since is None and until is None else "calls"
        self._connection = connection
        self._key = key

    def rows(self) -> list[StatsRow]:
        """A row for each key, in the order of the keys."""
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in _COUNTED)
        money = ", ".join(f"sum({name})" for name in _MONEY)
        found = self._run(
            f"count(*), sum(outcome = 'ok'), {sums}, {money}", "GROUP BY key ORDER BY key"
        )
        ms, first = self._quantiles("ms"), self._quantiles("first_content_ms", "AND stream")
        errors = self._errors()
        return [
            StatsRow(
                key=key,
                calls=calls,
                ok=ok,
                errors=errors.get(key, {}),
                p50_ms=ms[key][0],
                p95_ms=ms[key][1],
                first_content_p50_ms=first[key][0] if key in first else None,
                **dict(zip((*_COUNTED, *_MONEY), rest, strict=True)),
            )
            for key, calls, ok, *rest in found
        ]

    def _errors(self) -> dict[str | None, dict[str, int]]:
        """How many ended otherwise, those with most first."""
        found: dict[str | None, dict[str, int]] = {}
        order = "AND outcome <> 'ok' GROUP BY key, outcome ORDER BY count(*) DESC, outcome"
        for key, outcome, count in self._run("outcome, count(*)", order):
            found.setdefault(key, {})[outcome] = count
        return found

    def _quantiles(self, column: str, only: str = "") -> dict[str | None, tuple[float, float]]:
        """The smallest values that half, and 95 of 100, do not exceed (nearest rank)."""
        found: dict[str | None, array[float]] = {}
        order = f"AND {column} IS NOT NULL {only} ORDER BY {column}"
        for key, value in self._run(column, order):
            found.setdefault(key, array("d")).append(value)
        return {
            key: (values[-(-len(values) // 2) - 1], values[-(-len(values) * 95 // 100) - 1])
            for key, values in found.items()
        }

    def _run(self, wanted: str, rest: str) -> Iterator[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        cursor.row_factory = None  # plain tuples
        command = f"SELECT {self._key} AS key, {wanted} FROM {self._table} WHERE at >= ? AND at < ? {rest}"  # noqa: S608  our own names
        return cursor.execute(command, self._bounds)


_COUNTED = ("rescued", "cached", "attempts", "prompt_tokens", "completion_tokens")
_MONEY = ("cost", "lost_cost", "saved")
