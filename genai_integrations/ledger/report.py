"""The report: one HTML page of a ledger, with everything in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from genai_integrations.display import (
    PAGE_STYLE,
    Bundle,
    Html,
    bundle,
    escape,
    filled,
    milliseconds,
    money,
    table,
    text_table,
)
from genai_integrations.ledger.charts import Bar, bars
from genai_integrations.ledger.slowness import parts_of, why_slow
from genai_integrations.ledger.stats import Stats, StatsRow, rows_of, stats_of

_MOST_ROWS = 30
"""Rows of one table: users may be millions."""

_SLOWEST = 5
_LATEST_FAILURES = 10

_TABLES = (
    ("Models", "model"),
    ("Targets", "target"),
    ("Connections", "connection"),
    ("Prompts", "prompt"),
    ("Variants", "variant"),
    ("Users", "user"),
)
"""What calls are told apart by, each with a table where there is something to tell."""

HEADERS = (
    "", "calls", "answered", "cost", "p50", "p95", "rescued", "first content", "tokens in", "tokens out", "lost",
    "saved", "cached",
)  # fmt: skip
"""What matters most comes first: a narrow terminal has room for no more."""


@dataclass(frozen=True, slots=True)
class Period:
    """Which calls a report is about.

    Attributes:
        since: From this moment on, in seconds since 1970; None for all.
        until: Before this moment; None for all.
    """

    since: float | None = None
    until: float | None = None


def report(
    connection: sqlite3.Connection, period: Period = Period(), *, title: str = "LLM calls"
) -> str:
    """The page.

    Args:
        connection: The ledger.
        period: Which calls.
        title: Its heading.
    """
    found = stats_of(connection, "hour", since=period.since, until=period.until)
    body = [Html(f"<h1>{escape(title)}</h1>")]
    if found.total is None:
        body.append(Html("<p>No call was recorded in this period.</p>"))
    else:
        body += [_head(found.total, connection, period), _hours(connection, period, found)]
        body += _tables(connection, period)
        body += [_errors(found.total), _failures(connection, period), _slowest(connection, period)]
    return _PAGE.format(title=escape(title), style=PAGE_STYLE, body="".join(body))


def cells(row: StatsRow) -> list[object]:
    """A row as a table shows it, below `HEADERS`."""
    return [
        row.key if row.key is not None else "-",
        row.calls,
        f"{row.success_rate:.1%}",
        None if row.cost is None else money(row.cost),
        milliseconds(row.p50_ms),
        milliseconds(row.p95_ms),
        row.rescued or None,
        None if row.first_content_p50_ms is None else milliseconds(row.first_content_p50_ms),
        f"{row.prompt_tokens:,}",
        f"{row.completion_tokens:,}",
        None if row.lost_cost is None else money(row.lost_cost),
        None if row.saved is None else money(row.saved),
        row.cached or None,
    ]


def _head(total: StatsRow, connection: sqlite3.Connection, period: Period) -> Html:
    first, last = connection.execute(
        "SELECT min(at), max(at) FROM calls WHERE at >= ? AND at < ?", _bounds(period)
    ).fetchone()
    figures = [
        ("calls", f"{total.calls:,}"),
        ("answered", f"{total.success_rate:.2%}"),
        ("median time", milliseconds(total.p50_ms)),
        ("95th percentile", milliseconds(total.p95_ms)),
        ("cost", money(total.cost)),
        ("lost to failures", money(total.lost_cost)),
        ("saved by caches", money(total.saved)),
        ("rescued", f"{total.rescued:,}"),
    ]
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value in figures
    )
    return Html(f"<p>{_moment(first)} to {_moment(last)} (UTC)</p><div class='cards'>{cards}</div>")


def _hours(connection: sqlite3.Connection, period: Period, hours: Stats) -> Html:
    by, found = "hour", hours.rows
    if len(hours) > _MOST_BARS:
        by, found = "day", rows_of(connection, "day", since=period.since, until=period.until)
    calls = [Bar(_short(row.key, by), (row.ok, row.calls - row.ok), _told(row)) for row in found]
    cost = [Bar(_short(row.key, by), (row.cost or 0.0,), _told(row)) for row in found]
    return Html(
        f"<h2>Calls by {by}</h2>{_scrolled(bars(f'Calls by {by}', calls))}"
        "<p class='legend'><i class='series-0'></i> answered <i class='series-1'></i> not answered</p>"
        f"<h2>Cost by {by}</h2>{_scrolled(bars(f'Cost by {by} in US dollars', cost, unit='$'))}"
    )


_MOST_BARS = 72
"""Three days of hours; beyond, the bars are days."""


def _tables(connection: sqlite3.Connection, period: Period) -> list[Html]:
    made = []
    for title, by in _TABLES:
        found = rows_of(connection, by, since=period.since, until=period.until)
        if any(row.key is not None for row in found):
            rows = [cells(row) for row in found[:_MOST_ROWS]]
            left = len(found) - _MOST_ROWS
            more = f"<p>and {left:,} more</p>" if left > 0 else ""
            made.append(Html(f"<h2>{title}</h2>{_scrolled(table(*filled(HEADERS, rows)))}{more}"))
    return made


def _errors(total: StatsRow) -> Html:
    if not total.errors:
        return Html("")
    rows = [(kind, count, f"{count / total.calls:.1%}") for kind, count in total.errors.items()]
    return Html(f"<h2>How the other calls ended</h2>{table(('', 'calls', 'share'), rows)}")


def _failures(connection: sqlite3.Connection, period: Period) -> Html:
    found = connection.execute(
        "SELECT at, asked, outcome, error FROM calls WHERE outcome NOT IN ('ok', 'left') AND at >= ? AND at < ? "
        "ORDER BY at DESC LIMIT ?",
        (*_bounds(period), _LATEST_FAILURES),
    ).fetchall()
    if not found:
        return Html("")
    rows = [(_moment(row["at"]), row["asked"], row["outcome"], row["error"]) for row in found]
    headers = ("when", "model", "error", "message")
    return Html(f"<h2>Latest failures</h2>{_scrolled(table(headers, rows))}")


def _slowest(connection: sqlite3.Connection, period: Period) -> Html:
    pieces = []
    for call, attempts in slowest(connection, _SLOWEST, period):
        rows = [(part.name, milliseconds(part.ms), part.told) for part in parts_of(call, attempts)]
        head = f"{_moment(call['at'])} {call['asked']}: {why_slow(call, attempts)}"
        pieces.append(
            f"<details><summary>{escape(head)}</summary>"
            f"{table(('part', 'time', 'target'), rows)}</details>"
        )
    return Html(f"<h2>Why were the slowest slow?</h2>{''.join(pieces)}") if pieces else Html("")


def slowest(
    connection: sqlite3.Connection, most: int, period: Period = Period()
) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The slowest calls that were answered, the slowest first, each with its attempts."""
    calls = connection.execute(
        "SELECT * FROM calls WHERE outcome = 'ok' AND at >= ? AND at < ? ORDER BY ms DESC LIMIT ?",
        (*_bounds(period), most),
    ).fetchall()
    return [
        (
            dict(call),
            [
                dict(row)
                for row in connection.execute(
                    "SELECT * FROM attempts WHERE call = ? ORDER BY number", (call["id"],)
                )
            ],
        )
        for call in calls
    ]


def _bounds(period: Period) -> tuple[float, float]:
    return period.since or 0.0, period.until or 1e12


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def _short(key: str | None, by: str) -> str:
    return (key or "")[11:16] if by == "hour" else (key or "")[5:10]


def _told(row: StatsRow) -> str:
    return f"{row.key}: {row.calls} calls, {row.ok} answered, {money(row.cost)}"


def _scrolled(inner: Html) -> Html:
    return Html(f'<div class="scroll">{inner}</div>')


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def as_rows(found: Stats) -> Iterable[Sequence[object]]:
    """Every row, and the sum of all below them, as tables show them."""
    rows = [cells(row) for row in found]
    if found.total is not None and len(found) > 1:
        rows.append(["all", *cells(found.total)[1:]])
    return rows


def stats_bundle(found: Stats) -> Bundle:
    """Rows in a notebook, without the columns in which nothing stands."""
    if found.total is None:
        nothing = "No call was recorded in this period."
        return bundle(nothing, nothing)
    shown = filled((found.by, *HEADERS[1:]), as_rows(found))
    return bundle(text_table(*shown), table(*shown))
