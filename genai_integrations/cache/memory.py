"""Answers by the exact question, in the memory of this process."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from genai_integrations.cache.kept import TTL, Kept, Lifetimes
from genai_integrations.cache.questions import QuestionKeys
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.bounded_map import BoundedMap


class _Answer(NamedTuple):
    at: float
    fresh_until: float
    until: float
    data: bytes


class MemoryAnswers:
    """Keeps the answers that were used lately, each for a time. Safe for threads and after fork.

    Answers are kept as JSON, so what a caller does to one changes no other. Their keys are hashes whose own key
    is random, and nothing is written anywhere: another client, tenant or process finds nothing. They are not sealed,
    since the key would lie beside them.

    Args:
        ttl: Seconds for which an answer is kept if nothing else is said; up to a tenth less, by its key.
        stale: Seconds after that in which it is given while a newer one is fetched.
        max_size_in_memory: Most answers to keep; LiteLLM's name for it.
        max_bytes: Most bytes of all answers together, as JSON. A larger answer is not kept.
        clock: Seconds that only grow.
    """

    blocks = False
    """It does no I/O, so an event loop may call it."""

    def __init__(
        self,
        *,
        ttl: float = TTL,
        stale: float = 0.0,
        max_size_in_memory: int = 1000,
        max_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lifetimes = Lifetimes(ttl, stale)
        self._clock = clock
        self.key = QuestionKeys(secrets.token_bytes(32)).key
        self._answers: BoundedMap[bytes, _Answer] = BoundedMap(
            max_size_in_memory, most_weight=max_bytes, weigh=lambda answer: len(answer.data)
        )

    def __len__(self) -> int:
        return len(self._answers)

    def __repr__(self) -> str:
        return f"MemoryAnswers({len(self)} answers, {self._answers.weight} bytes)"

    def get(self, key: bytes) -> Kept | None:
        """The answer, which is the caller's own; None if there is none any more."""
        found = self._answers.get(key)
        if found is None:
            return None
        now = self._clock()
        if found.until <= now:
            self._answers.remove(key)
            return None
        return Kept(jsonbytes.loads_known(found.data), now - found.at, found.fresh_until <= now)

    def put(self, key: bytes, entry: Wire, ttl: float | None = None) -> None:
        """Keep an answer, if it can be written as JSON and is not too large.

        Args:
            key: See `key`.
            entry: Is not changed.
            ttl: Seconds; None is the store's own.
        """
        try:
            data = jsonbytes.dumps(entry)
        except ConfigurationError:
            return
        now = self._clock()
        fresh_until = now + self._lifetimes.of(key, ttl)
        until = fresh_until + self._lifetimes.stale
        self._answers.put(key, _Answer(now, fresh_until, until, data))

    def clear(self) -> None:
        """Forget every answer."""
        self._answers.clear()
