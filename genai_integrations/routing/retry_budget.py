"""How many retries a client may send: a share of its calls, and a minimum.

In an outage every call fails and would be sent again, so that a provider which is down for being overloaded gets
three times its load (`num_retries=2`) just then. Back-off spreads that load over time and does not make it less;
a budget does. The idea and the numbers are those of tower's `retry::budget::TpsBudget`, which has them from Finagle.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.2
"""Retries for each call made."""

PER_SECOND = 10
"""Retries a second that are always allowed: what a script of a few threads needs never meets the budget."""

LASTS = 10.0
"""Seconds for which a call counts, and a retry too."""

SPENT = f"not tried again: this client's retries have reached {SHARE:.0%} of its calls and {PER_SECOND} a second"
"""What an error is told that would have been followed by a retry."""

_SLOT = 1.0


@dataclass(slots=True)
class _Slot:
    """What was sent in about one second."""

    ends_at: float
    calls: int = 0
    retries: int = 0


class RetryBudget:
    """Lets retries through as long as they are few beside the calls. Shared by every call of a client.

    Updates take no lock, because every call makes one: threads that meet may lose a count, so the bound holds to within
    as many requests as there are threads.
    """

    def __init__(self) -> None:
        # Never changed in place, so that a reader needs no lock.
        self._slots: tuple[_Slot, ...] = ()

    def deposit(self, now: float) -> None:
        """A call makes its first attempt.

        Args:
            now: Monotonic seconds.
        """
        self._current(now).calls += 1

    def withdraw(self, now: float) -> bool:
        """Whether one more retry may be sent; counts it if so.

        Args:
            now: Monotonic seconds.
        """
        current = self._current(now)
        lately = [slot for slot in self._slots if slot.ends_at > now - LASTS]
        calls = sum(slot.calls for slot in lately)
        retries = sum(slot.retries for slot in lately)
        if retries + 1 > PER_SECOND * LASTS + SHARE * calls:
            return False
        current.retries += 1
        return True

    def _current(self, now: float) -> _Slot:
        if self._slots and now < self._slots[-1].ends_at:
            return self._slots[-1]
        slot = _Slot(now + _SLOT)
        self._slots = (*(old for old in self._slots if old.ends_at > now - LASTS), slot)
        return slot
