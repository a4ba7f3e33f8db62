"""Answers by what a question means, in the memory of this process."""

from __future__ import annotations

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from genai_integrations.cache.kept import Kept
from genai_integrations.cache.semantic.comparing import Comparer
from genai_integrations.cache.semantic.embedders import Vectorizer
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.runtime.fork import after_fork_in_child

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genai_integrations.cache.semantic.index import Shelf

    Vector = NDArray[np.float32]

_CANDIDATES = 16
"""Nearest questions that the verifier looks at."""

_LATELY = 256
"""Questions whose vector is known when their answer comes."""

_LARGEST = 256 * 1024
"""Bytes of an answer as JSON; a larger one is not kept."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How near, how many, how long.

    Attributes:
        threshold: Cosine from which on a kept question is looked at.
        max_entries: Most answers; the one that was longest of no use goes.
        ttl: Seconds for which an answer is kept, where a call says nothing else.
    """

    threshold: float
    max_entries: int = 10_000
    ttl: float = 600.0


class _Question(NamedTuple):
    reading: Any
    vector: Vector


class _Entry(NamedTuple):
    partition: bytes
    reading: Any
    data: bytes
    at: float
    until: float


class SemanticStore:
    """Keeps answers by partition and by what the question means. Safe for threads and after fork.

    Vectors, questions as they were read and answers are in this process only, and end with it.

    Args:
        vectorizer: Makes vectors of questions.
        comparer: Decides whether two questions say the same.
        limits: How near, how many, how long.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        vectorizer: Vectorizer,
        comparer: Comparer,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vectorizer = vectorizer
        self._comparer = comparer
        self._limits = limits
        self._clock = clock
        self._lately: BoundedMap[str, _Question] = BoundedMap(_LATELY)
        self._lock = threading.Lock()
        self._forget()
        after_fork_in_child(self._after_fork)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"SemanticStore({len(self)} answers)"

    def get(self, partition: bytes, text: str) -> Kept | None:
        """The answer to a question that says the same, if there is one; the caller's own.

        Args:
            partition: What all must have in common beside the question.
            text: The question.
        """
        with self._lock:
            if partition not in self._shelves:
                return None
        question = self._question(text)
        if question is None:
            return None
        for name, entry in self._candidates(partition, question):
            if self._comparer.same(question.reading, entry.reading):
                return self._given(name, entry)
        return None

    def put(self, partition: bytes, text: str, entry: Wire, ttl: float | None) -> None:
        """Keep an answer.

        Args:
            partition: See `get`.
            text: The question.
            entry: The answer, as JSON's values. It is not changed.
            ttl: Seconds; None is the store's own time.
        """
        try:
            data = jsonbytes.dumps(entry)
        except ConfigurationError:
            return
        question = self._question(text) if len(data) <= _LARGEST else None
        if question is None:
            return
        now = self._clock()
        kept = _Entry(
            partition, question.reading, data, now, now + (self._limits.ttl if ttl is None else ttl)
        )
        for name, old in self._candidates(partition, question):
            if old.reading == kept.reading:
                self._remove(name)
        with self._lock:
            self._insert(kept, question.vector)

    def clear(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._forget()

    def _question(self, text: str) -> _Question | None:
        """How a text reads, and its vector; None if it cannot be compared."""
        known = self._lately.get(text)
        if known is None:
            reading = self._comparer.read(text)
            if reading is None:
                return None
            known = _Question(reading, self._vectorizer([text])[0])
            self._lately.put(text, known)
        return known

    def _candidates(self, partition: bytes, question: _Question) -> list[tuple[int, _Entry]]:
        """The nearest kept questions whose time is not over."""
        now = self._clock()
        with self._lock:
            shelf = self._shelves.get(partition)
            if shelf is None:
                return []
            names = shelf.nearest(question.vector, _CANDIDATES, self._limits.threshold)
            found = [(name, self._entries[name]) for name in names if name in self._entries]
        for name, entry in found:
            if entry.until <= now:
                self._remove(name)
        return [(name, entry) for name, entry in found if entry.until > now]

    def _given(self, name: int, entry: _Entry) -> Kept:
        with self._lock:
            if name in self._entries:
                self._entries.move_to_end(name)
        return Kept(
            jsonbytes.loads(entry.data), max(self._clock() - entry.at, 0.0), is_similar=True
        )

    def _insert(self, entry: _Entry, vector: Vector) -> None:
        from genai_integrations.cache.semantic.index import Shelf

        while len(self._entries) >= self._limits.max_entries:
            self._take_off(next(iter(self._entries)))
        name = next(self._names)
        self._entries[name] = entry
        if entry.partition not in self._shelves:
            self._shelves[entry.partition] = Shelf(len(vector))
        self._shelves[entry.partition].add(name, vector)

    def _remove(self, name: int) -> None:
        with self._lock:
            if name in self._entries:
                self._take_off(name)

    def _take_off(self, name: int) -> None:
        entry = self._entries.pop(name)
        shelf = self._shelves[entry.partition]
        shelf.remove(name)
        if not len(shelf):
            del self._shelves[entry.partition]

    def _forget(self) -> None:
        self._names = itertools.count()
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._shelves: dict[bytes, Shelf] = {}

    def _after_fork(self) -> None:
        # Whoever held the lock stopped in the middle of a change, and never ends it here.
        if self._lock.locked():
            self._forget()
        self._lock = threading.Lock()
