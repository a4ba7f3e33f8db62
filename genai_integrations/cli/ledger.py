"""`genai stats` and `genai report`: what a ledger says."""

from __future__ import annotations

import dataclasses
import re
import time
from pathlib import Path
from typing import Any

from genai_integrations.cli import render
from genai_integrations.display import NONE, filled, money, text_table
from genai_integrations.errors import ConfigurationError
from genai_integrations.ledger.book import opened_for_reading
from genai_integrations.ledger.report import HEADERS, Period, as_rows, report, slowest
from genai_integrations.ledger.slowness import parts_of, why_slow
from genai_integrations.ledger.stats import stats_of

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def show_stats(path: Path, by: str, since: str | None, slow: int, *, as_json: bool) -> None:
    """Print a table, or the slowest calls."""
    period = period_of(since)
    with opened_for_reading(path) as connection:
        if slow:
            _show_slowest(slowest(connection, slow, period), as_json=as_json)
            return
        found = stats_of(connection, by, since=period.since)
    if as_json:
        rows = [{**dataclasses.asdict(row), "success_rate": row.success_rate} for row in found]
        render.print_json(rows)
    elif found.total is None:
        render.stderr().print("No call has been written down in this time.")
    else:
        for line in render.fitting(*filled((by, *HEADERS[1:]), as_rows(found))):
            print(line)  # noqa: T201  a table wider than the terminal is not to be folded


def show_what_if(path: Path, config: str, since: str | None, *, as_json: bool) -> None:
    """Print the calls as they were, and as they would have been under a configuration."""
    from genai_integrations.client import GenAIClient
    from genai_integrations.ledger.what_if import Way, what_if

    client = GenAIClient.from_config(config)

    def ways_of(name: str) -> list[Way]:
        targets = client.resolve(name).targets
        if not targets:
            raise ConfigurationError(f"nobody serves {name!r} there")
        rows = [(row.deployment, row) for row in targets]
        return [
            Way(
                row.name,
                row.connection.provider.name,
                row.model,
                deployment.weight,
                deployment.order,
            )
            for deployment, row in rows
        ]

    with opened_for_reading(path) as connection:
        found = what_if(connection, ways_of, period_of(since).since)
    if as_json:
        render.print_json([dataclasses.asdict(row) for row in found])
        return
    rows = [
        (
            row.asked, row.calls, money(row.cost), money(row.cost_then), f"{row.answered:.1%}",
            f"{row.answered_then:.1%}", f"{row.ms:.0f} ms", NONE if row.missing else f"{row.ms_then:.0f} ms",
            row.missing or ", ".join(row.unmeasured),
        )
        for row in found
    ]  # fmt: skip
    headers = ("model", "calls", "cost", "then", "answered", "then", "mean", "then", "not measured")
    for line in text_table(headers, rows).splitlines():
        print(render.printable(line))  # noqa: T201  as above


def write_report(path: Path, output: Path, since: str | None) -> None:
    """Write the page."""
    with opened_for_reading(path) as connection:
        page = report(connection, period_of(since))
    try:
        output.write_text(page, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror}") from None
    render.stderr().print(render.plain(f"{output} is written"))


def period_of(since: str | None) -> Period:
    """The time since `90m`, `24h` or `7d` ago.

    Raises:
        ConfigurationError: It is none.
    """
    if since is None:
        return Period()
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", since.strip())
    if found is None:
        raise ConfigurationError("--since takes minutes, hours or days: 90m, 24h, 7d")
    return Period(time.time() - float(found[1]) * _UNITS[found[2]])


def _show_slowest(
    found: list[tuple[dict[str, Any], list[dict[str, Any]]]], *, as_json: bool
) -> None:
    if as_json:
        render.print_json(
            [
                {
                    "call": call,
                    "why": why_slow(call, attempts),
                    "parts": [dataclasses.asdict(part) for part in parts_of(call, attempts)],
                }
                for call, attempts in found
            ]
        )
        return
    for call, attempts in found:
        print(render.printable(f"{call['asked']}: {why_slow(call, attempts)}"))  # noqa: T201  as above
        rows = [(f"{part.ms:.0f} ms", part.name, part.told) for part in parts_of(call, attempts)]
        for line in text_table(("", "", ""), rows).splitlines()[1:]:
            print(render.printable(f"  {line}"))  # noqa: T201
