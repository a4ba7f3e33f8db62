"""The thread that keeps the mirrors of one client and their store alike, as long as the client is used."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence

from genai_integrations.errors import GenAIError
from genai_integrations.routing.sharing.store import Store, StoreAway
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.process_end import finish_worker

_log = logging.getLogger("genai_integrations")

PERIOD = 0.25
"""Seconds between exchanges: what one process learns, the others know in at most twice that."""

IDLE = 60.0
"""Seconds after the last call at which the thread ends; the next call starts one."""

Exchange = Callable[[Store], None]
"""Keeps one mirror and the store alike; raises `StoreAway`."""


class Synchroniser:
    """Does all exchanges of a client, a few times a second while it is used. Safe for threads and after fork.

    Args:
        store: Where the state is; None where only `chores` are done.
        exchanges: Gives what is to be kept alike with the store.
        chores: What else is done beside the calls, each time.
    """

    def __init__(
        self,
        store: Store | None,
        exchanges: Callable[[], Sequence[Exchange]],
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._store = store
        self._exchanges = exchanges
        self._chores = chores
        self._used = 0.0
        self._is_away = False
        self._last_trouble = ""
        self._begin()
        after_fork_in_child(self._begin)
        _all.add(self)

    def _begin(self) -> object:
        """Without a thread, as after a fork."""
        old = getattr(self, "_lock", None), getattr(self, "_exchanging", None)
        self._lock = threading.Lock()
        self._exchanging = threading.Lock()
        self._has_thread = False
        self._is_to_finish = False
        return old

    def touch(self) -> None:
        """A call is made: see to it that the thread runs."""
        self._used = time.monotonic()
        if not self._has_thread:
            self._start()

    def exchange(self) -> bool:
        """Keep all alike once, now; whether the store answered. Takes at most the store's own time-outs."""
        with self._exchanging:
            is_done = self._store is None or self._exchanged(self._store)
            for chore in self._chores:
                chore()
            return is_done

    def _exchanged(self, store: Store) -> bool:
        try:
            for exchange in self._exchanges():
                exchange(store)
        except StoreAway as error:
            if not self._is_away:
                _log.warning("state is not shared for now, and calls go on without it: %s", error)
            self._is_away = True
            return False
        self._is_away = False
        return True

    def _start(self) -> None:
        with self._lock:
            if self._has_thread:
                return
            thread = threading.Thread(
                target=_run, args=(weakref.ref(self),), name="genai-state", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # the interpreter is ending
                return
            self._has_thread = True
        if not self._is_to_finish:
            self._is_to_finish = True
            finish_worker(_finish)

    def _once(self) -> bool:
        """One round of the thread; whether another one follows."""
        try:
            self.exchange()
        except Exception as error:  # noqa: BLE001  a thread that ended would share nothing any more
            told = str(error) if isinstance(error, GenAIError) else type(error).__name__
            if told != self._last_trouble:
                _log.warning("state is not shared: %s", told)
            self._last_trouble = told
        if time.monotonic() - self._used < IDLE:
            return True
        with self._lock:
            self._has_thread = time.monotonic() - self._used < IDLE
            return self._has_thread


def _run(owner: weakref.ref[Synchroniser]) -> None:
    """The thread. It holds the client's state only while it works, so that a client that is dropped is freed."""
    while True:
        synchroniser = owner()
        if synchroniser is None or not synchroniser._once():  # noqa: SLF001  ours, in the same module
            return
        del synchroniser
        time.sleep(PERIOD)


_all: weakref.WeakSet[Synchroniser] = weakref.WeakSet()


def _finish() -> None:
    """At the end of a process: tell what was not told yet."""
    for synchroniser in list(_all):
        if synchroniser._has_thread:  # noqa: SLF001  as above
            synchroniser.exchange()


atexit.register(_finish)
