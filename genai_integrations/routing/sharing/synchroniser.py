"""Keeps the mirrors of one client and their store alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from genai_integrations.routing.sharing.beside import Beside
from genai_integrations.routing.sharing.store import Store, StoreAway

_log = logging.getLogger("genai_integrations")

Exchange = Callable[[Store], None]
"""Keeps one mirror and the store alike; raises `StoreAway`."""


class Synchroniser:
    """Does all exchanges of a client, a few times a second while it is used. Safe for threads and after fork.

    Args:
        store: Where the state is.
        exchanges: What is to be kept alike with it.
    """

    def __init__(self, store: Store, exchanges: Sequence[Exchange]) -> None:
        self._store = store
        self._exchanges = exchanges
        self._is_away = False
        beside = Beside(store.where, self._exchange, at_end=True)
        self.touch = beside.touch
        self.exchange = beside.now

    def _exchange(self) -> None:
        """Keep all alike once. It takes at most the store's own time-outs."""
        try:
            for exchange in self._exchanges:
                exchange(self._store)
        except StoreAway as error:
            if not self._is_away:
                _log.warning("state is not shared for now, and calls go on without it: %s", error)
            self._is_away = True
        else:
            self._is_away = False
