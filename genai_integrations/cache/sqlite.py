"""Answers by the exact question, in a file that the processes of a machine share."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from genai_integrations.cache.kept import Kept
from genai_integrations.cache.sealing import Sealed, Sealing
from genai_integrations.calls.wire import Wire
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.write_ahead import file_at, write_ahead

T = TypeVar("T")

_log = logging.getLogger("genai_integrations")

_OURS = 0x67656E61
"""SQLite's `application_id` of such a file: `gena`."""

_TABLE = """
CREATE TABLE IF NOT EXISTS answers_1 (
    key BLOB PRIMARY KEY, tenant BLOB NOT NULL, at REAL NOT NULL, until REAL NOT NULL, value BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_1_at ON answers_1 (at);
"""
"""The number is the version's: another one has a table of its own beside it."""

_BUSY = 0.25
"""Seconds to wait for another writer."""

_PAUSE = 5.0
"""Seconds in which the file is left alone after it could not be read, or not be written."""

_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_MOST_ROUNDS = 20


class SqliteAnswers:
    """Keeps answers in a SQLite file (WAL), sealed. Safe for threads, after fork, and for several processes.

    What goes wrong with the file is told in the log, and the call goes on: nothing is found there, and nothing kept.

    Args:
        path: The file; made, with its folder, when it is first used.
        sealing: Makes the keys, and seals.
        max_bytes: Most bytes of the file; the answers kept first go.
    """

    def __init__(self, path: Path, sealing: Sealing, *, max_bytes: int = 1024**3) -> None:
        self._path = path
        self._sealing = sealing
        self._max_bytes = max_bytes
        self._left_alone = {"read": 0.0, "written": 0.0}
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._end: weakref.finalize[..., SqliteAnswers] | None = None
        after_fork_in_child(self._renew)

    def __repr__(self) -> str:
        return f"SqliteAnswers({str(self._path)!r})"

    def key(self, question: Wire) -> bytes | None:
        """See `QuestionKeys.key`."""
        return self._sealing.key(question)

    def get(self, key: bytes) -> Kept | None:
        """The answer; None if it is not there, or is none of ours."""
        row = self._use(
            "read",
            lambda db: db.execute("SELECT value FROM answers_1 WHERE key = ?", (key,)).fetchone(),
        )
        return None if row is None else self._sealing.open(key, row[0])

    def put(self, key: bytes, entry: Wire, ttl: float | None = None) -> None:
        """Keep an answer, unless it has no JSON form or takes more than a quarter of all room."""
        sealed = self._sealing.seal(key, entry, ttl)
        if sealed is not None and len(sealed.data) <= self._max_bytes // 4:
            self._use("written", lambda db: self._insert(db, key, sealed))

    def clear(self) -> None:
        """Forget every answer of this tenant."""
        label = self._sealing.label
        self._use(
            "written", lambda db: db.execute("DELETE FROM answers_1 WHERE tenant = ?", (label,))
        )

    def _insert(self, db: sqlite3.Connection, key: bytes, sealed: Sealed) -> None:
        self._make_room(db, sealed.at, len(sealed.data))
        row = (key, self._sealing.label, sealed.at, sealed.until, sealed.data)
        db.execute("INSERT OR REPLACE INTO answers_1 VALUES (?, ?, ?, ?, ?)", row)

    def _make_room(self, db: sqlite3.Connection, now: float, more: int) -> None:
        if _used(db) + more <= self._max_bytes:
            return
        db.execute("DELETE FROM answers_1 WHERE until <= ?", (now,))
        for _ in range(_MOST_ROUNDS):
            if _used(db) + more <= self._max_bytes:
                return
            (count,) = db.execute("SELECT count(*) FROM answers_1").fetchone()
            db.execute(
                "DELETE FROM answers_1 WHERE key IN (SELECT key FROM answers_1 ORDER BY at LIMIT ?)",
                (count // 10 + 1,),
            )

    def _use(self, done: str, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do something with the file, if it can be done."""
        if time.monotonic() < self._left_alone[done]:
            return None
        with self._lock:
            try:
                return work(self._current())
            except (sqlite3.Error, OSError) as error:
                self._failed(done, error)
                return None

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that has the name now: who deletes it wants its answers forgotten."""
        if self._db is not None and file_at(self._path) != self._file:
            self._close()
        if self._db is None:
            self._db = _opened(self._path)
            self._file = file_at(self._path)
            # It has the connection until then, which would complain if it were garbage together with the store.
            self._end = weakref.finalize(self, self._db.close)
        return self._db

    def _close(self) -> None:
        if self._end is not None:
            self._end()
        self._db = self._end = None

    def _failed(self, done: str, error: Exception) -> None:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            # Another process writes; the next call may be luckier.
            return
        if done == "read" or code in _BROKEN:
            # Opened anew next time: the file may have been replaced by then. A full disk is no reason to.
            self._close()
        self._left_alone[done] = time.monotonic() + _PAUSE
        _log.warning(
            "cached answers cannot be %s for now: %s (%s); if that stays, name another file, or delete this one if it "
            "is only a cache",
            done, self._path, error,
        )  # fmt: skip

    def _renew(self) -> object:
        # A connection to SQLite must not be taken through a fork: https://sqlite.org/howtocorrupt.html, 2.6.
        left, self._db = self._db, None
        self._lock = threading.Lock()
        if self._end is not None:
            self._end.detach()
        return left


def _opened(path: Path) -> sqlite3.Connection:
    """A connection to a file of ours, which is made if there is none.

    Raises:
        sqlite3.Error: It is another file, or broken.
        OSError: It cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # For its owner alone: answers are sealed, and how many there are is nobody's business either.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    # Any thread may use it, one at a time.
    db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        _prepare(db)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    if owner != _OURS:
        # Two processes may be at it at once: what the other has made is looked at under the lock.
        db.execute("BEGIN IMMEDIATE")
        (owner,) = db.execute("PRAGMA application_id").fetchone()
        with closing(db.execute("SELECT 1 FROM sqlite_master")) as tables:
            is_empty = tables.fetchone() is None
        if owner != _OURS and (owner or not is_empty):
            raise sqlite3.DatabaseError("it is another program's database")
        db.execute(f"PRAGMA application_id = {_OURS}")
        db.execute("COMMIT")
    write_ahead(db, _BUSY)
    # In WAL mode this is safe against a crash of the process; what a crash of the machine loses was only kept.
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(_TABLE)


def _used(db: sqlite3.Connection) -> int:
    """Bytes of the file in use; free pages are used again."""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * size)
