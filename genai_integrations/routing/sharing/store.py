"""What the mirrors need of a store: a Redis server, or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

FORGOTTEN = 60.0
"""Seconds that the end of a cooldown is told to those who have not heard of it."""

SEEN = 3600
"""Seconds that a store knows which messages it has taken in."""


class StoreAway(Exception):  # noqa: N818  a state of affairs, which calls never notice
    """The store does not answer now."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a mirror has to tell.

    Attributes:
        token: Of this very message: a store that has seen it does not add the amounts again.
        amounts: To add, by field.
        firsts: To write where nobody has written, by number.
        seconds: How long the store keeps the mirror's record after this; 0 for ever.
    """

    token: str
    amounts: Mapping[str, float]
    firsts: Mapping[int, str]
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What the store has afterwards.

    Attributes:
        is_new: Whether there was nothing before: it is a new record, or the store has lost it.
        amounts: The sums.
        firsts: Who came first.
    """

    is_new: bool
    amounts: Mapping[str, float]
    firsts: Mapping[int, str]


class Store(Protocol):
    """Keeps what several processes know. Safe for threads and after fork; each method raises `StoreAway`.

    Attributes:
        where: Which one, without a password.
    """

    where: str

    def exchange(self, key: str, sent: Sent) -> Found:
        """Add what a mirror has to tell, and give what all have told, at one moment."""
        ...

    def cooldowns(
        self, key: str, changes: Mapping[str, float]
    ) -> Mapping[str, tuple[float, float]]:
        """Note which cooldowns began or ended, and give those of all.

        Args:
            key: Of the record.
            changes: By hash of the target the seconds that are left; 0 where it is back.

        Returns:
            By hash the seconds that are left, 0 where it is back, and when that was said, on the store's clock.
        """
        ...
