"""How many idle connections are kept, and for how long."""

from __future__ import annotations

import socket
import threading

import pytest

from genai_integrations.transports.http import sync_http
from genai_integrations.transports.http.hosts import Host
from genai_integrations.transports.http.sync_http import SyncHttp


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
def make_host(clock):
    """Make a host that keeps three connections for 50 seconds."""
    return lambda name="a": Host(f"http://{name}:80", None, most=3, age=50.0, clock=clock)


@pytest.fixture
def host(make_host):
    return make_host()


@pytest.fixture
def connected():
    """Make connections; all are closed with the test."""
    made = []

    def connected(count):
        made.extend(Connected() for _ in range(count))
        return made[-count:]

    yield connected
    for connection in made:
        connection.close()


def _put_back(host, connections):
    for connection in connections:
        host.put_back(connection, usable=True)


def _open(connections):
    return [connection.sock is not None for connection in connections]


def test_the_one_used_last_is_used_next(host, connected):
    """So the others grow old, and are closed."""
    first, second = connected(2)
    _put_back(host, [first, second])

    assert host.idle() is second
    assert host.idle() is first
    assert host.idle() is None


def test_a_host_keeps_so_many(host, connected):
    """What comes back beyond that is closed, as is one that cannot be used again."""
    made = connected(4)
    _put_back(host, made)
    (spoilt,) = connected(1)
    host.put_back(spoilt, usable=False)

    assert _open([*made, spoilt]) == [True, True, True, False, False]
    assert host.idle_count() == 3


def test_an_old_one_is_not_used(host, clock, connected):
    """A balancer may have forgotten it without a word."""
    made = connected(1)
    _put_back(host, made)
    clock.now = 50.0

    assert host.idle() is None
    assert _open(made) == [False]


def test_old_ones_are_closed_when_somebody_looks(host, clock, connected):
    """Only the old ones."""
    old, new = connected(2)
    _put_back(host, [old])
    clock.now = 25.0
    _put_back(host, [new])
    clock.now = 50.0
    host.close_idle()

    assert _open([old, new]) == [False, True]


@pytest.mark.parametrize("what", ["closed", "bytes"])
def test_one_that_the_server_touched_is_not_used(what, host, connected):
    """Closed by the other side, or with bytes that nobody asked for."""
    good, bad = connected(2)
    _put_back(host, [good, bad])
    if what == "closed":
        bad.far.close()
    else:
        bad.far.send(b"HTTP/1.1 200 OK\r\n")

    assert host.idle() is good
    assert _open([bad]) == [False]


def test_all_hosts_together_keep_so_many(make_host, connected, monkeypatch):
    """Those of the hosts that nobody has asked for longest are closed first."""
    monkeypatch.setattr(sync_http, "IDLE_IN_ALL", 4)
    http = SyncHttp()
    rows = [(make_host(name), connected(3)) for name in ("first", "second", "third")]
    for number, (host, connections) in enumerate(rows):
        http._hosts.put((str(number), None), host)
        _put_back(host, connections)
    http._close_idle(0.0)

    states = [_open(connections) for _, connections in rows]
    assert states == [[False] * 3, [False, False, True], [True] * 3]


def test_a_host_that_is_forgotten_closes_what_it_has(make_host, connected):
    """At once, also what is still in use when it comes back."""
    idle, used = connected(2)
    host = make_host()
    _put_back(host, [idle])
    late = host.put_back
    del host
    late(used, usable=True)
    del late

    assert _open([idle, used]) == [False, False]


def test_threads_lose_none_and_share_none(make_host, connected):
    """However they take and put back, each connection is in one pair of hands."""
    host = make_host()
    _put_back(host, connected(3))
    held, doubles = set(), []

    def work():
        for _ in range(500):
            connection = host.idle()
            if connection is not None:
                if connection in held:
                    doubles.append(connection)
                held.add(connection)
                held.discard(connection)
                host.put_back(connection, usable=True)
            host.close_idle()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not doubles
    assert host.idle_count() == 3
