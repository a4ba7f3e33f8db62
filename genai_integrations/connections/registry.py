"""The connections a client works with: read once, kept for minutes, renewed in time."""

from __future__ import annotations

import difflib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from weakref import WeakSet

from genai_integrations.connections.connection import (
    BrokenConnection,
    Connection,
    ConnectionStore,
)
from genai_integrations.errors import (
    ConfigurationError,
    ConnectionNotFoundError,
    CredentialError,
    CredentialStoreError,
    GenAIError,
)

_log = logging.getLogger("genai_integrations")

_RENEW_AT = 0.8
"""Part of the time to live after which a snapshot is renewed behind its users' backs."""

_PAUSE = 15.0
"""Seconds between tries while the store is away."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store held at one moment.

    Attributes:
        version: Grows with each read.
        connections: Those that can be used, in the order to prefer.
        broken: Those that cannot.
        by_name: The usable ones by name.
    """

    version: int
    connections: tuple[Connection, ...]
    broken: tuple[BrokenConnection, ...]
    by_name: Mapping[str, Connection]

    @classmethod
    def of(cls, version: int, entries: Sequence[Connection | BrokenConnection]) -> Snapshot:
        """Sort what a store gave; where two share a name, the first counts."""
        usable = tuple(entry for entry in entries if isinstance(entry, Connection))
        broken = tuple(entry for entry in entries if isinstance(entry, BrokenConnection))
        by_name: dict[str, Connection] = {}
        for connection in usable:
            by_name.setdefault(connection.name, connection)
        return cls(version, usable, broken, by_name)

    @property
    def names(self) -> frozenset[str]:
        """Names of all connections, broken ones too."""
        return frozenset(self.by_name) | {entry.name for entry in self.broken}


@dataclass(frozen=True, slots=True)
class _Held:
    """A snapshot, when it was read, and the clock's times for what comes next."""

    snapshot: Snapshot
    read_at: float
    renew_at: float
    fresh_until: float


