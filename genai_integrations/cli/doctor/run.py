"""The checks in order, and how their findings are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from genai_integrations.cli import render
from genai_integrations.cli.doctor import connections, langfuse, machine
from genai_integrations.cli.doctor.findings import Finding, Named
from genai_integrations.cli.doctor.setup import Setup

S = TypeVar("S", bound=Setup)


@dataclass(frozen=True, slots=True)
class Check(Generic[S]):
    """One thing to look at."""

    name: str
    look: Callable[[S], Iterator[Finding]]


CHECKS: tuple[Check[Setup], ...] = (
    Check("python", machine.python),
    Check("packages", machine.packages),
    Check("proxies", machine.proxies),
    Check("langfuse keys", langfuse.keys),
    Check("langfuse host", langfuse.host),
    Check("langfuse", langfuse.server),
    Check("langfuse login", langfuse.login),
    Check("clock", machine.clock),
    Check("database", langfuse.database),
    Check("encryption key", langfuse.encryption),
    Check("connections", connections.connections),
    Check("extras", connections.extras),
    Check("hosts", connections.hosts),
    Check("outages", connections.outages),
    Check("calls", connections.calls),
)
"""Later checks leave out what earlier ones found missing."""


def diagnose(checks: Sequence[Check[S]], setup: S) -> Iterator[Named]:
    """What every check finds, as it is found."""
    for check in checks:
        for finding in check.look(setup):
            yield Named(check.name, finding)


def run(checks: Sequence[Check[S]], setup: S, *, as_json: bool) -> bool:
    """Show every finding.

    Args:
        checks: What to look at, in order.
        setup: Where.
        as_json: Print JSON instead of lines.

    Returns:
        Whether nothing fails.
    """
    found: list[Named] = []
    console = render.stdout()
    widest = max(len(check.name) for check in checks)
    with render.stderr().status("Looking") as looking:
        for row in diagnose(checks, setup):
            found.append(row)
            if not as_json:
                # It is drawn on stderr, where it does not know of what stdout does to the same line.
                looking.stop()
                console.print(render.finding(row, widest, console.width), soft_wrap=True)
                looking.start()
    if as_json:
        render.print_json([row.as_dict() for row in found])
    else:
        render.stderr().print(_summary(found), style="dim")
    return all(row.finding.status != "fail" for row in found)


def _summary(found: list[Named]) -> str:
    counts = dict.fromkeys(("ok", "warn", "fail"), 0)
    for row in found:
        counts[row.finding.status] += 1
    return ", ".join(f"{number} {status}" for status, number in counts.items())
