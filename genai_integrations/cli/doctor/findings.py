"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        status: `ok`; `warn`, it works but should be changed; `fail`, it does not work.
        message: What was found, in one line without anything secret.
        next: What to do now; empty for `ok`.
    """

    status: Status
    message: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A finding and the check that made it."""

    check: str
    finding: Finding

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        finding = self.finding
        return {
            "check": self.check,
            "status": finding.status,
            "message": finding.message,
            "next": finding.next or None,
        }


def ok(message: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", message)


def warn(message: str, then: str) -> Finding:
    """It works, but should be changed."""
    return Finding("warn", message, then)


def fail(message: str, then: str) -> Finding:
    """It does not work."""
    return Finding("fail", message, then)
