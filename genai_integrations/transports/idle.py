"""Connections that nobody uses at the moment, kept for the next call."""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

from urllib3.connection import HTTPConnection

from genai_integrations.network import IDLE_AGE, IDLE_IN_ALL, IDLE_PER_HOST, is_readable
from genai_integrations.runtime.fork import after_fork_in_child


class IdleConnections:
    """Keeps connections of all hosts, so many and for so long. Safe for threads; a forked child starts with none.

    Two tables say the same: what there is for a host, and what has been here longest. Both are changed under one
    lock, and connections are closed outside of it.

    Args:
        per_host: Most to keep for one host.
        in_all: Most to keep for all of them.
        age: Seconds after which one is closed, when the next one is put in.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        per_host: int = IDLE_PER_HOST,
        in_all: int = IDLE_IN_ALL,
        age: float = IDLE_AGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_host = per_host
        self._in_all = in_all
        self._age = age
        self._clock = clock
        self._returned: deque[tuple[Hashable, HTTPConnection, float]] = deque()
        self._by_host: dict[Hashable, deque[HTTPConnection]] = {}
        self._since: OrderedDict[HTTPConnection, tuple[Hashable, float]] = OrderedDict()
        self._lock = threading.Lock()
        # At the interpreter's end; a socket that is collected unclosed warns.
        weakref.finalize(self, _close_all, self._since, self._returned)
        after_fork_in_child(self.abandon)

    def __len__(self) -> int:
        return len(self._since) + len(self._returned)

    def take(self, host: Hashable) -> HTTPConnection | None:
        """The connection to a host that was used last and can be used again; None if there is none."""
        while True:
            with self._lock:
                surplus = self._sort_in()
                connection, since = self._pop(host)
            _close(surplus)
            if connection is None:
                return None
            if self._clock() - since < self._age and is_quiet(connection):
                return connection
            connection.close()

    def put(self, host: Hashable, connection: HTTPConnection) -> None:
        """Keep a connection, and close those that are too old or too many."""
        self._returned.append((host, connection, self._clock()))
        # Never waits: a stream that is collected puts its connection back in whichever thread that happens, which
        # may hold the lock itself. What is not sorted in now is when the lock is taken next.
        if self._lock.acquire(blocking=False):
            try:
                surplus = self._sort_in()
            finally:
                self._lock.release()
            _close(surplus)

    def abandon(self) -> Any:
        """In a forked child: forget all of them without closing, because the parent goes on using them."""
        kept = [*self._since, *self._returned]
        self._since.clear()
        self._returned.clear()
        self._by_host.clear()
        self._lock = threading.Lock()
        return kept

    def _sort_in(self) -> list[HTTPConnection]:
        """Sort in what was returned; those to close."""
        surplus = []
        while self._returned:
            host, connection, now = self._returned.popleft()
            kept = self._by_host.setdefault(host, deque())
            kept.append(connection)
            self._since[connection] = (host, now)
            if len(kept) > self._per_host:
                # Of this host, so that one busy host cannot displace the others.
                surplus.append(self._drop(kept[0]))
            surplus += self._outdated(now - self._age)
        return surplus

    def _pop(self, host: Hashable) -> tuple[HTTPConnection | None, float]:
        kept = self._by_host.get(host)
        if not kept:
            return None, 0.0
        connection = kept.pop()
        if not kept:
            del self._by_host[host]
        return connection, self._since.pop(connection)[1]

    def _outdated(self, before: float) -> Iterator[HTTPConnection]:
        while self._since:
            oldest, (_, since) = next(iter(self._since.items()))
            if since > before and len(self._since) <= self._in_all:
                return
            yield self._drop(oldest)

    def _drop(self, connection: HTTPConnection) -> HTTPConnection:
        """Take the oldest connection of a host out of both tables."""
        host, _ = self._since.pop(connection)
        kept = self._by_host[host]
        kept.popleft()
        if not kept:
            del self._by_host[host]
        return connection


def is_quiet(connection: HTTPConnection) -> bool:
    """Whether a connection is open, and nothing came over it that nobody asked for."""
    sock = connection.sock
    if sock is None:
        return False
    decrypted = getattr(sock, "pending", None)
    if decrypted is not None and decrypted():
        return False
    try:
        return not is_readable(sock.fileno())
    except (OSError, ValueError):
        return False


def _close(connections: Iterable[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _close_all(
    since: OrderedDict[HTTPConnection, Any], returned: deque[tuple[Hashable, HTTPConnection, float]]
) -> None:
    _close(list(since))
    _close([connection for _, connection, _ in returned])
