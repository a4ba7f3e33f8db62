"""What budgets have left: reserved at the worst before, put right after; who asked is told when shares are used up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from genai_integrations.limits.claims import NEVER, Claim, Refusal
from genai_integrations.limits.rules import Budget, nanos
from genai_integrations.runtime.dollars import dollars

_log = logging.getLogger("genai_integrations")

_DAY = 86_400

RUN = "run"
"""The one period of a budget for the client's life."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A share of a budget is used up.

    Attributes:
        name: The budget's.
        spent: US dollars so far in the period.
        usd: The whole budget.
        share: The share that was crossed, as in `alerts`.
        period: The day or month, such as `2026-11-27` or `2026-11`; `run` for the client's life.
    """

    name: str
    spent: float
    usd: float
    share: float
    period: str

    def __str__(self) -> str:
        return f"the budget {self.name!r} has used {self.share:.0%} of {dollars(self.usd)} ({self.period}): {dollars(self.spent)}"  # fmt: skip


OnAlert = Callable[[Alert], object]


def period_of(budget: Budget, at: float) -> str:
    """The period that a moment (seconds since 1970) lies in, in UTC."""
    return RUN if budget.per == "run" else _named(budget.per, int(at // _DAY))


@lru_cache(16)
def _named(per: str, day: int) -> str:
    """Asked several times for each attempt, and the same for a day."""
    form = "%Y-%m-%d" if per == "day" else "%Y-%m"
    return datetime.fromtimestamp(day * _DAY, UTC).strftime(form)


def ends_at(budget: Budget, at: float) -> str:
    """When the period ends, for people."""
    if budget.per == "run":
        return "for as long as this client lives"
    today = datetime.fromtimestamp(at, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if budget.per == "day":
        ends = today + timedelta(days=1)
    else:
        ends = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return f"until {ends:%Y-%m-%d %H:%M} UTC"


def too_much(name: str, budget: Budget, spent: int, claim: Claim, at: float) -> Refusal | None:
    """Why a claim does not fit into a budget, None if it does."""
    if spent + claim.nanos <= budget.nanos and spent < max(budget.nanos, 1):
        return None
    text = (
        f"the budget {name!r} of {dollars(budget.usd)} a {budget.per} has {dollars(max(budget.nanos - spent, 0) / 1e9)} left "
        f"{ends_at(budget, at)}, and the call may cost up to {dollars(claim.nanos / 1e9)}"
    )
    return Refusal(name, "usd", text, NEVER)


def crossed(name: str, budget: Budget, spent: int, period: str) -> list[Alert]:
    """The shares of a budget that are used up."""
    return [
        Alert(name, spent / 1e9, budget.usd, share, period)
        for share in budget.alerts
        if spent >= nanos(budget.usd * share) > 0
    ]


def tell(on_alert: OnAlert | None, alerts: Iterable[Alert]) -> None:
    """Write alerts into the log, and tell who asked. It is called without a lock."""
    for alert in alerts:
        _log.warning("%s", alert)
        if on_alert is not None:
            try:
                on_alert(alert)
            except Exception:  # noqa: BLE001  it is anybody's
                _log.exception("on_alert failed, and the call goes on")


class Spending:
    """What was spent of each budget in its present period. Whoever has it holds the gate's lock.

    Args:
        wall: Seconds since 1970.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._spent: dict[tuple[str, str], int] = {}
        self._reserved: dict[tuple[str, str], int] = {}
        self._told: set[tuple[str, str, float]] = set()

    def refusal(self, claim: Claim) -> Refusal | None:
        """Why a claim does not fit into one of its budgets, None if it fits into all."""
        now = self._wall()
        for name, budget in claim.budgets.items():
            refusal = too_much(name, budget, self.spent(name, period_of(budget, now)), claim, now)
            if refusal is not None:
                return refusal
        return None

    def add(self, claim: Claim) -> None:
        """Reserve what a claim may cost."""
        now = self._wall()
        for name, budget in claim.budgets.items():
            period = period_of(budget, now)
            if (name, period) not in self._spent:
                self._forget(name, period)
            self._spent[name, period] = self.spent(name, period) + claim.nanos
            self._reserved[name, period] = self._reserved.get((name, period), 0) + claim.nanos
            claim.periods[name] = period

    def correct(self, claim: Claim, cost: int) -> None:
        """Put right what a claim did cost, in billionths of a dollar, in the period that it was taken from."""
        for name, period in claim.periods.items():
            if (name, period) in self._spent:
                self._spent[name, period] += cost - claim.nanos
                self._reserved[name, period] -= claim.nanos

    def spent(self, name: str, period: str) -> int:
        """Billionths of a dollar, reserved ones among them."""
        return self._spent.get((name, period), 0)

    def alerts(self, claim: Claim, names: Iterable[str]) -> list[Alert]:
        """The shares that were crossed since the last look, each once; what is only reserved crosses none."""
        found = []
        for name in names:
            key = name, claim.periods[name]
            spent = self.spent(*key) - self._reserved.get(key, 0)
            for alert in crossed(name, claim.budgets[name], spent, claim.periods[name]):
                if (*key, alert.share) not in self._told:
                    self._told.add((*key, alert.share))
                    found.append(alert)
        return found

    def _forget(self, name: str, period: str) -> None:
        """Let go of periods that are over, but for the last one: calls that began in it may be under way."""
        known = sorted(one for kind, one in self._spent if kind == name and one != period)
        for old in known[:-1]:
            del self._spent[name, old]
            self._reserved.pop((name, old), None)
            self._told -= {row for row in self._told if row[:2] == (name, old)}
