"""Answers as an event loop reads them, byte by byte, and what becomes of the connection."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import struct
from concurrent.futures import Future

import pytest

from genai_integrations.errors import APIConnectionError
from genai_integrations.transports.http.async_answer import AsyncAnswer
from genai_integrations.transports.http.async_connection import Connection
from genai_integrations.transports.http.async_hosts import Pool, Way
from genai_integrations.transports.http.async_http import AsyncHttp, read_all
from genai_integrations.transports.http.endpoint import Endpoint

PLACE = ("http://127.0.0.1:80", None)
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


class _Transport:
    """What a connection needs of a loop's transport."""

    def __init__(self):
        self.is_reading = True
        self.is_closed = False

    def abort(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed

    def pause_reading(self):
        self.is_reading = False

    def resume_reading(self):
        self.is_reading = True


def _connection():
    connection = Connection(PLACE, lambda connection: None)
    connection.connection_made(_Transport())
    return connection


def _read(*pieces, ends=False):
    """The status, the body, and whether the connection can be used again; the pieces are there from the beginning."""

    async def read():
        connection, done = _connection(), []
        answer = AsyncAnswer(connection, 10, lambda _, *, usable: done.append(usable))
        for piece in pieces:
            if connection.answer is not None:
                connection.data_received(piece)
        if ends:
            connection.connection_lost(None)
        body = b""
        try:
            await answer.begun()
            while piece := await answer.piece():
                body += piece
        finally:
            answer.close()
        return answer.status, body, done[0]

    return asyncio.run(read())


def _single(data):
    return [data[at : at + 1] for at in range(len(data))]


WHOLE = {
    "length": (HEAD + b"content-length: 2\r\n\r\nhi", b"hi"),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "nothing": (HEAD + b"content-length: 0\r\n\r\n", b""),
    "chunks": (CHUNKED + b"1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", b"hi"),
    "large chunk": (CHUNKED + b"0A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "extensions": (CHUNKED + b"2;a=b \r\nhi\r\n0;c\r\n\r\n", b"hi"),
    "trailers": (CHUNKED + b"2\r\nhi\r\n0\r\na: b\r\nc: d\r\n\r\n", b"hi"),
    "bare line feeds": (CHUNKED.replace(b"\r", b"") + b"2\nhi\n0\n\n", b"hi"),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + HEAD + b"content-length: 2\r\n\r\nhi", b"hi"),
    "folded": (HEAD + b"a: b\r\n c\r\ncontent-length: 2\r\n\r\nhi", b"hi"),
    "no reason": (b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nhi", b"hi"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("cut", ["at once", "byte by byte"])
def test_an_answer_is_the_same_however_it_is_cut(kind, cut):
    """Its body, and that the connection can be used again."""
    data, body = WHOLE[kind]

    status, read, usable = _read(*([data] if cut == "at once" else _single(data)))

    assert (status // 100, read, usable) == (2, body, True)


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"content-length: 2\r\n\r\nhi!",
        CHUNKED + b"2\r\nhi\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
        HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    ],
)
def test_a_connection_in_doubt_is_not_used_again(data):
    """Bytes behind the end would be taken for the next answer; and who says that it closes, closes."""
    assert _read(data) == (200, b"hi", False)


def test_a_body_without_a_length_ends_with_the_connection():
    """As of HTTP/1.0."""
    assert _read(HEAD + b"\r\nhi", ends=True) == (200, b"hi", False)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        HEAD + b"content-length: -1\r\n\r\n",
        HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\n",
        HEAD + b"content-length: " + b"9" * 19 + b"\r\n\r\n",
        b"x" * (1 << 20) + b"x",
    ],
)
def test_a_head_that_is_none(data):
    """The attempt fails; nothing is guessed."""
    with pytest.raises(APIConnectionError):
        _read(data)


@pytest.mark.parametrize(
    "rest", [b"x\r\n", b"-1\r\n", b"0x2\r\nhi\r\n", b"+2\r\nhi\r\n", b"2\r\nhi!\r\n", b"\r\n", b"1" * 5000, b"1;" + b"a" * 5000 + b"\r\nh\r\n", b"0\r\na: " + b"b" * (1 << 20)]
)  # fmt: skip
def test_chunks_that_are_none(rest):
    """What came before them counts; then the answer fails."""
    with pytest.raises(APIConnectionError):
        _read(CHUNKED + b"2\r\nhi\r\n" + rest)


