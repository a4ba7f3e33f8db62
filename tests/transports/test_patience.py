"""How long an attempt may take, whatever a server does meanwhile."""

from __future__ import annotations

import pytest

from genai_integrations.errors import CallError, RequestTimeoutError

CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "hi"}}]}\n\n'
END = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("mode", ["stream", "async stream"], indirect=True)
@pytest.mark.parametrize("header", ["connection: close", "x-nothing: 1"])
def test_after_the_first_content_the_stream_may_pause(header, attempt, connect, raw_server):
    """`stream_timeout` is for the first content only, also with a server that closes its connections."""

    def handle(server, connection, number):
        if server.read(connection):
            head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{header}\r\n"
            connection.sendall(f"{head}content-length: {len(CHUNK + END)}\r\n\r\n".encode() + CHUNK)
            server.closing.wait(0.6)
            connection.sendall(END)

    chunks = attempt(connect(raw_server(handle).url), timeout=0.3, idle=10)

    assert len(chunks) >= 2


@pytest.mark.parametrize("mode", ["sync", "stream"], indirect=True)
def test_a_head_that_drips_does_not_last_for_ever(attempt, connect, raw_server):
    """The time-out bounds the answer, not only the silence between two bytes of it."""
    sent = []

    def handle(server, connection, number):
        if server.read(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while len(sent) < 30 and not server.closing.wait(0.05):
                connection.sendall(b"a")
                sent.append(1)

    with pytest.raises(RequestTimeoutError):
        attempt(connect(raw_server(handle).url), timeout=0.3)

    assert len(sent) < 20


@pytest.mark.parametrize("mode", ["sync", "stream"], indirect=True)
@pytest.mark.parametrize("header", ["connection: close", "x-nothing: 1"])
def test_a_body_that_drips_does_not_last_for_ever(header, attempt, connect, raw_server):
    """The same for the body, or for a stream that never comes to its first content."""
    sent = []

    def handle(server, connection, number):
        if server.read(connection):
            head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{header}\r\n"
            connection.sendall(f"{head}content-length: 100000\r\n\r\n".encode())
            while len(sent) < 30 and not server.closing.wait(0.05):
                connection.sendall(b": comment\n\n")
                sent.append(1)

    with pytest.raises(RequestTimeoutError):
        attempt(connect(raw_server(handle).url), timeout=0.3)

    assert len(sent) < 20


GARBAGE = {
    "no http": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "a bad status": b"HTTP/1.1 abc OK\r\n\r\n",
    "a bad length": b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}",
    "a bad chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "gzip that is none": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 20_000 + b"\r\n",
    "a long header": b"HTTP/1.1 200 OK\r\nx-a: " + b"b" * 2_000_000 + b"\r\n\r\n",
    "no location": b"HTTP/1.1 307 x\r\ncontent-length: 0\r\n\r\n",
    "early hints": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n",
    "upgrade": b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    "nul bytes": b"\x00" * 100,
}


@pytest.mark.parametrize("answer", GARBAGE)
def test_whatever_a_server_says_is_one_of_our_errors(answer, mode, attempt, connect, raw_server):
    """Nothing of an HTTP library's own comes out."""

    def handle(server, connection, number):
        if server.read(connection):
            connection.sendall(GARBAGE[answer])

    url = raw_server(handle).url
    try:
        chunks, line = attempt(connect(url)), ""
    except CallError as error:
        chunks, line = [], str(error)

    # A stream may be without any chunk, which is an error one level up.
    assert line or "stream" in mode
    assert not chunks
    assert "\n" not in line
