"""Answers by the exact question, in the memory of this process."""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import orjson

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.bounded_map import BoundedMap


class _Answer(NamedTuple):
    until: float
    data: bytes


class ExactCache:
    """Keeps the answers that were used lately, each for a time. Safe for threads and after fork.

    Answers are kept as JSON, so what a caller does to one changes no other. Their keys are hashes whose own key
    is random, and nothing is written anywhere: another client, tenant or process finds nothing.

    Args:
        ttl: Seconds for which an answer is kept if nothing else is said.
        max_size_in_memory: Most answers to keep; LiteLLM's name for it.
        max_bytes: Most bytes of all answers together, as JSON. A larger answer is not kept.
        clock: Seconds that only grow.
    """

    blocks = False
    """It does no I/O, so an event loop may call it."""

    def __init__(
        self,
        *,
        ttl: float = 600.0,
        max_size_in_memory: int = 1000,
        max_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl = ttl
        self._clock = clock
        self._hash_key = secrets.token_bytes(32)
        self._answers: BoundedMap[bytes, _Answer] = BoundedMap(
            max_size_in_memory, most_weight=max_bytes, weigh=lambda answer: len(answer.data)
        )

    def __len__(self) -> int:
        return len(self._answers)

    def __repr__(self) -> str:
        return f"ExactCache({len(self)} answers, {self._answers.weight} bytes)"

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
        found = self._answers.get(key)
        if found is None:
            return None
        if found.until <= self._clock():
            self._answers.remove(key)
            return None
        answer: Wire = jsonbytes.loads(found.data)
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
        until = self._clock() + (self._ttl if ttl is None else ttl)
        self._answers.put(key, _Answer(until, data))


_PLAIN = frozenset((str, int, bool, type(None)))


def _canonical(value: object) -> object:
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
