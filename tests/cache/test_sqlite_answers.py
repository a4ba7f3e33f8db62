"""Answers in a SQLite file: what is kept, who finds it, and what happens when the file is not as it should be."""

from __future__ import annotations

import logging
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from genai_integrations.cache import sqlite
from genai_integrations.cache.sqlite import SqliteAnswers

ENTRY = {"reply": {"choices": [{"message": {"content": "Hi!"}}]}, "by": ["a/m", "a", "openai", "m"]}
QUESTION = {"body": "Hello!"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "answers.db"


@pytest.fixture
def store(path, sealing_of):
    return SqliteAnswers(path, sealing_of())


def entry(store, question=QUESTION):
    found = store.get(store.key(question))
    return found and found.entry


def keep(store, question=QUESTION, entry=ENTRY):
    store.put(store.key(question), entry)


@contextmanager
def rows(path):
    """The file, opened by somebody else."""
    db = sqlite3.connect(path, isolation_level=None)
    yield db
    db.close()


def test_what_is_kept_is_found_by_another_store(path, store, sealing_of):
    """Of the same tenant; and the file is for its owner's eyes."""
    assert entry(store) is None
    keep(store)

    assert entry(store) == ENTRY
    assert entry(SqliteAnswers(path, sealing_of())) == ENTRY
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"Hi!" not in path.read_bytes() + path.with_name("answers.db-wal").read_bytes()


def test_tenants_do_not_meet_in_one_file(path, store, sealing_of):
    """Neither when they look, nor when one forgets all."""
    other = SqliteAnswers(path, sealing_of("project-2"))
    keep(store)
    assert entry(other) is None
    keep(other, entry={**ENTRY, "n": 2})

    store.clear()

    assert entry(store) is None
    assert entry(other) == {**ENTRY, "n": 2}


def test_what_was_written_by_others_is_no_answer(path, store):
    """Changed, moved, or lengthened in its row."""
    keep(store)
    keep(store, {"body": "other"}, {**ENTRY, "n": 2})
    with rows(path) as db:
        ours, other = store.key(QUESTION), store.key({"body": "other"})
        db.execute("UPDATE answers_1 SET until = until + 1e9")
        db.execute("UPDATE answers_1 SET value = (SELECT value FROM answers_1 WHERE key = ?) WHERE key = ?", (other, ours))  # fmt: skip

    assert entry(store) is None
    assert entry(store, {"body": "other"}) == {**ENTRY, "n": 2}


def test_old_answers_are_gone(path, store, wall):
    """Whatever the row says."""
    keep(store)
    wall.now += 601
    with rows(path) as db:
        db.execute("UPDATE answers_1 SET until = until + 1e9")

    assert entry(store) is None


def test_the_file_stays_within_its_size(path, sealing_of, wall):
    """Those kept first go, and one that would take a quarter of it is not kept."""
    store = SqliteAnswers(path, sealing_of(), max_bytes=200_000)
    for n in range(100):
        wall.now += 1
        keep(store, {"n": n}, {**ENTRY, "text": "x" * 5000})
    keep(store, {"n": "large"}, {**ENTRY, "text": "x" * 50_000})

    found = [n for n in range(100) if entry(store, {"n": n})]
    assert 20 <= len(found) <= 40
    assert found == list(range(100 - len(found), 100))
    assert entry(store, {"n": "large"}) is None
    assert path.stat().st_size <= 250_000


def spoilt(path, way):
    """Make the file one that cannot be used."""
    path.parent.mkdir()
    if way == "no database":
        path.write_bytes(b"not a database" * 1000)
    elif way == "somebody else's":
        with rows(path) as db:
            db.execute("CREATE TABLE precious (a)")
    elif way == "a folder":
        path.mkdir()
    elif way == "cut":
        with rows(path) as db:
            db.executescript(
                "CREATE TABLE precious (a); INSERT INTO precious VALUES (zeroblob(50000))"
            )
        path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize("way", ["no database", "somebody else's", "a folder", "cut"])
def test_a_file_that_cannot_be_used_is_left_alone(way, path, store, caplog):
    """It is told once in a while, and nothing of it is changed. Nor is it said to be ours to delete."""
    spoilt(path, way)
    before = path.is_dir() or path.read_bytes()

    for _ in range(3):
        keep(store)
        assert entry(store) is None

    assert path.is_dir() or path.read_bytes() == before
    told = [row.getMessage() for row in caplog.records if row.levelno == logging.WARNING]
    assert 1 <= len(told) <= 2
    assert "cached answers cannot be" in told[0]
    assert str(path) in told[0]
    assert "name another file, or delete this one if it is only a cache" in told[0]


def test_a_file_that_breaks_is_used_again_when_it_is_replaced(path, store, sealing_of, monkeypatch):
    """Without a new start of the program."""
    spoilt(path, "no database")
    keep(store)
    path.unlink()
    monkeypatch.setattr(store, "_left_alone", {"read": 0.0, "written": 0.0})

    keep(store)

    assert entry(store) == ENTRY


def test_a_file_that_is_deleted_is_forgotten(path, store, sealing_of):
    """At once, and what is kept from then on is found by others."""
    keep(store)
    for left in path.parent.iterdir():
        left.unlink()

    assert entry(store) is None
    keep(store)
    assert entry(store) == entry(SqliteAnswers(path, sealing_of())) == ENTRY


def test_pages_that_are_broken_are_no_answers(path, store, sealing_of):
    """Nor is the call that meets them lost."""
    for n in range(50):
        keep(store, {"n": n}, {**ENTRY, "text": "x" * 3000})
    with rows(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 30] = os.urandom(4096 * 27)
    path.write_bytes(data)
    broken = SqliteAnswers(path, sealing_of())
    broken._left_alone = dict.fromkeys(("read", "written"), float("-inf"))

    found = [entry(broken, {"n": n}) for n in range(50)]

    assert all(row is None or row == {**ENTRY, "text": "x" * 3000} for row in found)


def test_a_file_that_breaks_while_it_is_open_is_opened_anew(path, store, monkeypatch):
    """Once it has been replaced; until then there is nothing."""
    for n in range(50):
        keep(store, {"n": n}, {**ENTRY, "text": "x" * 3000})
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store._db.execute("PRAGMA cache_size = 0")
    path.write_bytes(b"not a database" * 10_000)
    assert [entry(store, {"n": n}) for n in range(50)] == [None] * 50
    for left in path.parent.iterdir():
        left.unlink()
    store._left_alone = dict.fromkeys(("read", "written"), float("-inf"))

    keep(store)

    assert entry(store) == ENTRY
    assert path.read_bytes().startswith(b"SQLite format 3")


def test_a_full_disk_costs_only_what_would_be_kept(path, store, caplog):
    """What is there is still found."""
    keep(store)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 40_000, hard))
    try:
        for n in range(5):
            keep(store, {"n": n}, {**ENTRY, "text": "x" * 100_000})
        found = entry(store), entry(store, {"n": 4})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert found == (ENTRY, None)
    assert "cached answers cannot be written for now" in caplog.text


