"""Which targets have failed lately."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 60.0
"""Seconds within which failures are counted against `allowed_fails`."""

LONGEST_COOLDOWN = 300.0
"""Seconds after which a target is tried again whatever its `Retry-After` said."""


@dataclass(slots=True)
class _Record:
    fails: int
    window_ends: float
    free_at: float


class Health:
    """Remembers failures of targets, by name. Shared by every call of a client.

    Updates take no lock: two failures at the same moment may count as one, and nothing worse.

    Args:
        allowed_fails: Failures within a minute before a target cools down.
        cooldown_time: Seconds it is then left alone.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        allowed_fails: int = 0,
        cooldown_time: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed_fails
        self._cooldown = cooldown_time
        self._clock = clock
        self._records: dict[str, _Record] = {}

    def free_at(self, target: str) -> float:
        """The moment from which a target may be used again; 0 if it is not cooling."""
        record = self._records.get(target)
        if record is None or record.free_at <= self._clock():
            return 0.0
        return record.free_at

    def failed(self, target: str, retry_after: float | None = None) -> None:
        """Count a failure. A target that says when to come back is left alone until then, at once."""
        now = self._clock()
        record = self._records.get(target)
        if record is None or record.window_ends <= now:
            record = _Record(0, now + WINDOW, 0.0)
            self._records[target] = record
        record.fails += 1
        if record.fails > self._allowed or retry_after:
            rest = max(self._cooldown, retry_after or 0.0)
            record.free_at = max(record.free_at, now + min(rest, LONGEST_COOLDOWN))

    def succeeded(self, target: str) -> None:
        """Forget the failures of a target."""
        if target in self._records:
            self._records.pop(target, None)
