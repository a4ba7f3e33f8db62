"""SQLite files that several processes open at the same moment, and that people move and delete meanwhile."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

_PAUSE = 0.005
"""Seconds between two tries. The mode of a new file is changed within a few."""

_PRIMARY = 0xFF
"""The bits of SQLite's result code that say what kind of failure it is (sqlite.org/rescode.html)."""


def file_at(path: Path) -> tuple[int, int] | None:
    """Which file a path names at this moment, by its device and number; None if there is none.

    SQLite goes on with the one that it has opened, whatever becomes of its name: what is written to a file that was
    deleted or moved is written without an error, and found by nobody (sqlite.org/howtocorrupt.html, 4.5).
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Turn on the write-ahead log, with which readers do not wait for who writes.

    Of two processes that do so at once SQLite tells one that the file is locked, at once and whatever the connection's
    own time-out is: a lock that both are about to take would never be free.

    Args:
        connection: To a file, which nobody reads or writes through it yet.
        patience: Seconds for which others are waited for.

    Raises:
        sqlite3.Error: The others are still at it, or it cannot be done.
    """
    ends = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() >= ends:
                raise
        else:
            return
        time.sleep(_PAUSE)
