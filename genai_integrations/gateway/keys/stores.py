"""Where narrow keys are kept: a SQLite file of one machine, or a Redis server that several share."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from genai_integrations.errors import ConfigurationError, CredentialStoreError
from genai_integrations.gateway.keys.narrow import NarrowKey, read_key
from genai_integrations.runtime.redis_link import SCHEMES, RedisAway, RedisLink, redis_link

T = TypeVar("T")

_FILE = "sqlite:///"

_TABLE = """
CREATE TABLE IF NOT EXISTS gateway_keys_1 (
    id TEXT PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (project, name)
)
"""
"""The number is the version's: another one has a table of its own beside it."""

_BUSY = 2.0
"""Seconds to wait for another writer."""


class KeyStore(Protocol):
    """Keeps narrow keys. Each method may take its time, and raises `CredentialStoreError` where it cannot be done."""

    def get(self, key_id: str) -> NarrowKey | None:
        """A key; None if there is none."""
        ...

    def add(self, key: NarrowKey) -> bool:
        """Keep a new one, unless the project has one of that name."""
        ...

    def of(self, project: str) -> list[NarrowKey]:
        """Those of a project, by their names."""
        ...

    def remove(self, key: NarrowKey) -> None:
        """Forget one."""
        ...


def key_store(address: str) -> KeyStore:
    """The store at an address: `sqlite:///keys.db`, or `redis://host:6379/0`.

    Raises:
        ConfigurationError: It is neither.
    """
    if address.startswith(_FILE) and len(address) > len(_FILE):
        return SqliteKeys(Path(address.removeprefix(_FILE)))
    if address.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        return RedisKeys(redis_link(address))
    raise ConfigurationError(
        "the store of the gateway's keys must be like sqlite:///keys.db or redis://host:6379/0"
    )


class SqliteKeys:
    """Keys in a file, which is made when it is first used, for its owner alone. Safe for threads.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def get(self, key_id: str) -> NarrowKey | None:
        """See `KeyStore`, as for all that follow."""
        rows = self._use("SELECT value FROM gateway_keys_1 WHERE id = ?", key_id)
        return read_key(rows[0]) if rows else None

    def add(self, key: NarrowKey) -> bool:
        """The same."""
        return bool(
            self._use(
                "INSERT OR IGNORE INTO gateway_keys_1 VALUES (?, ?, ?, ?) RETURNING id",
                key.id, key.terms.project, key.terms.name, key.as_text(),
            )
        )  # fmt: skip

    def of(self, project: str) -> list[NarrowKey]:
        """The same."""
        rows = self._use(
            "SELECT value FROM gateway_keys_1 WHERE project = ? ORDER BY name", project
        )
        return [key for row in rows if (key := read_key(row))]

    def remove(self, key: NarrowKey) -> None:
        """The same."""
        self._use("DELETE FROM gateway_keys_1 WHERE id = ?", key.id)

    def _use(self, statement: str, *values: str) -> list[str]:
        """The first column of what a statement brings. A connection of its own: it is asked twice a minute for a key."""
        try:
            with self._lock, closing(self._opened()) as db, db:
                return [row[0] for row in db.execute(statement, values)]
        except (sqlite3.Error, OSError) as error:
            problem = f"the gateway's keys cannot be used, {self._path}: {error}"
        raise CredentialStoreError(problem)

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        db = sqlite3.connect(self._path, timeout=_BUSY)
        db.execute(_TABLE)
        return db


class RedisKeys:
    """Keys on a Redis server: a string for each, and a hash of names for each project.

    Args:
        link: To the server.
    """

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    def get(self, key_id: str) -> NarrowKey | None:
        """See `KeyStore`, as for all that follow."""
        return _read(self._use(lambda redis: redis.get(_key(key_id))))

    def add(self, key: NarrowKey) -> bool:
        """The same."""
        self._use(lambda redis: redis.set(_key(key.id), key.as_text()))
        # Last, so that no name is taken without a key: of two who take it at once, one is told.
        names = _names(key.terms.project)
        if self._use(lambda redis: redis.hsetnx(names, key.terms.name, key.id)):
            return True
        self._use(lambda redis: redis.delete(_key(key.id)))
        return False

    def of(self, project: str) -> list[NarrowKey]:
        """The same."""
        names = self._use(lambda redis: redis.hgetall(_names(project)))
        found = [self.get(key_id.decode()) for _, key_id in sorted(names.items())]
        return [key for key in found if key]

    def remove(self, key: NarrowKey) -> None:
        """The same."""
        self._use(lambda redis: redis.delete(_key(key.id)))
        self._use(lambda redis: redis.hdel(_names(key.terms.project), key.terms.name))

    def _use(self, work: Callable[[Any], Any]) -> Any:
        try:
            return self._link.ask(work)
        except RedisAway as error:
            problem = f"the gateway's keys cannot be used: {error}"
        raise CredentialStoreError(problem)


def _key(key_id: str) -> str:
    return f"genai:gateway-key:{key_id}"


def _names(project: str) -> str:
    return f"genai:gateway-keys:{project}"


def _read(value: object) -> NarrowKey | None:
    return read_key(cast("bytes", value).decode(errors="replace")) if value else None