@pytest.mark.parametrize(
    "data", [b"", HEAD, HEAD + b"content-length: 9\r\n\r\nhi", CHUNKED + b"9\r\nhi"]
)
def test_an_answer_that_is_cut_short(data):
    """It fails, whatever of it has come."""
    with pytest.raises(APIConnectionError):
        _read(*([data] if data else []), ends=True)


def test_what_came_before_a_failure_is_read_first():
    """A stream's last words are not lost with it."""

    async def read():
        connection = _connection()
        answer = AsyncAnswer(connection, 10, lambda _, *, usable: None)
        connection.data_received(CHUNKED + b"2\r\nhi\r\nnone\r\n")
        first = await answer.piece()
        with pytest.raises(APIConnectionError):
            await answer.piece()
        return first

    assert asyncio.run(read()) == b"hi"


def test_a_server_that_is_faster_than_its_reader_waits():
    """No more is kept for a reader than some packets; it goes on when the reader has them."""

    async def read():
        connection = _connection()
        answer = AsyncAnswer(connection, 10, lambda _, *, usable: None)
        connection.data_received(HEAD + b"content-length: 9000000\r\n\r\n")
        while connection.transport.is_reading:
            connection.data_received(b"x" * 65536)
        held = len(await answer.piece())
        return held, connection.transport.is_reading

    assert asyncio.run(read()) == (5 * 65536, True)


def test_who_waits_for_an_answer_that_is_closed_is_let_go():
    """As when another task gives a stream up."""

    async def read():
        connection, done = _connection(), []
        answer = AsyncAnswer(connection, 10, lambda _, *, usable: done.append(usable))
        connection.data_received(CHUNKED)
        waiting = asyncio.ensure_future(answer.piece())
        await asyncio.sleep(0)
        answer.close()
        with pytest.raises(APIConnectionError, match="closed"):
            await waiting
        return done

    assert asyncio.run(read()) == [False]


def test_what_comes_unasked_ends_an_idle_connection():
    """Nobody could say whose answer it is."""
    connection = _connection()

    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")

    assert not connection.is_open
    assert connection.transport.is_closed


def test_idle_connections_have_bounds():
    """A hundred to one host, four hundred in all; beyond that the oldest are closed."""

    async def keep():
        pool, kept = Pool(), []
        for host in range(5):
            for _ in range(101):
                connection = Connection((f"http://host-{host}:80", None), pool.lost)
                connection.connection_made(_Transport())
                pool.put_back(connection, usable=True)
                kept.append(connection)
        open_ones = [sum(row.is_open for row in kept[at : at + 101]) for at in range(0, 505, 101)]
        kept[101].connection_lost(None)
        again = Connection(("http://host-0:80", None), pool.lost)
        again.connection_made(_Transport())
        pool.put_back(again, usable=True)
        left = sum(row.is_open for row in kept), again.is_open
        await pool.close()
        return open_ones, left, again.is_open or any(row.is_open for row in kept)

    assert asyncio.run(keep()) == ([0, 100, 100, 100, 100], (399, True), False)


def test_a_name_is_looked_up_once_for_all_who_wait(monkeypatch):
    """A thousand calls that begin at once are no thousand threads."""
    looked_up = []

    def looking_up(host, port):
        looked_up.append(host)
        return real(host, port)

    from genai_integrations.transports.http import async_hosts

    real = async_hosts.looking_up
    monkeypatch.setattr(async_hosts, "looking_up", looking_up)

    async def ask():
        way = Way(("http://127.0.0.1:1", None))

        async def open_it():
            with contextlib.suppress(OSError):
                await way.open(lambda connection: None)

        await asyncio.gather(*(open_it() for _ in range(20)))

    asyncio.run(ask())

    assert looked_up == ["127.0.0.1"]


