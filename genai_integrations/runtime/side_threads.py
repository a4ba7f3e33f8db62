"""Daemon threads for requests that somebody else waits for, a bounded number of them, each used again."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable

from genai_integrations.runtime.fork import after_fork_in_child

MOST = 256
"""Threads of a process: as many requests of threads can be raced at once. What would be more is done by its caller."""

IDLE = 10.0
"""Seconds after which a thread that has nothing to do ends."""


class SideThreads:
    """Runs pieces of work, each in a thread of its own. Safe for threads and after fork.

    The interpreter's end waits for none of them. Nobody takes a lock here.

    Args:
        name: Of the threads.
        most: How many there may be.
        idle: Seconds for which one is kept without work.
    """

    def __init__(self, name: str, most: int = MOST, idle: float = IDLE) -> None:
        self._name = name
        self._idle_seconds = idle
        self._most = most
        self._after_fork()
        after_fork_in_child(self._after_fork)

    def start(self, work: Callable[[], None]) -> bool:
        """Have work done, which must not raise; False if all threads are busy, and none can be made."""
        with contextlib.suppress(IndexError):
            self._idle.pop().put(work)
            return True
        try:
            self._places.pop()
        except IndexError:
            return False
        inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        inbox.put(work)
        serve = threading.Thread(
            target=self._serve, args=(inbox, self._idle, self._places), name=self._name, daemon=True
        )
        try:
            serve.start()
        except RuntimeError:  # the interpreter is ending, or the machine has no more
            self._places.append(None)
            return False
        return True

    def _serve(self, inbox: _Inbox, idle: list[_Inbox], places: list[None]) -> None:
        while True:
            try:
                inbox.get(timeout=self._idle_seconds)()
            except queue.Empty:
                try:
                    idle.remove(inbox)
                except ValueError:
                    continue  # taken just now: work is on its way
                places.append(None)
                return
            idle.append(inbox)

    def _after_fork(self) -> None:
        """In the child no thread of the parent's is there."""
        self._idle: list[_Inbox] = []
        self._places: list[None] = [None] * self._most


_Inbox = queue.SimpleQueue[Callable[[], None]]
