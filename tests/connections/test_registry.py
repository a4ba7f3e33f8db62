"""The registry: one read for all, renewed in time, stale rather than nothing."""

from __future__ import annotations

import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from genai_integrations.connections import registry as registry_module
from genai_integrations.connections.connection import BrokenConnection
from genai_integrations.connections.environment import EnvironmentStore
from genai_integrations.connections.registry import ConnectionRegistry, Snapshot
from genai_integrations.errors import (
    ConfigurationError,
    ConnectionNotFoundError,
    CredentialError,
    CredentialStoreError,
)

TIMEOUT = 30


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Store:
    """A store that counts its reads and can be made to wait or to fail."""

    def __init__(self, connections):
        self.connections = list(connections)
        self.error = None
        self.reads = []
        self.started = threading.Semaphore(0)
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __str__(self):
        return "the store"

    def load(self, names):
        self.reads.append(names)
        self.started.release()
        assert self.may_go_on.wait(TIMEOUT)
        if self.error is not None:
            raise self.error
        return [entry for entry in self.connections if names is None or entry.name in names]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(make_connection):
    return Store(make_connection("openai", name=name) for name in ("seoul", "busan"))


@pytest.fixture
def registry(store, clock):
    return ConnectionRegistry(store, clock=clock)


@pytest.fixture
def renewals(monkeypatch):
    """Threads that the registry starts, so that a test can wait for their end."""
    threads = []

    class Thread(threading.Thread):
        def start(self):
            threads.append(self)
            super().start()

    monkeypatch.setattr(registry_module.threading, "Thread", Thread)
    yield threads
    for thread in threads:
        thread.join(TIMEOUT)


@pytest.fixture
def waiting(monkeypatch):
    """Counts the threads that wait for another one's read."""
    count = threading.Semaphore(0)

    class Flight(registry_module.Future):
        def result(self, timeout=None):
            count.release()
            return super().result(timeout)

    monkeypatch.setattr(registry_module, "Future", Flight)
    return count


def test_nothing_is_read_before_it_is_wanted(registry, store):
    """Making a registry and peeking into it reads nothing."""
    assert registry.peek() is None
    assert store.reads == []


def test_what_was_read_is_kept(registry, store, clock):
    """Within the time to live, everybody gets the same snapshot from one read."""
    first = registry.load()
    clock.now += 239

    assert registry.load() is first
    assert registry.peek() is first
    assert first.version == 1
    assert [connection.name for connection in first.connections] == ["seoul", "busan"]
    assert list(first.by_name) == ["seoul", "busan"]
    assert store.reads == [None]


def test_after_its_time_it_is_read_again(registry, store, clock):
    """At the end of the time to live `peek` gives nothing, and `load` reads."""
    registry.load()
    clock.now += 300

    assert registry.peek() is None
    assert registry.load().version == 2
    assert len(store.reads) == 2


def test_callers_at_the_same_time_share_one_read(registry, store):
    """Ten threads that load at once make one read and get one snapshot."""
    store.may_go_on.clear()
    with ThreadPoolExecutor(10) as pool:
        loads = [pool.submit(registry.load) for _ in range(10)]
        assert store.started.acquire(timeout=TIMEOUT)
        store.may_go_on.set()
        snapshots = {id(load.result(TIMEOUT)) for load in loads}

    assert len(snapshots) == 1
    assert len(store.reads) == 1


def test_callers_at_the_same_time_share_one_failure(registry, store, waiting):
    """A store that is away is not asked once for each of the threads that wait for it."""
    store.error = CredentialStoreError("away")
    store.may_go_on.clear()
    with ThreadPoolExecutor(6) as pool:
        loads = [pool.submit(registry.load) for _ in range(6)]
        for _ in range(5):
            assert waiting.acquire(timeout=TIMEOUT)
        store.may_go_on.set()
        errors = [load.exception(TIMEOUT) for load in loads]

    assert all(isinstance(error, CredentialStoreError) for error in errors)
    assert len(store.reads) == 1


def test_a_waiter_outlives_anothers_ctrl_c(registry, store, waiting):
    """An interrupt ends only the thread it hit; whoever waited for its read makes one of its own."""
    store.error = KeyboardInterrupt()
    store.may_go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        interrupted = pool.submit(registry.load)
        assert store.started.acquire(timeout=TIMEOUT)
        waiter = pool.submit(registry.load)
        assert waiting.acquire(timeout=TIMEOUT)
        store.may_go_on.set()
        assert isinstance(interrupted.exception(TIMEOUT), KeyboardInterrupt)
        assert isinstance(waiter.exception(TIMEOUT), KeyboardInterrupt)

    assert len(store.reads) == 2
    store.error = None
    assert registry.load().version == 1


