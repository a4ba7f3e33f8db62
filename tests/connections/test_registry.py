"""The registry: one read for all, renewed in time, stale rather than nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from genai_integrations.connections.connection import BrokenConnection
from genai_integrations.connections.environment import EnvironmentStore
from genai_integrations.connections.registry import ConnectionRegistry, Snapshot
from genai_integrations.connections.stores import GivenConnections
from genai_integrations.errors import (
    ConfigurationError,
    ConnectionNotFoundError,
    CredentialError,
    CredentialStoreError,
    RequestTimeoutError,
)
from genai_integrations.runtime import single_flight

TIMEOUT = 30


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Store:
    """A store that counts its reads and can be made to fail, or to wait once it has read its rows."""

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
        rows = [entry for entry in self.connections if names is None or entry.name in names]
        self.started.release()
        assert self.may_go_on.wait(TIMEOUT)
        if self.error is not None:
            raise self.error
        return rows


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

    monkeypatch.setattr(single_flight.threading, "Thread", Thread)
    yield threads
    wait_for(threads)


def wait_for(threads):
    """Until all reads are over that run in threads: renewals, and those of who knows something already."""
    for thread in threads:
        thread.join(TIMEOUT)


@pytest.fixture
def waiting(monkeypatch):
    """Counts the threads that wait for another one's read."""
    count = threading.Semaphore(0)

    class Flight(single_flight.Future):
        def result(self, timeout=None):
            count.release()
            return super().result(timeout)

    monkeypatch.setattr(single_flight, "Future", Flight)
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
    """A store that is away is asked once; each thread raises an error of its own, with its own frames only."""
    store.error = CredentialStoreError("away")
    store.may_go_on.clear()
    with ThreadPoolExecutor(6) as pool:
        loads = [pool.submit(registry.load) for _ in range(6)]
        for _ in range(5):
            assert waiting.acquire(timeout=TIMEOUT)
        store.may_go_on.set()
        errors = [load.exception(TIMEOUT) for load in loads]

    assert [(type(error), str(error)) for error in errors] == [(CredentialStoreError, "away")] * 6
    assert len({id(error) for error in errors}) == 6
    assert max(len(traceback.extract_tb(error.__traceback__)) for error in errors) <= 12
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


@pytest.fixture
def refused(registry, store, clock, make_connection):
    """The connection `seoul` with the key that was read first; its owner has changed it since."""
    connection = registry.load().by_name["seoul"]
    clock.now += 60
    store.connections[0] = make_connection("openai", "sk-new", name="seoul")
    return connection


def at_once(work, count=50):
    """What each of many threads got that did the same at the same time."""
    everybody = threading.Barrier(count)

    def wait_and_work():
        everybody.wait(TIMEOUT)
        return work()

    with ThreadPoolExecutor(count) as pool:
        return [
            future.result(TIMEOUT) for future in [pool.submit(wait_and_work) for _ in range(count)]
        ]


def test_fifty_refusals_make_one_read(registry, store, refused):
    """Threads whose old key was refused share one read that brings another key."""
    snapshots = at_once(lambda: registry.refresh(than=refused))

    assert {snapshot.by_name["seoul"].secret.reveal() + "" for snapshot in snapshots} == {"sk-new"}
    assert len(store.reads) == 2


def test_refusals_during_a_read_make_one_more(registry, store, refused, waiting):
    """If the read brings the refused key again, that may have changed since it began; one more read is enough for all."""
    store.connections[0] = refused
    store.may_go_on.clear()
    with ThreadPoolExecutor(10) as pool:
        refreshes = [pool.submit(registry.refresh, than=refused) for _ in range(10)]
        for _ in range(9):
            assert waiting.acquire(timeout=TIMEOUT)
        store.may_go_on.set()
        found = {refresh.result(TIMEOUT).by_name["seoul"] for refresh in refreshes}

    assert found == {refused}
    assert len(store.reads) == 3


def test_a_refusal_after_a_read_began_is_not_answered_by_that_read(
    registry, store, refused, waiting
):
    """It may have read the old row: another one follows it."""
    new, store.connections[0] = store.connections[0], refused
    store.may_go_on.clear()
    assert store.started.acquire(timeout=TIMEOUT)
    with ThreadPoolExecutor(2) as pool:
        earlier = pool.submit(registry.refresh)
        assert store.started.acquire(timeout=TIMEOUT)
        store.connections[0] = new
        later = pool.submit(registry.refresh, than=refused)
        assert waiting.acquire(timeout=TIMEOUT)
        store.may_go_on.set()
        earlier.result(TIMEOUT)
        snapshot = later.result(TIMEOUT)

    assert snapshot.by_name["seoul"] is new
    assert len(store.reads) == 3


