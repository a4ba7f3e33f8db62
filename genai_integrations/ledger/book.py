"""The ledger's file: SQLite, written by one thread of the process beside the calls.

A call never waits for it, and never fails because of it: what cannot be written is counted and lost, with a warning.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.ledger.rows import ATTEMPTS, CALLS, VERSION, Ended, attempt_row, call_row
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.process_end import finish_worker
from genai_integrations.runtime.write_ahead import file_at, write_ahead

_log = logging.getLogger("genai_integrations")

_MOST_WAITING = 10_000
"""Calls that wait to be written at most: a disk that hangs must not fill the memory."""

_MOST_AT_ONCE = 500
"""Calls of one transaction."""

_PATIENCE = 10.0
"""Seconds that `flush` waits, and another process's writing is waited for."""

_SILENCE = 60.0
"""Seconds between two warnings."""

_CHECKS = 1000
"""Calls written between two looks at whether the file has too many."""


class Book:
    """One file. Safe for threads and after fork, and other processes may write to it as well.

    Args:
        path: The file; its folder exists.
        most_calls: Calls kept; the oldest go first.

    Attributes:
        lost: Calls that could not be written.
    """

    def __init__(self, path: Path, most_calls: int) -> None:
        self.path = path
        self.lost = 0
        self._most_calls = most_calls
        self._warned_at = -_SILENCE
        self._thread: threading.Thread | None
        self._connection: sqlite3.Connection | None
        self._file: tuple[int, int] | None = None
        self._begin()
        after_fork_in_child(self._renew)
        atexit.register(self.flush)

    def __repr__(self) -> str:
        return f"Book({str(self.path)!r})"

    def keep(self, most_calls: int) -> None:
        """Keep so many calls at least: of two who name one file, the larger number counts."""
        self._most_calls = max(self._most_calls, most_calls)

    def put(self, ended: Ended) -> None:
        """Have a call written. Never waits for the disk, and never raises."""
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING:
                self._waiting.popleft()
                self._lose(1, "calls end faster than they can be written")
            self._waiting.append(ended)
            self._put += 1
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._write, name="genai-ledger", daemon=True
                )
                self._thread.start()
                # Here and not at the beginning: a pool's worker may have the book from before its fork.
                finish_worker(self.flush)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until what was put before this is written or lost, at most ten seconds."""
        ends = time.monotonic() + _PATIENCE
        with self._changed:
            wanted = self._put
            while self._done < wanted and (left := ends - time.monotonic()) > 0:
                self._changed.wait(left)

    @contextlib.contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """The file, to be read, with what was put before this in it.

        Raises:
            ConfigurationError: There is no ledger in it.
        """
        self.flush()
        with opened_for_reading(self.path) as connection:
            yield connection

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Ended] = deque()
        self._put = self._done = 0
        self._thread = None
        self._connection = None

    def _renew(self) -> object:
        """After a fork, in the child: what waits is the parent's, and SQLite's connections must not be shared."""
        old = (self._changed, self._waiting, self._thread, self._connection)
        self._begin()
        return old

    def _write(self) -> None:
        """The thread: writes what waits, for ever."""
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                taken = [
                    self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))
                ]
            with _forks.excluded():
                try:
                    self._write_rows(taken)
                except Exception as error:  # noqa: BLE001  a ledger that fails must not end the thread
                    self._close()
                    self._lose(len(taken), _words(error))
            with self._changed:
                # Those that were lost for want of room were never taken.
                self._done = self._put - len(self._waiting)
                self._changed.notify_all()

    def _write_rows(self, taken: Sequence[Ended]) -> None:
        connection = self._current()
        with connection:
            for ended in taken:
                call = _insert(connection, "calls", call_row(ended))
                for number, attempt in enumerate(ended.route.attempts, 1):
                    _insert(connection, "attempts", attempt_row(call, number, attempt))
            if call % _CHECKS < len(taken):
                self._forget(connection, call - self._most_calls)

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that has the name now: a ledger may be moved away, and a new one begun."""
        found = file_at(self.path)
        if self._connection is not None and found != self._file:
            with contextlib.suppress(sqlite3.Error):
                # For who has moved it without its log; SQLite itself writes no more to a file without a name.
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._close()
        if self._connection is None:
            self._connection = _opened(self.path)
            self._file = file_at(self.path)
        return self._connection

    def _forget(self, connection: sqlite3.Connection, last: int) -> None:
        """Let go of the oldest calls."""
        connection.execute("DELETE FROM attempts WHERE call <= ?", (last,))
        connection.execute("DELETE FROM calls WHERE id <= ?", (last,))

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _lose(self, calls: int, why: str) -> None:
        self.lost += calls
        now = time.monotonic()
        if now - self._warned_at >= _SILENCE:
            self._warned_at = now
            _log.warning("the ledger %s: %s; %d calls are not in it", self.path, why, self.lost)


