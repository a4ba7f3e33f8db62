"""A gate whose time the tests make."""

from __future__ import annotations

import pytest

from genai_integrations.limits.claims import Claim, Row
from genai_integrations.limits.gate import Gate
from genai_integrations.limits.rules import budgets_of, limits_of


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self):
        self.now = 1000.0
        # Noon of 2026-11-27 in UTC.
        self.began = 1_795_780_800.0

    def __call__(self):
        return self.now

    def wall(self):
        return self.began + self.now - 1000.0


class Lab:
    """Makes gates and claims."""

    def __init__(self):
        self.clock = Clock()
        self.alerts = []

    def gate(self, limits=None, budgets=None, **options):
        """A gate of this process alone, unless `shared` is given."""
        return Gate(
            limits_of(limits or {}), budgets_of(budgets or {}), clock=self.clock, wall=self.clock.wall,
            on_alert=self.alerts.append, **options,
        )  # fmt: skip

    def claim(self, gate, *names, tokens=10, nanos=0, lasts=False, counts=1):
        """What one attempt asks under these names."""
        names = dict.fromkeys(names or (*gate.limits, *gate.budgets))
        rows = [Row(name, gate.limits[name], counts, counts, lasts) for name in names if name in gate.limits]  # fmt: skip
        return Claim(rows, {name: gate.budgets[name] for name in names if name in gate.budgets}, tokens, nanos)  # fmt: skip


@pytest.fixture
def lab():
    """Gates on one clock."""
    return Lab()