def test_a_file_that_is_full_from_the_beginning(path, sealing_of):
    """Nothing is kept, and nothing fails."""
    store = SqliteAnswers(path, sealing_of())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        keep(store)
        assert entry(store) is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_may_only_be_read(path, store, sealing_of, monkeypatch):
    """As on a machine where another user owns it."""
    keep(store)
    monkeypatch.setattr(sqlite.os, "open", lambda *_: (_ for _ in ()).throw(PermissionError("no")))

    assert entry(SqliteAnswers(path, sealing_of())) is None


def test_another_writer_is_not_waited_for_long(path, store, monkeypatch):
    """What cannot be written meanwhile is left out, and the store is used on at once."""
    keep(store)
    store._db.execute("PRAGMA busy_timeout = 1")
    with rows(path) as db:
        db.execute("BEGIN IMMEDIATE")
        keep(store, {"n": 1})
        assert entry(store) == ENTRY
        db.execute("COMMIT")
    assert entry(store, {"n": 1}) is None

    keep(store, {"n": 1})
    assert entry(store, {"n": 1}) == ENTRY


def test_another_version_has_a_table_of_its_own(path, store):
    """Both use the same file."""
    with_newer = "CREATE TABLE answers_2 (anything); INSERT INTO answers_2 VALUES (7)"
    keep(store)
    with rows(path) as db:
        db.executescript(with_newer)

    store.clear()
    keep(store)

    assert entry(store) == ENTRY
    with rows(path) as db:
        assert db.execute("SELECT * FROM answers_2").fetchall() == [(7,)]


_WRITER = """
import sys
from pathlib import Path
from genai_integrations import Secret
from genai_integrations.cache.kept import Lifetimes
from genai_integrations.cache.sealing import Sealing
from genai_integrations.cache.sqlite import SqliteAnswers

me = int(sys.argv[2])
store = SqliteAnswers(Path(sys.argv[1]), Sealing(Secret("a secret of sixteen"), lambda: "p", Lifetimes()))
for n in range(200):
    store.put(store.key({"n": n % 20}), {"n": n % 20, "by": me})
    found = store.get(store.key({"n": n * 7 % 20}))
    assert found is None or found.entry["n"] == n * 7 % 20
"""


def test_two_processes_write_at_once(path):
    """From the file's beginning, and neither is given a wrong answer."""
    command = [sys.executable, "-W", "error", "-c", _WRITER, str(path)]
    processes = [subprocess.Popen([*command, str(me)]) for me in range(2)]

    assert [process.wait() for process in processes] == [0, 0]
    with rows(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM answers_1").fetchone() == (20,)


def test_threads_share_a_store(store):
    """One at a time uses the file."""
    wrong = []

    def work(seed):
        for n in range(50):
            keep(store, {"n": n}, {"n": n})
            found = entry(store, {"n": (n + seed) % 50})
            if found not in (None, {"n": (n + seed) % 50}):
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
    assert entry(store, {"n": 49}) == {"n": 49}


def test_a_forked_child_has_a_connection_of_its_own(store):
    """Whatever the parent's threads were at."""
    keep(store)
    store._lock.acquire()
    child = os.fork()
    if child == 0:
        os._exit(0 if entry(store) == ENTRY else 7)
    store._lock.release()
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert entry(store) == ENTRY


def test_its_repr_tells_where_it_is(path, store):
    assert repr(store) == f"SqliteAnswers('{path}')"
