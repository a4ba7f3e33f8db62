"""Cooldowns that other processes have begun or ended, and this one's for them."""

from __future__ import annotations

import time
from collections.abc import Callable

from genai_integrations.routing.health import Health
from genai_integrations.routing.sharing.hashed import Names
from genai_integrations.routing.sharing.store import Store


class Cooldowns:
    """Tells and hears which targets cool down.

    Args:
        health: The circuits of this process.
        names: Hashes the targets.
        clock: Monotonic seconds, the same as the clock of `health`.
    """

    def __init__(
        self, health: Health, names: Names, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._health = health
        self._key = names.key("cooldowns")
        self._names = names
        self._clock = clock
        self._heard: dict[str, float] = {}
        health.share(names.hashed)

    def exchange(self, store: Store) -> None:
        """Tell what changed, and take over what others told.

        Raises:
            StoreAway: The store does not answer; what changed is told later.
        """
        now = self._clock()
        changed = dict(self._health.changed)
        told = {
            self._names.hashed(target): max(ends - now, 0.0) for target, ends in changed.items()
        }
        found = store.cooldowns(self._key, told)
        now = self._clock()
        heard = {
            name: now + seconds if seconds else 0.0
            for name, (seconds, said) in found.items()
            if name not in told and said > self._heard.get(name, 0.0)
        }
        self._heard = {name: said for name, (_, said) in found.items()}
        self._health.hear(heard, changed)
