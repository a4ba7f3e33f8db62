"""A map that cannot fill the memory, whatever names and keys are made up."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from genai_integrations.runtime.fork import after_fork_in_child

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def _weightless(_value: object) -> int:
    return 0


class _Entry(Generic[V]):
    __slots__ = ("value", "was_used", "weight")

    def __init__(self, value: V, weight: int) -> None:
        self.value = value
        self.weight = weight
        self.was_used = False


class _Beginning:
    """The lock under which maps begin; a forked child has its own."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        after_fork_in_child(self._renew)

    def _renew(self) -> None:
        self.lock = threading.Lock()


_BEGINNING = _Beginning()

_NOTHING: OrderedDict[Any, Any] = OrderedDict()
"""What is in every map that has not begun; it is never changed."""


class BoundedMap(Generic[K, V]):
    """Forgets what was not used lately when it is full. Safe for threads and after fork.

    What goes is found by second chance (the CLOCK algorithm): the oldest entry, unless it was used since its last turn;
    then it counts as new, and the next one is looked at. So reading takes no lock and moves nothing: maps like this are
    read several times in every call. And a map begins with its first entry: a process has thousands of clients with many
    maps each, and most of them stay empty.

    Args:
        most: Most entries.
        most_weight: Most weight of all values together.
        weigh: The weight of a value, such as its bytes. A value heavier than `most_weight` is not kept.
    """

    __slots__ = ("__weakref__", "_entries", "_lock", "_most", "_most_weight", "_weigh", "_weight")

    def __init__(
        self, most: int, *, most_weight: int = 0, weigh: Callable[[V], int] = _weightless
    ) -> None:
        self._most = most
        self._most_weight = most_weight
        self._weigh = weigh
        self._entries: OrderedDict[K, _Entry[V]] = _NOTHING
        self._weight = 0
        self._lock: threading.Lock | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def weight(self) -> int:
        """The weight of all values together."""
        return self._weight

    def get(self, key: K) -> V | None:
        """The value, which counts as used; None if there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry.was_used = True
        return entry.value

    def put(self, key: K, value: V) -> None:
        """Keep a value in place of the one that was there."""
        with self._lock or self._begun():
            self._remove(key)
            self._insert(key, value)

    def get_or_put(self, key: K, value: V) -> V:
        """The value that is there, else this one, which is kept. All threads get the same."""
        known = self.get(key)
        if known is not None:
            return known
        with self._lock or self._begun():
            entry = self._entries.get(key)
            if entry is not None:
                return entry.value
            self._insert(key, value)
            return value

    def remove(self, key: K) -> None:
        """Forget an entry, if it is there."""
        with self._lock or self._begun():
            self._remove(key)

    def clear(self) -> None:
        """Forget all."""
        with self._lock or self._begun():
            self._forget_all()

    def values(self) -> list[V]:
        """All values as they are now."""
        with self._lock or self._begun():
            return [entry.value for entry in self._entries.values()]

    def _begun(self) -> threading.Lock:
        with _BEGINNING.lock:
            if self._lock is None:
                after_fork_in_child(self._after_fork)
                self._entries = OrderedDict()
                # Last: whoever sees it finds the rest.
                self._lock = threading.Lock()
            return self._lock

    def _insert(self, key: K, value: V) -> None:
        weight = self._weigh(value)
        if weight > self._most_weight:
            return
        # Room is made first: the new entry, which nobody has used yet, would be the one to go.
        while len(self._entries) >= self._most or self._weight + weight > self._most_weight:
            self._remove_one()
        self._entries[key] = _Entry(value, weight)
        self._weight += weight

    def _remove_one(self) -> None:
        while True:
            key, entry = self._entries.popitem(last=False)
            if not entry.was_used:
                self._weight -= entry.weight
                return
            entry.was_used = False
            self._entries[key] = entry

    def _remove(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= entry.weight

    def _forget_all(self) -> None:
        self._entries, self._weight = OrderedDict(), 0

    def _after_fork(self) -> None:
        # Whoever held the lock stopped in the middle of a change, and never ends it here.
        if self._lock is not None and self._lock.locked():
            self._forget_all()
        self._lock = threading.Lock()
