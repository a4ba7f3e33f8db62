"""What targets were asked in the minute that runs, by all processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from genai_integrations.routing.sharing.hashed import Names
from genai_integrations.routing.sharing.mirror import Mirror
from genai_integrations.routing.sharing.store import Store
from genai_integrations.runtime.fork import after_fork_in_child

_MINUTE = 60.0
_KEPT = 180
"""Seconds that the store keeps a minute after the last exchange."""


class SharedUsage:
    """Counts by minutes of the clock on the wall, which is the same everywhere. Safe for threads and after fork.

    Args:
        names: Hashes the targets.
        clock: Seconds since 1970.
    """

    def __init__(self, names: Names, clock: Callable[[], float] = time.time) -> None:
        self._names = names
        self._clock = clock
        # Re-entrant, because the collector may end an abandoned stream's call inside it.
        self._lock = threading.RLock()
        # This minute, and the one before as long as something of it was not told.
        self._mirrors: dict[int, Mirror] = {}
        after_fork_in_child(self._after_fork)

    def count(self, target: str, tokens: int, errors: int) -> None:
        """An attempt at a target has ended."""
        name = self._names.hashed(target)
        self._now().add({f"{name}.r": 1.0, f"{name}.t": float(tokens), f"{name}.e": float(errors)})

    def minute(self, target: str) -> tuple[int, int, int]:
        """Requests that ended, tokens and errors of a target in the minute that runs."""
        name, mirror = self._names.hashed(target), self._now()
        requests, tokens, errors = (mirror.total(f"{name}.{part}") for part in "rte")
        return int(requests), int(tokens), int(errors)

    def exchange(self, store: Store) -> None:
        """Tell and hear of this minute, and tell what is left of the one before.

        Raises:
            StoreAway: The store does not answer.
        """
        self._now()
        with self._lock:
            mirrors = sorted(self._mirrors.items())
        for number, mirror in mirrors:
            mirror.exchange(store)
            if number != mirrors[-1][0]:
                with self._lock:
                    self._mirrors.pop(number, None)

    def _now(self) -> Mirror:
        number = int(self._clock() // _MINUTE)
        mirror = self._mirrors.get(number)
        if mirror is None:
            with self._lock:
                made = Mirror(self._names.key("usage", str(number)), _KEPT)
                mirror = self._mirrors.setdefault(number, made)
                while len(self._mirrors) > _MOST:
                    # While the store is away nobody wants to hear of older ones.
                    del self._mirrors[min(self._mirrors)]
        return mirror

    def _after_fork(self) -> object:
        old, self._lock = self._lock, threading.RLock()
        return old


_MOST = 2