def test_a_refresh_after_somebody_elses_reads_nothing(registry, store, clock, refused):
    """A late 401 that was made with the old key gets what is already known."""
    newer = registry.refresh(than=refused)
    clock.now += 60

    assert registry.refresh(than=refused) is newer
    assert registry.refresh(than=newer.by_name["seoul"]).version == 3
    assert len(store.reads) == 3


def test_a_refresh_that_was_asked_for_always_reads(registry, store):
    """Whoever changed a connection and says so gets the change at once."""
    registry.load()

    assert registry.refresh().version == 2
    assert registry.refresh().version == 3
    assert len(store.reads) == 3


def test_a_refresh_does_not_join_a_read_that_began_before_it(
    registry, store, make_connection, waiting
):
    """What that read brings may be older than the change for which the refresh was asked."""
    store.may_go_on.clear()
    with ThreadPoolExecutor(3) as pool:
        load = pool.submit(registry.load)
        assert store.started.acquire(timeout=TIMEOUT)
        store.connections = [make_connection("openai", "sk-new", name="daegu")]
        refreshes = [pool.submit(registry.refresh) for _ in range(2)]
        for _ in refreshes:
            assert waiting.acquire(timeout=TIMEOUT)
        store.may_go_on.set()

    assert list(load.result().by_name) == ["seoul", "busan"]
    assert {tuple(refresh.result().by_name) for refresh in refreshes} == {("daegu",)}
    assert len(store.reads) == 2


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
    wait_for(renewals)

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
    wait_for(renewals)
    assert len(store.reads) == 3

    store.error = None
    clock.now += 15
    assert registry.peek() is snapshot
    wait_for(renewals)
    assert registry.peek().version == 2


def test_a_silent_store_holds_nobody_up_who_knows_something(registry, store, clock, caplog):
    """What is known is used though it is no longer fresh, and the read that hangs brings the new in the end."""
    known = registry.load()
    clock.now += 400
    store.may_go_on.clear()

    assert registry.load() is known
    assert asyncio.run(registry.aload()) is known
    assert len(store.reads) == 2, "nobody began a third read"
    assert caplog.messages == [
        "the store of connections does not answer; still using what was read 400 s ago"
    ]

    store.may_go_on.set()
    assert registry.refresh().version > known.version


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
    wait_for(renewals)
    clock.now += 15
    store.error = None

    assert registry.peek() is snapshot
    wait_for(renewals)
    assert registry.peek().version == 2


def test_a_refused_pair_is_not_papered_over(registry, store, clock, renewals, caplog):
    """It is no outage: a renewal only logs it, tries again after a pause, and the next load raises it."""
    snapshot = registry.load()
    store.error = CredentialError("refused pair")
    clock.now += 240
    registry.peek()
    wait_for(renewals)
    assert "could not renew the connections: refused pair" in caplog.text

    clock.now += 14
    assert registry.peek() is snapshot
    clock.now += 1
    assert registry.peek() is snapshot
    wait_for(renewals)
    assert len(store.reads) == 3
    clock.now += 45
    with pytest.raises(CredentialError, match="refused pair"):
        registry.load()


@pytest.mark.parametrize("error", [OSError("CANARY"), ZeroDivisionError("CANARY"), TimeoutError()])
@pytest.mark.parametrize("limit", [None, float("inf")])
def test_a_stores_own_error_becomes_one_of_ours(registry, store, clock, error, limit, caplog):
    """Whatever it is, it counts as an outage of the store: what is known is used on; its words stay with the cause."""
    store.error = error
    with pytest.raises(CredentialStoreError) as caught:
        registry.load(limit)
    assert f"Store raised {type(error).__name__}, " in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is error

    store.error = None
    snapshot = registry.load()
    store.error = error
    assert registry.refresh(limit=limit) is snapshot
    clock.now += 300
    assert registry.load(limit) is snapshot
    assert "still using the connections" in caplog.text
    assert "CANARY" not in caplog.text


