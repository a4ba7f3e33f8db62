"""What the status page shows, as HTML: pure functions, and every text from outside goes through `escape`."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from genai_integrations.display import (
    PAGE_STYLE,
    Html,
    bad,
    escape,
    filled,
    good,
    milliseconds,
    money,
    muted,
    table,
)
from genai_integrations.gateway.board import NO_FAILURES, Hour, Minute, TargetHour, Worker
from genai_integrations.ledger.charts import Bar, bars

if TYPE_CHECKING:
    from genai_integrations.gateway.page.views import View

_MOST_ROWS = 100
"""Rows of one table."""

_MOST_MODELS = 300


def page(view: View, hour: Hour | None) -> str:
    """The page."""
    return _PAGE.format(
        style=_style(),
        script=_script(),
        name=escape(view.name),
        live=live(view, hour),
        playground=_playground(view.models),
    )


def event(view: View, hour: Hour | None) -> bytes:
    """The part of the page that changes, as a server-sent event."""
    return f"data: {json.dumps(live(view, hour))}\n\n".encode()


@cache
def policy() -> str:
    """The page's Content-Security-Policy: its own script and style, its own gateway, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_hash(_script())}'; style-src '{_hash(_style())}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def live(view: View, hour: Hour | None) -> Html:
    """The part of the page that changes."""
    if hour is None:
        return Html(f"<p>{bad('There are no figures: the run folder cannot be read.')}</p>")
    is_operator = view.project is None
    small = [_errors(hour)]
    if is_operator:
        small += [_projects(hour), _workers(hour)]
    parts = [_cards(hour), _calls(hour), _targets(hour, is_operator=is_operator)]
    return Html(f'{"".join(parts)}<div class="beside">{"".join(small)}</div>')


def _cards(hour: Hour) -> Html:
    answered = f"{1 - hour.failed / hour.calls:.1%}" if hour.calls else "-"
    last = hour.minutes[-2]
    figures = [
        ("calls in the last hour", f"{hour.calls:,}"),
        ("in the last full minute", f"{last.ok + last.failed:,}"),
        ("answered", answered),
        ("cost in the last hour", _dollars(hour.cost)),
    ]
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value in figures
    )
    return Html(f'<div class="cards">{cards}</div>')


def _calls(hour: Hour) -> Html:
    rows = [Bar(_clock(row.minute), (row.ok, row.failed), _told(row)) for row in hour.minutes]
    return Html(
        f'<h2>Calls by minute (UTC)</h2><div class="scroll chart">{bars("Calls by minute", rows)}</div>'
        '<p class="legend"><i class="series-0"></i> answered <i class="series-1"></i> failed</p>'
    )


