"""A kept answer, as a store gives it, and for how long it is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from genai_integrations.calls.wire import Wire


class Kept(NamedTuple):
    """A kept answer.

    Attributes:
        entry: What was kept, as JSON's values; the caller's own.
        age: Seconds since then.
        is_stale: Whether its time is over, and it is given only while a newer one is fetched.
        is_similar: Whether it was given to the same question in other words.
    """

    entry: Wire
    age: float
    is_stale: bool = False
    is_similar: bool = False


TTL = 600.0
"""Seconds for which an answer is kept, where nobody says otherwise."""

JITTER = 0.1
"""Share of its time by which an answer's life is shortened at most, so that those kept together do not end together."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """For how long answers are kept.

    Attributes:
        ttl: Seconds, where a call says nothing else.
        stale: Seconds after that in which an answer is still given while a newer one is fetched.
    """

    ttl: float = TTL
    stale: float = 0.0

    def of(self, key: bytes, ttl: float | None) -> float:
        """Seconds for which one answer is fresh. Its key is what shortens it, so it is the same each time."""
        return (self.ttl if ttl is None else ttl) * (1 - JITTER * key[0] / 255)
