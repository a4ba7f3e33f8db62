"""Answers by the exact question, in the memory of this process."""

from __future__ import annotations

import hashlib
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.transports import jsonbytes
from genai_integrations.transports.wire import Wire


class ExactCache:
    """Keeps the answers that were used last, each for a time. Safe for threads and after fork.

    Answers are kept as JSON, so what a caller does to one changes no other. Their keys are hashes whose own key
    is random, and nothing is written anywhere: another client, tenant or process finds nothing.

    Args:
        ttl: Seconds for which an answer is kept if nothing else is said.
        max_size_in_memory: Most answers to keep; LiteLLM's name for it.
        max_bytes: Most bytes of all answers together, as JSON. A larger answer is not kept.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        *,
        ttl: float = 600.0,
        max_size_in_memory: int = 1000,
        max_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl = ttl
        self._most = max_size_in_memory
        self._most_bytes = max_bytes
        self._clock = clock
        self._hash_key = secrets.token_bytes(32)
        self._answers: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        after_fork_in_child(self.abandon)

    def __len__(self) -> int:
        return len(self._answers)

    def __repr__(self) -> str:
        return f"ExactCache({len(self)} answers, {self._bytes} bytes)"

    def key(self, question: Wire) -> bytes | None:
        """What the answer is kept under: the same for the same question, in whatever order its keys are.

        Returns:
            None for a question with something in it that JSON does not know. It has no exact form.
        """
        try:
            data = orjson.dumps(_canonical(question))
        except (TypeError, ValueError, RecursionError):
            return None
        return hashlib.blake2b(data, key=self._hash_key, digest_size=32).digest()

    def get(self, key: bytes) -> Wire | None:
        """The answer, which is the caller's own; None if there is none any more."""
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            until, data = found
            if until <= self._clock():
                self._remove(key)
                return None
            self._answers.move_to_end(key)
        answer: Wire = jsonbytes.loads(data)
        return answer

    def put(self, key: bytes, answer: Wire, ttl: float | None = None) -> None:
        """Keep an answer, if it can be written as JSON and is not too large.

        Args:
            key: See `key`.
            answer: Is not changed.
            ttl: Seconds; None is the cache's own.
        """
        try:
            data = jsonbytes.dumps(answer)
        except ConfigurationError:
            return
        with self._lock:
            self._remove(key)
            self._answers[key] = (self._clock() + (self._ttl if ttl is None else ttl), data)
            self._bytes += len(data)
            while len(self._answers) > self._most or self._bytes > self._most_bytes:
                self._remove(next(iter(self._answers)))

    def abandon(self) -> Any:
        """In a forked child: another thread of the parent may have been at work, and never goes on here."""
        lock, self._lock = self._lock, threading.Lock()
        if lock.locked():
            self._answers, self._bytes = OrderedDict(), 0
        return lock

    def _remove(self, key: bytes) -> None:
        _, data = self._answers.pop(key, (0.0, b""))
        self._bytes -= len(data)


_PLAIN = frozenset((str, int, bool, type(None)))


def _canonical(value: Any) -> Any:
    """The value with its keys in order and `1.0` as `1`.

    Raises:
        ValueError: A number is none of JSON's.
        TypeError: Keys have no order.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (dict, Mapping)):
        return {name: _canonical(value[name]) for name in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("JSON has no such number")
        return int(value) if value.is_integer() else value
    return value