def test_fifty_refusals_make_one_read(registry, store, clock):
    """Threads that all got a 401 with the same snapshot share one fresh read."""
    seen = registry.load()
    clock.now += 60
    everybody = threading.Barrier(50)

    def refresh():
        everybody.wait(TIMEOUT)
        return registry.refresh(seen)

    with ThreadPoolExecutor(50) as pool:
        snapshots = {
            id(future.result(TIMEOUT)) for future in [pool.submit(refresh) for _ in range(50)]
        }

    assert len(snapshots) == 1
    assert len(store.reads) == 2
    assert registry.peek().version == 2


def test_a_refresh_after_somebody_elses_reads_nothing(registry, store, clock):
    """A late 401 that was made with the old key gets what is already known."""
    seen = registry.load()
    clock.now += 60
    newer = registry.refresh(seen)
    clock.now += 60

    assert registry.refresh(seen) is newer
    assert registry.refresh(newer).version == 3
    assert len(store.reads) == 3


def test_a_refresh_that_was_asked_for_always_reads(registry, store):
    """Whoever changed a connection and says so gets the change at once."""
    registry.load()

    assert registry.refresh().version == 2
    assert registry.refresh().version == 3
    assert len(store.reads) == 3


def test_a_refresh_without_a_load_reads(registry, store):
    """`refresh` may come first."""
    assert registry.refresh().version == 1
    assert len(store.reads) == 1


def test_it_is_renewed_before_it_expires(registry, store, clock, renewals):
    """From four fifths of its life on, one caller starts a renewal; all go on with what there is meanwhile."""
    first = registry.load()
    store.may_go_on.clear()
    clock.now += 240

    assert registry.peek() is first
    assert store.started.acquire(timeout=TIMEOUT)
    assert store.started.acquire(timeout=TIMEOUT)
    assert registry.peek() is first
    assert registry.load() is first
    assert len(renewals) == 1
    assert renewals[0].daemon
    store.may_go_on.set()
    renewals[0].join(TIMEOUT)

    assert registry.peek().version == 2
    assert len(store.reads) == 2


def test_a_load_joins_the_renewal_that_is_under_way(registry, store, clock, renewals):
    """When time runs out during a renewal, whoever needs the connections waits for that one read."""
    registry.load()
    assert store.started.acquire(timeout=TIMEOUT)
    store.may_go_on.clear()
    clock.now += 240
    registry.peek()
    assert store.started.acquire(timeout=TIMEOUT)
    clock.now += 60

    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(registry.load)
        store.may_go_on.set()
        assert load.result(TIMEOUT).version == 2

    assert len(store.reads) == 2


def test_a_store_that_is_away_leaves_what_is_known(registry, store, clock, renewals, caplog):
    """The last snapshot is served with a warning, and the store is tried again after a pause only."""
    snapshot = registry.load()
    store.error = CredentialStoreError("the database is away")
    clock.now += 300

    with caplog.at_level(logging.WARNING, "genai_integrations"):
        assert registry.load() is snapshot
    assert "the database is away; still using the connections read 300 s ago" in caplog.text
    clock.now += 14
    assert registry.load() is snapshot
    assert len(store.reads) == 2

    clock.now += 1
    assert registry.peek() is snapshot
    renewals[0].join(TIMEOUT)
    assert len(store.reads) == 3

    store.error = None
    clock.now += 15
    assert registry.peek() is snapshot
    renewals[1].join(TIMEOUT)
    assert registry.peek().version == 2


def test_what_is_too_old_is_not_used(registry, store, clock):
    """After the longest time allowed, the store's own error is raised, until it is back."""
    registry.load()
    store.error = CredentialStoreError("the database is away")
    clock.now += 3599
    registry.load()
    clock.now += 1

    assert registry.peek() is None
    with pytest.raises(CredentialStoreError, match="the database is away"):
        registry.load()
    store.error = None
    assert registry.load().version == 2


def test_a_failed_renewal_shortens_nothing(registry, store, clock, renewals, caplog):
    """What was fresh for another minute stays so, and the renewal is tried again."""
    snapshot = registry.load()
    store.error = CredentialStoreError("away")
    clock.now += 240
    registry.peek()
    renewals[0].join(TIMEOUT)
    clock.now += 15
    store.error = None

    assert registry.peek() is snapshot
    renewals[1].join(TIMEOUT)
    assert registry.peek().version == 2


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (CredentialError("refused pair"), "refused pair"),
        (ZeroDivisionError("CANARY"), "ZeroDivisionError"),
    ],
)
def test_other_errors_are_not_papered_over(
    *, registry, store, clock, renewals, caplog, error, logged
):
    """A refused key pair is no outage: a renewal only logs it, by its class if it is not ours, and the next load raises it."""
    registry.load()
    store.error = error
    clock.now += 240
    registry.peek()
    renewals[0].join(TIMEOUT)

    assert f"could not renew the connections: {logged}" in caplog.text
    assert "CANARY" not in caplog.text
    clock.now += 60
    with pytest.raises(type(error)):
        registry.load()