def _clock(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%H:%M")


def _told(row: Minute) -> str:
    return f"{_clock(row.minute)}: {row.ok} answered, {row.failed} failed"


def _targets(hour: Hour, *, is_operator: bool) -> Html:
    if not hour.targets:
        return Html(f"<h2>Targets</h2><p>{muted('No target was asked in the last hour.')}</p>")
    several = is_operator and len({row.project for row in hour.targets}) > 1
    headers = (
        "target", "health", "attempts", "ok", "p50", "p95", "cost", "failures", "tokens", "project",
    )  # fmt: skip
    rows = [
        (*_cells(row, hour.now), row.project if several else None)
        for row in hour.targets[:_MOST_ROWS]
    ]
    return Html(f"<h2>Targets</h2>{_scrolled(headers, rows)}{_more(len(hour.targets))}")


def _cells(row: TargetHour, now: float) -> tuple[object, ...]:
    failures = ", ".join(
        f"{name}\N{NO-BREAK SPACE}{count:,}" for name, count in row.failures.most_common()
    )
    return (
        row.target,
        _health(row, now),
        f"{row.attempts:,}",
        f"{row.ok / row.attempts:.1%}" if row.attempts else None,
        milliseconds(row.percentile(0.5)),
        milliseconds(row.percentile(0.95)),
        _dollars(row.cost) if row.cost else None,
        failures or None,
        f"{row.prompt_tokens:,} + {row.completion_tokens:,}",
    )


_CENT = 0.01


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= _CENT or not usd else money(usd)


_FAILING = 0.5
"""Share of failures from which on a target is not well."""


def _health(row: TargetHour, now: float) -> Html:
    if row.ends is not None:
        return bad(f"cooldown, {max(row.ends - now, 1):.0f} s left")
    failed = row.failures.total()
    if failed and failed >= row.attempts * _FAILING:
        return bad("failing")
    return good("healthy") if row.ok else muted("unknown")


def _errors(hour: Hour) -> Html:
    failed = {
        name: count for name, count in hour.outcomes.items() if name not in NO_FAILURES and count
    }
    if not failed:
        return Html("")
    ordered = sorted(failed.items(), key=lambda row: (-row[1], row[0]))
    rows = [(name, f"{count:,}", f"{count / hour.calls:.1%}") for name, count in ordered]
    return Html(
        f"<section><h2>Calls that failed</h2>{_scrolled(('error', 'calls', 'share'), rows)}</section>"
    )


def _projects(hour: Hour) -> Html:
    if len(hour.projects) < 2:  # noqa: PLR2004 - one alone is the whole page
        return Html("")
    rows = [
        (name or "-", f"{calls:,}", f"{1 - failed / calls:.1%}" if calls else None, _dollars(cost))
        for name, calls, failed, cost in hour.projects[:_MOST_ROWS]
    ]
    shown = _scrolled(("project", "calls", "answered", "cost"), rows)
    return Html(f"<section><h2>Projects</h2>{shown}{_more(len(hour.projects))}</section>")


def _workers(hour: Hour) -> Html:
    rows = [_worker(row, hour.now) for row in hour.workers]
    shown = _scrolled(("worker", "up for", "requests", "streams"), rows)
    return Html(f"<section><h2>Workers of this gateway</h2>{shown}</section>")


def _worker(row: Worker, now: float) -> tuple[object, ...]:
    return (row.worker, _duration(now - row.began), row.requests, row.streams)


_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(seconds, 0):.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h" if seconds < _DAY else f"{seconds / _DAY:.1f} days"


def _scrolled(headers: Sequence[object], rows: Sequence[Sequence[object]]) -> Html:
    return Html(f'<div class="scroll">{table(*filled(headers, rows))}</div>')


def _more(count: int) -> Html:
    left = count - _MOST_ROWS
    return Html(f"<p>{muted(f'and {left:,} more')}</p>" if left > 0 else "")


def _playground(models: Sequence[str] | None) -> Html:
    if models is None:
        return Html("")
    options = "".join(f'<option value="{escape(name)}">' for name in models[:_MOST_MODELS])
    listed = "".join(f"<li><code>{escape(name)}</code></li>" for name in models[:_MOST_MODELS])
    left = len(models) - _MOST_MODELS
    more = Html(f"<p>{muted(f'and {left:,} more')}</p>" if left > 0 else "")
    first = escape(models[0] if models else "")
    second = escape(models[1] if len(models) > 1 else "")
    return Html(
        f"<h2>Models</h2><details><summary>{len(models):,} listed</summary>"
        f'<ul class="models">{listed}</ul>{more}</details>'
        + _FORM.format(options=options, left=first, right=second)
    )


@cache
def _style() -> str:
    return f"{PAGE_STYLE}{_file('page.css')}"


@cache
def _script() -> str:
    return _file("page.js")


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


_FORM = """
<h2>Playground</h2>
<form id="playground">
<datalist id="models">{options}</datalist>
<label>one model <input name="left" list="models" value="{left}" maxlength="200" required></label>
<label>and another <input name="right" list="models" value="{right}" maxlength="200"></label>
<label class="whole">prompt <textarea name="prompt" required>Say in one sentence what you are.</textarea></label>
<div class="whole"><button class="main" id="ask">Ask both</button>
<button type="button" id="stop" disabled>Stop</button></div>
</form>
<div class="answers">
<div class="answer" id="answer-left"><b></b><div class="text" dir="auto"></div><div class="note"></div></div>
<div class="answer" id="answer-right"><b></b><div class="text" dir="auto"></div><div class="note"></div></div>
</div>
<p class="genai-muted">These are calls like any other: they cost, they count, and they are recorded.</p>
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>genai gateway</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header><h1>genai gateway</h1><span>{name}</span><span id="state">as of now</span></header>
<noscript><p>Without JavaScript this page shows the moment at which it was loaded.</p></noscript>
<main><div id="live">{live}</div>{playground}</main>
<script>{script}</script>
</body>
</html>
"""
