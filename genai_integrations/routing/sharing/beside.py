"""Work that is done beside the calls, again and again while calls are made: one thread for each place it goes to."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable

from genai_integrations.errors import GenAIError
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.process_end import finish_worker

_log = logging.getLogger("genai_integrations")

PERIOD = 0.25
"""Seconds between two rounds: what one process learns, the others know in at most twice that."""

IDLE = 60.0
"""Seconds after the last call at which the work rests; the next call wakes it."""


class Beside:
    """A piece of work. Safe for threads and after fork.

    It is done by a thread that it shares with all other work for its place, so that a place which hangs holds nobody
    else up, and as long as somebody holds this object.

    Args:
        place: Where the work goes, such as the address of a server.
        work: What is done; it takes a bounded time. What it raises is logged.
        at_end: Whether it is done once more before the process ends.
    """

    def __init__(self, place: str, work: Callable[[], object], *, at_end: bool = False) -> None:
        self.place = place
        self.at_end = at_end
        self._work = work
        self._used = -IDLE
        self._last_trouble = ""
        self._doing = threading.Lock()
        after_fork_in_child(self._after_fork)
        _all.add(self)

    @property
    def is_used(self) -> bool:
        """Whether a call was made lately."""
        return time.monotonic() - self._used < IDLE

    def touch(self) -> None:
        """A call is made: see to it that the thread runs."""
        self._used = time.monotonic()
        if self.place not in _threads.places:
            _threads.start(self.place)

    def now(self) -> None:
        """Do it once, in this thread; while another one is at it, after that."""
        with self._doing:
            self._work()

    def quietly(self) -> None:
        """As `now`; what goes wrong is logged, once as long as it stays the same."""
        trouble = ""
        try:
            self.now()
        except Exception as error:  # noqa: BLE001  a thread that ended would do nothing any more
            trouble = str(error) if isinstance(error, GenAIError) else type(error).__name__
        if trouble and trouble != self._last_trouble:
            _log.warning("background work for %s fails: %s", self.place, trouble)
        self._last_trouble = trouble

    def _after_fork(self) -> object:
        old, self._doing = self._doing, threading.Lock()
        return old


class _Threads:
    """The threads of this process.

    Attributes:
        places: Those that have one.
    """

    def __init__(self) -> None:
        self._begin()
        after_fork_in_child(self._begin)

    def _begin(self) -> object:
        old = getattr(self, "_lock", None)
        # Re-entrant, because the collector may end an abandoned stream's call inside it.
        self._lock = threading.RLock()
        self._is_to_finish = False
        self.places: set[str] = set()
        return old

    def start(self, place: str) -> None:
        """Have a thread for a place."""
        with self._lock:
            if place in self.places:
                return
            self.places.add(place)
            thread = threading.Thread(
                target=self._run, args=(place,), name=f"genai-state {place}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # the interpreter is ending
                self.places.discard(place)
                return
            is_first, self._is_to_finish = not self._is_to_finish, True
        if is_first:
            finish_worker(_finish)

    def _run(self, place: str) -> None:
        while _round(place) or self._goes_on(place):
            time.sleep(PERIOD)

    def _goes_on(self, place: str) -> bool:
        """Whether somebody has called in the moment in which the thread was about to end."""
        with self._lock:
            self.places.discard(place)
            is_used = any(row.is_used for row in _of(place))
            if not is_used or place in self.places:
                # Unused, or the collector has ended a call just here, which had another thread begin.
                return False
            self.places.add(place)
            return True


def _of(place: str) -> list[Beside]:
    return [row for row in list(_all) if row.place == place]


def _round(place: str) -> bool:
    """Do the work of a place that is used; whether there was any. Nothing is held while the thread sleeps."""
    used = [row for row in _of(place) if row.is_used]
    for row in used:
        row.quietly()
    return bool(used)


_all: weakref.WeakSet[Beside] = weakref.WeakSet()
_threads = _Threads()


def _finish() -> None:
    """Before a process ends."""
    for row in list(_all):
        if row.at_end and row.place in _threads.places:
            row.quietly()


atexit.register(_finish)