def test_a_failing_first_read_raises(registry, store):
    """With nothing known there is nothing to serve, and the next try is not put off."""
    store.error = CredentialStoreError("away")
    with pytest.raises(CredentialStoreError):
        registry.load()
    store.error = None

    assert registry.load().version == 1


def test_an_unknown_name_is_named_with_its_neighbours(store):
    """A typing error at the first read says what was meant."""
    with pytest.raises(
        ConnectionNotFoundError,
        match=r"the store has no LLM connection named 'soul'; it has 'seoul'",
    ):
        ConnectionRegistry(store, ["busan", "soul"]).load()


def test_an_unknown_name_with_no_neighbour(store, make_connection):
    """Without a near name the error lists some; a store that cannot list gives none."""
    with pytest.raises(ConnectionNotFoundError, match=r"it has 'seoul', 'busan'"):
        ConnectionRegistry(store, ["zzz"]).load()

    class Silent(Store):
        def load(self, names):
            if names is None:
                raise CredentialStoreError("no listing")
            return super().load(names)

    with pytest.raises(ConnectionNotFoundError, match=r"named 'zzz'$"):
        ConnectionRegistry(Silent([]), ["zzz"]).load()


def test_langfuse_and_the_environment_say_where_they_looked(postgres, make_store):
    """The error of each store names the place."""
    with pytest.raises(
        ConnectionNotFoundError, match=r"the Langfuse project of this key pair .*'gemini_seoul'"
    ):
        ConnectionRegistry(make_store(postgres), ["gemini_soul"]).load()
    with pytest.raises(ConnectionNotFoundError, match=r"the environment .* has no LLM connection"):
        ConnectionRegistry(EnvironmentStore({}), ["openai"]).load()


def test_a_name_that_vanishes_later_is_logged(store, clock, caplog):
    """A connection deleted under a running program is a warning, once."""
    registry = ConnectionRegistry(store, ["seoul", "busan"], clock=clock)
    registry.load()
    del store.connections[0]
    for _ in range(2):
        clock.now += 300
        registry.load()

    assert list(registry.peek().by_name) == ["busan"]
    assert caplog.text.count("'seoul' is no longer there") == 1


def test_names_are_asked_for_once_and_in_order(store):
    """A name given twice counts once, and a single text is one name."""
    ConnectionRegistry(store, ["busan", "seoul", "busan"]).load()
    ConnectionRegistry(store, "seoul").load()

    assert store.reads == [("busan", "seoul"), ("seoul",)]


def test_no_names_at_all_is_a_mistake(store):
    """An empty list would serve nothing."""
    with pytest.raises(ConfigurationError, match="llm_connection_names is empty"):
        ConnectionRegistry(store, [])


def test_broken_connections_are_kept_apart(make_connection, clock):
    """A broken connection is there by name and does not count as missing."""
    broken = BrokenConnection("odd", ConfigurationError("no region"))
    store = Store([make_connection("openai", name="seoul"), broken])

    snapshot = ConnectionRegistry(store, ["odd", "seoul"], clock=clock).load()

    assert snapshot.broken == (broken,)
    assert list(snapshot.by_name) == ["seoul"]
    assert snapshot.names == {"odd", "seoul"}


def test_of_two_with_one_name_the_first_counts(make_connection):
    """A store's order decides."""
    first, second = make_connection("openai"), make_connection("azure")

    assert Snapshot.of(1, [first, second]).by_name == {"seoul": first}


def test_the_end_of_the_interpreter_is_no_error(registry, clock, monkeypatch):
    """When no thread can be started any more, what is known is served."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    snapshot = registry.load()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    clock.now += 240

    assert registry.peek() is snapshot


def test_its_repr_names_what_it_reads(store):
    """The repr shows the names and nothing of what was read."""
    assert "names=('seoul',)" in repr(ConnectionRegistry(store, ["seoul"]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_process_can_read_while_its_parent_was_reading(registry, store):
    """A fork in the middle of another thread's read leaves the child no lock or read to wait for."""
    store.may_go_on.clear()
    reader = threading.Thread(target=registry.load)
    reader.start()
    assert store.started.acquire(timeout=TIMEOUT)
    registry._lock.acquire()
    child = os.fork()
    if child == 0:
        signal.alarm(TIMEOUT)
        store.may_go_on.set()
        try:
            os._exit(0 if registry.load().version == 1 else 1)
        finally:
            os._exit(2)
    registry._lock.release()
    _, status = os.waitpid(child, 0)
    store.may_go_on.set()
    reader.join(TIMEOUT)

    assert os.waitstatus_to_exitcode(status) == 0
    assert len(store.reads) == 1
