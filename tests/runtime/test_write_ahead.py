"""Files of SQLite that several open at the same moment."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from genai_integrations.runtime import write_ahead as module
from genai_integrations.runtime.write_ahead import write_ahead


@pytest.fixture
def connect(tmp_path):
    """Opens a connection to a file by its name, which waits for nobody by itself."""
    made = []

    def connect(name="a.db", **options):
        found = sqlite3.connect(
            tmp_path / name, timeout=0, isolation_level=None, check_same_thread=False, **options
        )
        made.append(found)
        return found

    yield connect
    for row in made:
        row.close()


def mode(connection):
    return connection.execute("PRAGMA journal_mode").fetchone()[0]


def test_who_is_at_it_is_waited_for(connect, monkeypatch):
    """Until the other is done."""
    one, other = connect(), connect()
    one.execute("BEGIN EXCLUSIVE")
    pauses = []
    monkeypatch.setattr(module.time, "sleep", lambda seconds: pauses.append(one.rollback()))
    write_ahead(other, 60)
    assert (mode(other), len(pauses)) == ("wal", 1)


def test_patience_has_an_end(connect):
    """Then it is told that the file is locked."""
    one, other = connect(), connect()
    one.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write_ahead(other, 0.0)


def test_what_cannot_be_done_is_told_at_once(tmp_path, monkeypatch):
    """Nobody waits for a file that may not be written to."""
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE t (a)")
    made.close()
    monkeypatch.setattr(module.time, "sleep", None)
    only_read = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        write_ahead(only_read, 60)
    only_read.close()


def test_many_at_once(connect):
    """All of those who open a new file have it, whoever comes first."""
    failed = []

    def work(name, start):
        found = connect(name)
        start.wait()
        try:
            write_ahead(found, 60)
        except sqlite3.Error as error:
            failed.append(error)

    for name in map(str, range(40)):
        start = threading.Barrier(4)
        threads = [threading.Thread(target=work, args=(name, start)) for _ in range(4)]
        for row in threads:
            row.start()
        for row in threads:
            row.join()
    assert failed == []
