"""SQLite files that several processes open at the same moment."""

from __future__ import annotations

import sqlite3
import time

_PAUSE = 0.005
"""Seconds between two tries. The mode of a new file is changed within a few."""

_PRIMARY = 0xFF
"""The bits of SQLite's result code that say what kind of failure it is (sqlite.org/rescode.html)."""


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