def test_a_store_that_gives_nothing_usable_is_away(store, clock):
    """So does one that forgets to return anything."""
    store.load = lambda _names: None

    with pytest.raises(CredentialStoreError, match="Store raised TypeError"):
        ConnectionRegistry(store, clock=clock).load()


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


def test_a_limit_ends_the_wait_and_not_the_read(registry, store):
    """Whose deadline passes gets an error that says so; the read goes on for the others."""
    store.may_go_on.clear()
    message = "the deadline passed while the connections were read"
    with pytest.raises(RequestTimeoutError, match=message):
        registry.load(limit=time.monotonic())
    with pytest.raises(RequestTimeoutError, match=message):
        registry.refresh(limit=time.monotonic())
    with pytest.raises(RequestTimeoutError, match=message):
        asyncio.run(registry.aload(limit=time.monotonic()))
    with pytest.raises(RequestTimeoutError, match=message):
        asyncio.run(registry.arefresh(limit=time.monotonic()))
    store.may_go_on.set()

    assert registry.load().version == 1
    assert len(store.reads) == 1


def test_an_event_loop_goes_on_while_a_store_is_read(registry, store):
    """Twenty tasks wait for one read in a thread; one that is cancelled takes nothing from the others."""
    store.may_go_on.clear()

    async def main():
        tasks = [asyncio.create_task(registry.aload()) for _ in range(20)]
        assert await asyncio.to_thread(store.started.acquire, timeout=TIMEOUT)
        tasks[0].cancel()
        await asyncio.sleep(0)
        store.may_go_on.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        return found, await registry.arefresh()

    found, refreshed = asyncio.run(main())

    assert isinstance(found[0], asyncio.CancelledError)
    assert [snapshot.version for snapshot in found[1:]] == [1] * 19
    assert refreshed.version == 2
    assert len(store.reads) == 2


class AwaitedStore(Store):
    """A store with an asynchronous side that notes on which loop it is awaited."""

    def __init__(self, connections):
        super().__init__(connections)
        self.loops = []

    async def aload(self, names):
        self.loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return super().load(names)


def test_a_store_that_can_be_awaited_is_awaited(make_connection, clock):
    """On the caller's own loop, once for all its tasks; threads call `load`."""
    store = AwaitedStore([make_connection("openai")])
    registry = ConnectionRegistry(store, clock=clock)

    async def main():
        found = await asyncio.gather(*(registry.aload() for _ in range(20)))
        return asyncio.get_running_loop(), found, await registry.arefresh()

    loop, found, refreshed = asyncio.run(main())

    assert store.loops == [loop] * 2
    assert {snapshot.version for snapshot in found} == {1}
    assert refreshed.version == registry.peek().version == 2
    assert registry.refresh().version == 3
    assert len(store.loops) == 2


def test_an_awaited_store_fails_as_another_does(make_connection, clock):
    """Its own errors become ours, a missing name is named with its neighbours, and what is known is used on."""
    store = AwaitedStore([make_connection("openai", name="seoul")])
    registry = ConnectionRegistry(store, ["soul"], clock=clock)
    with pytest.raises(ConnectionNotFoundError, match=r"named 'soul'; it has 'seoul'"):
        asyncio.run(registry.aload())

    store.error = OSError("sealed")
    with pytest.raises(CredentialStoreError, match="AwaitedStore raised OSError"):
        asyncio.run(registry.aload())
    store.error = None
    registry = ConnectionRegistry(store, clock=clock)
    snapshot = asyncio.run(registry.aload())
    store.error = OSError("sealed")
    assert asyncio.run(registry.arefresh()) is snapshot


def test_connections_in_memory_need_no_thread(make_connection, renewals):
    """What a program gave itself is there at once, also for a loop."""
    registry = ConnectionRegistry(GivenConnections([make_connection("openai")]))

    assert asyncio.run(registry.aload()).version == 1
    assert renewals == []


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
    registry._reads._lock.acquire()
    child = os.fork()
    if child == 0:
        signal.alarm(TIMEOUT)
        store.may_go_on.set()
        try:
            os._exit(0 if registry.load().version == 1 else 1)
        finally:
            os._exit(2)
    registry._reads._lock.release()
    _, status = os.waitpid(child, 0)
    store.may_go_on.set()
    reader.join(TIMEOUT)

    assert os.waitstatus_to_exitcode(status) == 0
    assert len(store.reads) == 1
