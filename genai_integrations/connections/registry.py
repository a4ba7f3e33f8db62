"""The connections a client works with: read once, kept for minutes, renewed in time."""

from __future__ import annotations

import contextlib
import difflib
import logging
import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from genai_integrations.connections.connection import (
    AsyncConnectionStore,
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
    RequestTimeoutError,
)
from genai_integrations.runtime.given import shown
from genai_integrations.runtime.single_flight import SingleFlight

_log = logging.getLogger("genai_integrations")

_RENEW_AT = 0.8
"""Part of the time to live after which a snapshot is renewed behind its users' backs."""

_PAUSE = 15.0
"""Seconds between tries while the store is away."""

_PATIENCE = 0.5
"""Seconds to wait for a store when something is known that would do: most databases answer in a tenth of that."""


_Entries = tuple[Connection | BrokenConnection, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store held at one moment.

    Attributes:
        version: Grows with each read that brought something.
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
    """A snapshot, when it was read, and the clock's times for what comes next: `renew_at` is the earlier one."""

    snapshot: Snapshot
    read_at: float
    renew_at: float
    fresh_until: float


class ConnectionRegistry:
    """Keeps the connections of a store.

    Safe for threads, for event loops and after a fork. `peek()` never blocks and takes no lock. The others wait for the
    store, which is read once for all who want it at the same time; given a `limit`, a `time.monotonic()` moment, they
    wait until then at most, while the read goes on for the others.

    Whatever a store raises that is none of this package's errors becomes a `CredentialStoreError`.

    Args:
        store: Where connections come from. If it has an `aload`, event loops await that.
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
        self._reads: SingleFlight[_Held] = SingleFlight("genai-connections")
        self._no_renewal_before = -math.inf
        self._stale_until = -math.inf

    def __repr__(self) -> str:
        return f"ConnectionRegistry({self._store!r}, names={self._names!r})"

    def peek(self) -> Snapshot | None:
        """What is known, if it is fresh or the store is silent; else None, and then `load()` is due.

        Shortly before it expires, one caller starts a renewal in the background.
        """
        latest = self._reads.latest
        if latest is None:
            return None
        held, now = latest.value, self._clock()
        if now >= held.renew_at:
            if now >= held.fresh_until:
                return held.snapshot if now < self._stale_until else None
            if now >= self._no_renewal_before:
                self._reads.start(self._renewed)
        return held.snapshot

    def load(self, limit: float | None = None) -> Snapshot:
        """What is known, read from the store if it is not fresh, unless that takes longer than a moment.

        Raises:
            ConnectionNotFoundError: At the first read, a name is not in the store.
            CredentialError: The store cannot be read, and what is known is too old or nothing.
            RequestTimeoutError: The limit passed.
        """
        snapshot = self.peek()
        if snapshot is not None:
            return snapshot
        stale = self._usable()
        try:
            with _in_time():
                limit = limit if stale is None else _soonest(limit)
                return self._reads.do(self._read, known=self._fresh, limit=limit).snapshot
        except RequestTimeoutError:
            if stale is None:
                raise
            return self._used_on(stale)

    async def aload(self, limit: float | None = None) -> Snapshot:
        """As `load`, without blocking the event loop."""
        snapshot = self.peek()
        if snapshot is not None:
            return snapshot
        stale = self._usable()
        try:
            limit = limit if stale is None else _soonest(limit)
            return await self._aread(known=self._fresh, limit=limit)
        except RequestTimeoutError:
            if stale is None:
                raise
            return self._used_on(stale)

    def refresh(self, than: Connection | None = None, limit: float | None = None) -> Snapshot:
        """Read the store now: never what was read before this call, unless the store is away.

        Args:
            than: The connection whose key a provider refused. If another key of that name is known, or is being
                read, that is enough.
            limit: See above.

        Raises:
            CredentialError: As for `load()`.
            RequestTimeoutError: The limit passed.
        """
        after = self._reads.begun
        with _in_time():
            held = self._reads.do(self._read, after=after, known=self._better(than), limit=limit)
        return held.snapshot

    async def arefresh(
        self, than: Connection | None = None, limit: float | None = None
    ) -> Snapshot:
        """As `refresh`, without blocking the event loop."""
        return await self._aread(after=self._reads.begun, known=self._better(than), limit=limit)

    def no_connection(self, name: str) -> ConnectionNotFoundError:
        """The error for a connection that is not there, with the names that are."""
        try:
            existing = self._load(None)
        except CredentialError:
            existing = ()
        return self._not_found(name, existing)

    def _held(self) -> _Held | None:
        latest = self._reads.latest
        return None if latest is None else latest.value

    def _fresh(self) -> _Held | None:
        held = self._held()
        return held if held is not None and self._clock() < held.fresh_until else None

    def _usable(self) -> _Held | None:
        """What is known, unless it is too old to be used while the store is away."""
        held = self._held()
        return held if held and self._clock() < held.read_at + self._max_stale else None

    def _used_on(self, held: _Held) -> Snapshot:
        """What is known, though the store has not answered in time; it is read on in the background."""
        now = self._clock()
        _log.warning(
            "the store of connections does not answer; still using what was read %.0f s ago",
            now - held.read_at,
        )
        # For all who come meanwhile: they need not wait for the same silence.
        self._stale_until = min(now + _PAUSE, held.read_at + self._max_stale)
        return held.snapshot

    def _better(self, than: Connection | None) -> Callable[[], _Held | None] | None:
        return None if than is None else partial(self._with_another_key, than)

    def _with_another_key(self, than: Connection) -> _Held | None:
        held = self._held()
        new = None if held is None else held.snapshot.by_name.get(than.name)
        if new is None or new is than:
            return None
        with contextlib.suppress(GenAIError):
            if new.secret.reveal() != than.secret.reveal():
                return held
        return None

    async def _aread(
        self,
        *,
        after: int = 0,
        known: Callable[[], _Held | None] | None,
        limit: float | None,
    ) -> Snapshot:
        store = self._store
        with _in_time():
            if isinstance(store, AsyncConnectionStore):
                work = partial(self._read_here, store)
                held = await self._reads.ado_here(work, after=after, known=known, limit=limit)
            else:
                held = await self._reads.ado(self._read, after=after, known=known, limit=limit)
        return held.snapshot

    def _read(self) -> _Held:
        try:
            entries = self._load(self._names)
        except CredentialStoreError as error:
            return self._stale(error)
        held, missing = self._new(entries)
        if missing is not None:
            raise self.no_connection(missing)
        return held

    async def _read_here(self, store: AsyncConnectionStore) -> _Held:
        try:
            entries = await self._aload(store, self._names)
        except CredentialStoreError as error:
            return self._stale(error)
        held, missing = self._new(entries)
        if missing is not None:
            existing: _Entries = ()
            with contextlib.suppress(CredentialError):
                existing = await self._aload(store, None)
            raise self._not_found(missing, existing)
        return held

    def _load(self, names: Sequence[str] | None) -> _Entries:
        with _border(self._store):
            return tuple(self._store.load(names))

    async def _aload(self, store: AsyncConnectionStore, names: Sequence[str] | None) -> _Entries:
        with _border(store):
            return tuple(await store.aload(names))

    def _renewed(self) -> _Held:
        try:
            return self._read()
        except GenAIError as error:
            self._no_renewal_before = self._clock() + _PAUSE
            _log.warning("could not renew the connections: %s", error)
            raise

    def _new(self, entries: _Entries) -> tuple[_Held, str | None]:
        """What was read, and the first name that is missing in it though it has to be there."""
        before = self._held()
        snapshot = Snapshot.of(before.snapshot.version + 1 if before else 1, entries)
        missing = None
        if before is None:
            missing = next((name for name in self._names or () if name not in snapshot.names), None)
        else:
            for name in sorted(before.snapshot.names - snapshot.names):
                _log.warning("the connection %r is no longer there", name)
        now = self._clock()
        return _Held(snapshot, now, now + _RENEW_AT * self._ttl, now + self._ttl), missing

    def _stale(self, error: CredentialStoreError) -> _Held:
        """What is known, used on for a while.

        Raises:
            CredentialStoreError: There is nothing, or it is too old.
        """
        before, now = self._held(), self._clock()
        if before is None or now >= before.read_at + self._max_stale:
            raise error
        _log.warning("%s; still using the connections read %.0f s ago", error, now - before.read_at)
        # Twice the pause, so that the next try has time in the background before anyone must wait for it.
        fresh_until = max(before.fresh_until, now + 2 * _PAUSE)
        fresh_until = min(fresh_until, before.read_at + self._max_stale)
        renew_at = min(now + _PAUSE, fresh_until)
        return _Held(before.snapshot, before.read_at, renew_at, fresh_until)

    def _not_found(self, name: str, entries: _Entries) -> ConnectionNotFoundError:
        existing = [entry.name for entry in entries]
        near = difflib.get_close_matches(name[:100], existing, cutoff=0.4) or existing[:5]
        hint = f"; it has {', '.join(map(shown, near))}" if near else ""
        return ConnectionNotFoundError(
            f"{self._store} has no LLM connection named {shown(name)}{hint}"
        )


def _soonest(limit: float | None) -> float:
    """The moment at which something known is used rather than waited for what is new."""
    patience = time.monotonic() + _PATIENCE
    return patience if limit is None else min(limit, patience)


@contextlib.contextmanager
def _border(store: ConnectionStore) -> Generator[None]:
    """Nothing but our own errors comes out of a store, whoever wrote it."""
    try:
        yield
    except GenAIError:
        raise
    except Exception as error:
        # Its own words may hold a secret, so they stay with the cause.
        raise CredentialStoreError(
            f"the connections cannot be read: {type(store).__name__} raised {type(error).__name__}, "
            "which is the cause of this error"
        ) from error


@contextlib.contextmanager
def _in_time() -> Generator[None]:
    try:
        yield
    except TimeoutError:
        raise RequestTimeoutError(
            "the deadline passed while the connections were read: allow more time"
        ) from None
