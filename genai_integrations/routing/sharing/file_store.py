"""State in a file of SQLite's: it outlives the program, and the processes of one machine share it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Generator, Mapping
from pathlib import Path

from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.sharing.store import Found, Sent, StoreAway

_TABLES = """
CREATE TABLE IF NOT EXISTS amounts (key TEXT, field TEXT, value REAL, PRIMARY KEY (key, field)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS firsts (key TEXT, number INTEGER, text TEXT, PRIMARY KEY (key, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (token TEXT PRIMARY KEY, at REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, ends REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cooldowns
    (key TEXT, name TEXT, ends REAL, said REAL, PRIMARY KEY (key, name)) WITHOUT ROWID;
"""

_PATIENCE = 1.0
"""Seconds to wait for another process that is writing."""

_SEEN = 3600.0
_FORGOTTEN = 60.0


class FileStore:
    """Keeps state in a file, which is opened for each exchange: nothing is held over a fork.

    Args:
        path: Of the file; made at the first exchange.

    Raises:
        ConfigurationError: Its folder does not exist.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self.where = str(path)
        if not self._path.absolute().parent.is_dir():
            raise ConfigurationError(
                f"the folder of state_file {str(path)!r} does not exist: make it first"
            )

    def exchange(self, key: str, sent: Sent) -> Found:
        """Add what a mirror has to tell, and give what all have told, at one moment."""
        now = time.time()
        with self._opened() as file:
            _forget(file, now)
            ends = now + sent.seconds if sent.seconds else None
            is_new = not file.execute("SELECT 1 FROM records WHERE key = ?", (key,)).fetchone()
            file.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", (key, ends))
            is_first = file.execute(
                "INSERT OR IGNORE INTO seen VALUES (?, ?)", (sent.token, now)
            ).rowcount
            rows = sent.amounts.items() if is_first else ()
            file.executemany(
                "INSERT INTO amounts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
                [(key, field, amount) for field, amount in rows],
            )
            file.executemany(
                "INSERT OR IGNORE INTO firsts VALUES (?, ?, ?)",
                [(key, number, text) for number, text in sent.firsts.items()],
            )
            amounts = file.execute("SELECT field, value FROM amounts WHERE key = ?", (key,))
            firsts = file.execute("SELECT number, text FROM firsts WHERE key = ?", (key,))
            return Found(is_new, dict(amounts.fetchall()), dict(firsts.fetchall()))

    def cooldowns(
        self, key: str, changes: Mapping[str, float]
    ) -> Mapping[str, tuple[float, float]]:
        """Note which cooldowns began or ended, and give those of all; the clock is the machine's."""
        now = time.time()
        with self._opened() as file:
            file.execute("DELETE FROM cooldowns WHERE max(ends, said) < ?", (now - _FORGOTTEN,))
            file.executemany(
                "INSERT INTO cooldowns VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET said = excluded.said, ends = "
                "CASE WHEN excluded.ends > excluded.said THEN max(ends, excluded.ends) ELSE excluded.ends END",
                [(key, name, now + seconds, now) for name, seconds in changes.items()],
            )
            rows = file.execute("SELECT name, ends, said FROM cooldowns WHERE key = ?", (key,))
            return {name: (max(ends - now, 0.0), said) for name, ends, said in rows.fetchall()}

    @contextlib.contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        """The file in a transaction of its own, which is written at the end."""
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as file:
                file.executescript(_TABLES)
                file.execute("BEGIN IMMEDIATE")
                with file:
                    yield file
        except sqlite3.Error as error:
            raise StoreAway(f"{self.where}: {error}") from None


def _forget(file: sqlite3.Connection, now: float) -> None:
    file.execute("DELETE FROM seen WHERE at < ?", (now - _SEEN,))
    old = "SELECT key FROM records WHERE ends < ?"
    for table in ("amounts", "firsts", "records"):
        file.execute(f"DELETE FROM {table} WHERE key IN ({old})", (now,))  # noqa: S608  our own words
