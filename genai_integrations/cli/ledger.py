"""`genai stats` and `genai report`: what a ledger says."""

from __future__ import annotations

import dataclasses
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_integrations.cli import render
from genai_integrations.cli.apart import require_apart
from genai_integrations.display import NONE, filled, money, text_table
from genai_integrations.errors import ConfigurationError
from genai_integrations.ledger.book import opened_for_reading
from genai_integrations.ledger.report import HEADERS, Period, as_rows, report, slowest
from genai_integrations.ledger.slowness import parts_of, why_slow
from genai_integrations.ledger.stats import stats_of

if TYPE_CHECKING:
    from genai_integrations.ledger.what_if import Way
    from genai_integrations.routing.deployments import Plan

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
        render.print_json(
            [{**dataclasses.asdict(row), "success_rate": row.success_rate} for row in found]
        )
    elif found.total is None:
        render.stderr().print("No call was recorded in this period.")
    else:
        for line in render.fitting(*filled((by, *HEADERS[1:]), as_rows(found))):
            print(line)  # noqa: T201  a table wider than the terminal is not to be folded


def show_what_if(path: Path, config: str, since: str | None, *, as_json: bool) -> None:
    """Print the calls as they were, and as they would have been under a configuration."""
    from genai_integrations.client import GenAIClient
    from genai_integrations.ledger.what_if import what_if

    router = GenAIClient.from_config(config)._router  # noqa: SLF001  its plans are no part of the interface
    plans, strategy = router.plans(), router.args.routing_strategy
    with opened_for_reading(path) as connection:
        found = what_if(
            connection,
            lambda name: _ways(plans.plan(name), strategy),
            period_of(since).since,
        )
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


def _ways(plan: Plan, strategy: object) -> list[Way]:
    """The targets of a plan. The rows of a group share the calls unless they are `ordered`; others are asked in turn."""
    from genai_integrations.ledger.what_if import Way

    placed = []
    for number, group in enumerate((plan.targets, *plan.fallbacks)):
        for place, row in enumerate(group):
            shares = bool(row.group) if strategy is None else strategy != "ordered"
            placed.append(((number, row.deployment.order, 0 if shares else place), row))
    levels = {key: level for level, key in enumerate(sorted({key for key, _ in placed}))}
    return [
        Way(
            row.name,
            row.connection.provider.name,
            row.model,
            row.deployment.weight,
            levels[key],
            row.deployment.prices,
        )
        for key, row in placed
    ]


def write_report(path: Path, output: Path, since: str | None) -> None:
    """Write the page."""
    require_apart("page", output, ledger=path)
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
