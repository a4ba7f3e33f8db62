"""A mirror: what this process knows of a record that several share, which it may read and write at any time."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping

from genai_integrations.routing.sharing.store import Found, Sent, Store
from genai_integrations.runtime.fork import after_fork_in_child


class Mirror:
    """Amounts that add up, and texts by number of which the first one counts. Safe for threads and after fork.

    Args:
        key: Of the record in the store.
        seconds: How long the store keeps it after the last exchange; 0 for ever.

    Attributes:
        key: See above.
    """

    def __init__(self, key: str, seconds: int = 0) -> None:
        self.key = key
        self._seconds = seconds
        self._known: Mapping[str, float] = {}
        self._firsts: dict[int, str] = {}
        self._texts: tuple[str, ...] = ()
        self._unsent: dict[str, float] = {}
        self._sent: Sent | None = None
        # Re-entrant, because the collector may end an abandoned stream's call inside it.
        self._lock = threading.RLock()
        after_fork_in_child(self._after_fork)

    def add(self, amounts: Mapping[str, float]) -> None:
        """Add to sums."""
        with self._lock:
            for field, amount in amounts.items():
                self._unsent[field] = self._unsent.get(field, 0.0) + amount

    def total(self, field: str) -> float:
        """One of the sums."""
        with self._lock:
            on_its_way = self._sent.amounts.get(field, 0.0) if self._sent else 0.0
            return self._known.get(field, 0.0) + on_its_way + self._unsent.get(field, 0.0)

    def totals(self) -> dict[str, float]:
        """The sums of all processes, as far as they are known here."""
        with self._lock:
            return self._totals()

    def first(self, number: int, text: str) -> None:
        """Write a text, unless there is one."""
        with self._lock:
            self._write({number: self._firsts.get(number, text)})

    def firsts(self) -> tuple[str, ...]:
        """The texts, in order; the same object while there is no other."""
        return self._texts

    def exchange(self, store: Store) -> None:
        """Tell the store what is new here, and take over what it has.

        Raises:
            StoreAway: It does not answer; all is kept, to be told later.
        """
        with self._lock:
            if self._sent is None:
                amounts, self._unsent = self._unsent, {}
                self._sent = Sent(uuid.uuid4().hex, amounts, dict(self._firsts), self._seconds)
            sent = self._sent
        found = store.exchange(self.key, sent)
        with self._lock:
            if self._sent is sent:
                self._take_over(found)

    def _take_over(self, found: Found) -> None:
        if found.is_new:
            # The store has lost what it knew, and this process is the one that noticed: it owes it again.
            for field, amount in self._known.items():
                self._unsent[field] = self._unsent.get(field, 0.0) + amount
        self._known, self._sent = found.amounts, None
        self._write(found.firsts)

    def _write(self, firsts: Mapping[int, str]) -> None:
        if not firsts.items() <= self._firsts.items():
            self._firsts.update(firsts)
            self._texts = tuple(text for _, text in sorted(self._firsts.items()))

    def _totals(self) -> dict[str, float]:
        totals = dict(self._known)
        for more in (self._sent.amounts if self._sent else {}, self._unsent):
            for field, amount in more.items():
                totals[field] = totals.get(field, 0.0) + amount
        return totals

    def _after_fork(self) -> None:
        """In a forked child: what was not told yet, the parent tells."""
        self._lock = threading.RLock()
        self._known, self._unsent, self._sent = self._totals(), {}, None