def test_a_host_that_has_moved_is_found(raw_server, monkeypatch):
    """Where nobody answers, the name is looked up again by the next call."""
    there = ("127.0.0.1", int(raw_server(_idle).url.rpartition(":")[2].removesuffix("/v1")))
    places = [("127.0.0.1", 1), there]

    def looking_up(host, port):
        found = Future()
        kind = socket.AF_INET, socket.SOCK_STREAM, 0, ""
        found.set_result([(*kind, places.pop(0))])
        return found

    from genai_integrations.transports.http import async_hosts

    monkeypatch.setattr(async_hosts, "looking_up", looking_up)

    async def ask():
        way = Way(("http://moved.example:80", None))
        with pytest.raises(ConnectionRefusedError):
            await way.open(lambda connection: None)
        connection = await way.open(lambda connection: None)
        connection.close()

    asyncio.run(ask())


def _idle(server, connection, number):
    server.closing.wait(10)


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("http://api.example.com:80", "api.example.com"),
        ("http://api.example.com", "api.example.com"),
        ("https://api.example.com:443", "api.example.com"),
        ("https://api.example.com:8443", "api.example.com:8443"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://[::1]:80", "[::1]"),
        ("https://bücher.example:443", "xn--bcher-kva.example"),
    ],
)
def test_the_header_host(origin, name):
    """The port only where it is not the usual one."""
    assert Way((origin, None)).name == name


def _asked(server, times=1):
    """What is answered to a large request, so many times."""
    origin = server.url.removesuffix("/v1")
    endpoint = Endpoint(origin, origin, "/", None, {"content-type": "text/plain"}, ())

    async def ask():
        http = AsyncHttp()
        answers = []
        for _ in range(times):
            answer = await http.post(endpoint, b"x" * (64 << 20), 10)
            answers.append((answer.status, await read_all(answer)))
        return answers

    return asyncio.run(ask())


def test_a_large_request_that_is_answered_early(raw_server):
    """What the server says is told, and the rest of the request is not taken for the next one."""

    def handle(server, connection, number):
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge")
        while connection.recv(65536):
            pass

    assert _asked(raw_server(handle), 2) == [(413, b"large")] * 2


def test_a_server_that_answers_and_says_no_more():
    """asyncio would first send the rest of the request, which such a server may never read."""
    connection = _connection()

    connection.eof_received()

    assert connection.transport.is_closed


def test_a_server_that_hangs_up_in_the_midst_of_a_request(raw_server, caplog):
    """The rest is not written to a connection that is gone, of which asyncio would complain."""

    def handle(server, connection, number):
        connection.recv(1024)
        # Closed with a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with pytest.raises(APIConnectionError):
        _asked(raw_server(handle))

    assert caplog.messages == []


def test_what_has_come_is_heard_before_more_is_written(raw_server):
    """A server may hang up behind its answer; a write that fails would take the answer with it."""

    def handle(server, connection, number):
        connection.sendall(HEAD + b"\r\n")
        server.closing.wait(10)

    port = int(raw_server(handle).url.rpartition(":")[2].removesuffix("/v1"))

    async def read():
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_connection(
            lambda: Connection(PLACE, lambda connection: None), "127.0.0.1", port
        )
        answer = AsyncAnswer(connection, 10, lambda _, *, usable: connection.close())
        # In this very turn of the loop, which has not seen it.
        select.select([transport.get_extra_info("socket")], [], [])
        await connection.room()
        try:
            return answer.status
        finally:
            answer.close()

    assert asyncio.run(read()) == 200


def test_a_proxy_is_asked_for_an_address_in_brackets(raw_server):
    """As RFC 9112 has it for CONNECT, 3.2.3; the proxy's refusal is told."""

    def handle(server, connection, number):
        if server.read(connection):
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

    server = raw_server(handle)
    way = Way(("https://[2001:db8::1]:443", server.url.removesuffix("/v1")))

    with pytest.raises(APIConnectionError, match="403"):
        asyncio.run(way.open(lambda connection: None))

    assert server.requests[0][0].split(b"\r\n")[:2] == [
        b"CONNECT [2001:db8::1]:443 HTTP/1.1",
        b"host: [2001:db8::1]:443",
    ]