class _Forks:
    """Keeps forks and writing apart: a lock of SQLite's own that is held while a process forks stays so in the child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has_lock = False
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(
                before=self._before, after_in_parent=self._after, after_in_child=self._renew
            )

    @contextlib.contextmanager
    def excluded(self) -> Generator[None]:
        """No fork meanwhile, unless it takes long."""
        with self._lock:
            yield

    def _before(self) -> None:
        self._has_lock = self._lock.acquire(timeout=_FORK_WAITS)

    def _after(self) -> None:
        if self._has_lock:
            self._lock.release()

    def _renew(self) -> None:
        self._lock = threading.Lock()


_FORK_WAITS = 1.0
"""Seconds that a fork waits for what is being written."""

_forks = _Forks()

_books: dict[Path, Book] = {}
_books_lock = threading.Lock()


def book_at(path: str | Path, most_calls: int) -> Book:
    """The book of a file; all clients of a process that name the same one share it.

    Raises:
        ConfigurationError: The folder of the file does not exist.
    """
    found = Path(path).expanduser().absolute()
    if not found.parent.is_dir():
        raise ConfigurationError(f"ledger: the folder {found.parent} does not exist")
    with _books_lock:
        book = _books.get(found)
        if book is None:
            book = _books[found] = Book(found, most_calls)
        book.keep(most_calls)
        return book


@contextlib.contextmanager
def opened_for_reading(path: Path) -> Generator[sqlite3.Connection]:
    """A ledger's file, to be read.

    Raises:
        ConfigurationError: It does not exist, is damaged, or is of another version.
    """
    if not path.is_file():
        raise ConfigurationError(f"there is no ledger at {path}: no call has been recorded yet")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)
    connection.row_factory = sqlite3.Row
    try:
        with connection:
            _require_version(connection, path)
            yield connection
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"the ledger {path} cannot be read: {_words(error)}") from error
    finally:
        connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    """A ledger's file, to be written; made if it is not there."""
    connection = sqlite3.connect(path, timeout=_PATIENCE)
    try:
        write_ahead(connection, _PATIENCE)
        connection.execute("PRAGMA synchronous = NORMAL")
        with connection:
            # Two processes may both find it empty.
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) == 0 and not _has_tables(connection):
                for table, columns in (("calls", CALLS), ("attempts", ATTEMPTS)):
                    told = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
                    key = "id INTEGER PRIMARY KEY AUTOINCREMENT, " if table == "calls" else ""
                    connection.execute(f"CREATE TABLE {table} ({key}{told})")
                connection.execute("CREATE INDEX calls_at ON calls (at)")
                connection.execute("CREATE INDEX attempts_call ON attempts (call)")
                connection.execute(f"PRAGMA user_version = {VERSION}")
        _require_version(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _require_version(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version != VERSION:
        raise ConfigurationError(
            f"{path} is not a ledger of this version ({version}, not {VERSION}): name another file"
        )


def _insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> int:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    command = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  our own names
    done = connection.execute(command, [_storable(value) for value in row.values()])
    return done.lastrowid or 0


def _storable(value: object) -> object:
    """A value as SQLite takes it: one call's half of an emoji would lose all that are written with it.

    That half is written as JSON has it, a backslash and `ud83d`.
    """
    if isinstance(value, str) and not value.isascii():
        return value.encode(errors="backslashreplace").decode()
    return value


def _words(error: BaseException) -> str:
    return (
        f"{error}" if isinstance(error, ConfigurationError) else f"{type(error).__name__}: {error}"
    )