class ConnectionRegistry:
    """Keeps the connections of a store.

    Safe for threads and after a fork. `load()` and `refresh()` may block; `peek()` never does.

    Args:
        store: Where connections come from.
        names: The connections to use, in the order to prefer; all of them for None.
        ttl: Seconds for which what was read is used.
        max_stale: Seconds for which it is used while the store cannot be read.
        clock: Monotonic seconds.

    Raises:
        ConfigurationError: `names` is empty.
    """

    def __init__(
        self,
        store: ConnectionStore,
        names: Sequence[str] | None = None,
        *,
        ttl: float = 300.0,
        max_stale: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if names is not None and not names:
            raise ConfigurationError(
                "llm_connection_names is empty: name a connection, or leave it out"
            )
        self._store = store
        self._names = (names,) if isinstance(names, str) else names and tuple(dict.fromkeys(names))
        self._ttl = ttl
        self._max_stale = max_stale
        self._clock = clock
        self._held: _Held | None = None
        self._renewed: _Held | None = None
        self._make_locks()
        _registries.add(self)

    def __repr__(self) -> str:
        return f"ConnectionRegistry({self._store!r}, names={self._names!r})"

    def peek(self) -> Snapshot | None:
        """What is known, if it is fresh; else None, and then `load()` is due.

        Shortly before it expires, one caller starts a renewal in the background.
        """
        held = self._held
        if held is None:
            return None
        now = self._clock()
        if now >= held.fresh_until:
            return None
        if now >= held.renew_at and self._renewed is not held:
            self._renew(held)
        return held.snapshot

    def load(self) -> Snapshot:
        """What is known, read from the store if it is not fresh. Callers at the same time share one read.

        Raises:
            ConnectionNotFoundError: At the first read, a name is not in the store.
            CredentialError: The store cannot be read, and what is known is too old or nothing.
        """
        held = self._held
        return self.peek() or self._read(held)

    def refresh(self, seen: Snapshot | None = None) -> Snapshot:
        """Read the store now.

        Args:
            seen: The snapshot whose key a provider refused. If a newer one is known, that is returned at once.

        Raises:
            CredentialError: As for `load()`.
        """
        held = self._held
        if held is not None and seen is not None and held.snapshot.version > seen.version:
            return held.snapshot
        return self._read(held)

    def _make_locks(self) -> None:
        self._lock = threading.Lock()
        self._flight: Future[Snapshot] | None = None
        self._renewed = None

    def _read(self, known: _Held | None) -> Snapshot:
        """Read the store, or wait for whoever is reading it; nothing if it was read since `known`."""
        while True:
            with self._lock:
                if self._held is not None and self._held is not known:
                    return self._held.snapshot
                flight = self._flight
                if flight is None:
                    mine: Future[Snapshot] = Future()
                    self._flight = mine
                    break
            try:
                return flight.result()
            except CancelledError:
                continue
        return self._fly(mine)

    def _fly(self, flight: Future[Snapshot]) -> Snapshot:
        try:
            held = self._hold()
        except Exception as error:
            self._land(flight)
            flight.set_exception(error)
            raise
        except BaseException:
            # Ctrl-C is for this thread alone; the others try again.
            self._land(flight)
            flight.cancel()
            raise
        self._land(flight, held)
        flight.set_result(held.snapshot)
        return held.snapshot

    def _land(self, flight: Future[Snapshot], held: _Held | None = None) -> None:
        with self._lock:
            if held is not None:
                self._held = held
            if self._flight is flight:
                self._flight = None

    def _hold(self) -> _Held:
        before = self._held
        try:
            entries = self._store.load(self._names)
        except CredentialStoreError as error:
            if before is None:
                raise
            return self._hold_stale(before, error)
        snapshot = Snapshot.of(before.snapshot.version + 1 if before else 1, entries)
        self._check_names(before, snapshot)
        now = self._clock()
        return _Held(snapshot, now, now + _RENEW_AT * self._ttl, now + self._ttl)

    def _hold_stale(self, before: _Held, error: CredentialStoreError) -> _Held:
        now = self._clock()
        last = before.read_at + self._max_stale
        if now >= last:
            raise error
        _log.warning("%s; still using the connections read %.0f s ago", error, now - before.read_at)
        # Twice the pause, so that the next try has time in the background before anyone must wait for it.
        fresh_until = min(max(before.fresh_until, now + 2 * _PAUSE), last)
        return _Held(before.snapshot, before.read_at, now + _PAUSE, fresh_until)

    def _check_names(self, before: _Held | None, snapshot: Snapshot) -> None:
        if before is not None:
            for name in sorted(before.snapshot.names - snapshot.names):
                _log.warning("the connection %r is no longer there", name)
            return
        missing = [name for name in self._names or () if name not in snapshot.names]
        if missing:
            raise self.no_connection(missing[0])

    def no_connection(self, name: str) -> ConnectionNotFoundError:
        """The error for a connection that is not there, with the names that are."""
        try:
            existing = [entry.name for entry in self._store.load(None)]
        except CredentialError:
            existing = []
        near = difflib.get_close_matches(name, existing, cutoff=0.4) or existing[:5]
        hint = f"; it has {', '.join(map(repr, near))}" if near else ""
        return ConnectionNotFoundError(f"{self._store} has no LLM connection named {name!r}{hint}")

    def _renew(self, held: _Held) -> None:
        with self._lock:
            if self._renewed is held:
                return
            self._renewed = held
        try:
            threading.Thread(
                target=self._read_quietly, args=(held,), name="genai-connections", daemon=True
            ).start()
        except RuntimeError:
            # The interpreter is shutting down: what is known will do.
            return

    def _read_quietly(self, held: _Held) -> None:
        try:
            self._read(held)
        except GenAIError as error:
            _log.warning("could not renew the connections: %s", error)
        except Exception as error:  # noqa: BLE001 - a store of the user's may raise anything
            _log.warning("could not renew the connections: %s", type(error).__name__)


_registries: WeakSet[ConnectionRegistry] = WeakSet()


def _after_fork() -> None:
    """Whoever held a lock or was reading is not in the child."""
    for registry in _registries:
        registry._make_locks()  # noqa: SLF001 - this module's own class


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
