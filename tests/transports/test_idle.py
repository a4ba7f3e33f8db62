"""How many idle connections are kept, and for how long."""

from __future__ import annotations

import gc
import socket
import threading

import pytest

from genai_integrations.transports.idle import IdleConnections


class Connected:
    """A connection to ourselves, in place of urllib3's."""

    def __init__(self):
        self.sock, self.far = socket.socketpair()

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.far.close()
        self.sock = None


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def idle(clock):
    """At most three for a host, five in all, for 50 seconds."""
    return IdleConnections(per_host=3, in_all=5, age=50.0, clock=clock)


@pytest.fixture
def connected():
    """Make connections; all are closed with the test."""
    made = []

    def connected(count=1):
        made.extend(Connected() for _ in range(count))
        return made[-count:]

    yield connected
    for connection in made:
        connection.close()


def _open(connections):
    return [connection.sock is not None for connection in connections]


def test_the_one_used_last_is_used_next(idle, connected):
    """So the others grow old, and are closed."""
    first, second = connected(2)
    idle.put("a", first)
    idle.put("a", second)

    assert idle.take("a") is second
    assert idle.take("a") is first
    assert idle.take("a") is None
    assert idle.take("b") is None
    assert len(idle) == 0


def test_a_host_keeps_so_many(idle, connected):
    """The oldest of that host is closed for the newest."""
    made = connected(4)
    for connection in made:
        idle.put("a", connection)

    assert _open(made) == [False, True, True, True]
    assert len(idle) == 3


def test_all_hosts_keep_so_many(idle, connected):
    """The oldest of all is closed, whichever host it leads to."""
    made = connected(6)
    for host, connection in zip("abcabc", made, strict=True):
        idle.put(host, connection)

    assert _open(made) == [False, True, True, True, True, True]
    assert idle.take("a") is made[3]
    assert idle.take("a") is None


def test_old_ones_are_closed_when_another_comes(idle, clock, connected):
    """Also those to hosts that nobody asks any more."""
    old, new = connected(2)
    idle.put("a", old)
    clock.now = 50.0
    idle.put("b", new)

    assert _open([old, new]) == [False, True]


def test_an_old_one_is_not_used(idle, clock, connected):
    """A balancer may have forgotten it without a word."""
    (old,) = connected()
    idle.put("a", old)
    clock.now = 50.0

    assert idle.take("a") is None
    assert _open([old]) == [False]


@pytest.mark.parametrize("what", ["closed", "bytes"])
def test_one_that_the_server_touched_is_not_used(what, idle, connected):
    """Closed by the other side, or with bytes that nobody asked for."""
    good, bad = connected(2)
    idle.put("a", good)
    idle.put("a", bad)
    if what == "closed":
        bad.far.close()
    else:
        bad.far.send(b"HTTP/1.1 200 OK\r\n")

    assert idle.take("a") is good
    assert _open([bad]) == [False]


def test_a_finaliser_may_put_one_back_at_any_moment(connected):
    """Garbage is collected in whichever thread, also in one that is at work in here and holds the lock."""
    late, early = connected(2)

    class Dropped:
        def __init__(self):
            self.me = self

        def __del__(self):
            idle.put("a", late)

    class Odd(str):
        """A host whose comparison collects garbage, and so inside the lock."""

        __slots__ = ()

        def __hash__(self):
            gc.collect()
            return hash(str(self))

    idle = IdleConnections()
    Dropped()
    done = threading.Thread(target=idle.put, args=(Odd("a"), early), daemon=True)
    done.start()
    done.join(10)

    assert not done.is_alive()
    assert {idle.take("a"), idle.take("a")} == {late, early}


def test_threads_lose_none_and_share_none(connected):
    """However they take and put back, each connection is in one pair of hands."""
    idle = IdleConnections()
    for connection in connected(4):
        idle.put("a", connection)
    held, doubles = set(), []

    def work():
        for _ in range(500):
            connection = idle.take("a")
            if connection is not None:
                if connection in held:
                    doubles.append(connection)
                held.add(connection)
                held.discard(connection)
                idle.put("a", connection)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not doubles
    assert len(idle) == 4
