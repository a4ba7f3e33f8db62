"""A map that cannot fill the memory, whatever names and keys are made up."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from genai_integrations.runtime.fork import after_fork_in_child

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def _weightless(_value: object) -> int:
    return 0


class BoundedMap(Generic[K, V]):
    """Keeps the entries that were used last. Safe for threads and after fork.

    Args:
        most: Most entries.
        most_weight: Most weight of all values together.
        weigh: The weight of a value, such as its bytes. A value heavier than `most_weight` is not kept.

    Attributes:
        peek: As `get`, without a lock, and without counting as a use: for what every call reads.
    """

    def __init__(
        self, most: int, *, most_weight: int = 0, weigh: Callable[[V], int] = _weightless
    ) -> None:
        self._most = most
        self._most_weight = most_weight
        self._weigh = weigh
        self._entries: OrderedDict[K, V] = OrderedDict()
        self.peek: Callable[[K], V | None] = self._entries.get
        self._weight = 0
        self._lock = threading.Lock()
        after_fork_in_child(self._after_fork)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def weight(self) -> int:
        """The weight of all values together."""
        return self._weight

    def get(self, key: K) -> V | None:
        """The value, which counts as used now; None if there is none."""
        with self._lock:
            value = self._entries.get(key)
            if value is not None:
                self._entries.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        """Keep a value in place of the one that was there."""
        with self._lock:
            self._remove(key)
            self._insert(key, value)

    def get_or_put(self, key: K, value: V) -> V:
        """The value that is there, else this one, which is kept. All threads get the same."""
        with self._lock:
            known = self._entries.get(key)
            if known is None:
                self._insert(key, value)
                return value
            self._entries.move_to_end(key)
            return known

    def remove(self, key: K) -> None:
        """Forget an entry, if it is there."""
        with self._lock:
            self._remove(key)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._forget_all()

    def values(self) -> list[V]:
        """All values as they are now, the one used last at the end."""
        with self._lock:
            return list(self._entries.values())

    def _insert(self, key: K, value: V) -> None:
        weight = self._weigh(value)
        if weight > self._most_weight:
            return
        self._entries[key] = value
        self._weight += weight
        while len(self._entries) > self._most or self._weight > self._most_weight:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: K) -> None:
        value = self._entries.pop(key, None)
        if value is not None:
            self._weight -= self._weigh(value)

    def _forget_all(self) -> None:
        self._entries, self._weight = OrderedDict(), 0
        self.peek = self._entries.get

    def _after_fork(self) -> None:
        # Whoever held the lock stopped in the middle of a change, and never ends it here.
        if self._lock.locked():
            self._forget_all()
        self._lock = threading.Lock()
