"""The head and the body of an answer, byte by byte: what the standard library makes of them, and where we differ."""

from __future__ import annotations

import gzip
import io
import zlib
from http.client import HTTPException, HTTPResponse, IncompleteRead

import pytest

from genai_integrations.errors import APIConnectionError, RateLimitError
from genai_integrations.transports.http.answer import Answer
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.sync_http import read_all

REPLY = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}]}'
CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "hi"}}]}\n\ndata: [DONE]\n\n'


class Wire:
    """In place of a socket: these bytes, and then the end."""

    def __init__(self, data):
        self._data = data

    def makefile(self, _mode):
        """As a socket's."""
        return io.BufferedReader(io.BytesIO(self._data))

    def stop(self):
        """There is no more in any case."""


def _answer(data):
    """The answer whose bytes these are, and how its connection was given back."""
    ends = []
    answer = Answer(Wire(data), lambda *, usable: ends.append(usable))
    answer.begin()
    return answer, ends


def _body(answer):
    return b"".join(iter(answer.piece, b""))


HEADS = {
    "usual": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n",
    "no reason": b"HTTP/1.1 200\r\ncontent-length: 5\r\n\r\n",
    "bare lf": b"HTTP/1.1 200 OK\ncontent-length: 5\nx-request-id: a\n\n",
    "no space": b"HTTP/1.1 429 Too Many Requests\r\nretry-after:7\r\ncontent-length:5\r\n\r\n",
    "much space": b"HTTP/1.1 200   OK  \r\ncontent-length: \t 5\r\n\r\n",
    "empty value": b"HTTP/1.1 200 OK\r\nx-empty:\r\ncontent-length: 5\r\n\r\n",
    "colons": b"HTTP/1.1 200 OK\r\nx-time: 12:30:00\r\ncontent-length: 5\r\n\r\n",
    "other letters": "HTTP/1.1 200 OK\r\nx-name: 서울\r\ncontent-length: 5\r\n\r\n".encode(),
    "twice": b"HTTP/1.1 200 OK\r\nx-a: 1\r\nX-A: 2\r\ncontent-length: 5\r\n\r\n",
    "same length twice": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nContent-Length: 5\r\n\r\n",
    "close": b"HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 5\r\n\r\n",
    "no length": b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n",
    "http 1.0": b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n",
    "http 1.0 kept": b"HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 5\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
    "chunked with a length": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n",
    "chunked and close": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
    "nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
    "continue": b"HTTP/1.1 100 Continue\r\nx-a: 1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
    "no headers": b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_read_as_the_standard_library_reads_it(name):
    """The framing of the body, whether the connection stays, and every header's value."""
    theirs = HTTPResponse(Wire(HEADS[name]), method="POST")
    theirs.begin()
    ours, _ = _answer(HEADS[name])

    for field in ("status", "chunked", "length", "will_close"):
        assert getattr(ours, field) == getattr(theirs, field), field
    assert ours.headers == {key.lower(): theirs.headers.get(key) for key in theirs.headers}


@pytest.mark.parametrize(
    "before",
    [
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nconnection: close\r\n\r\n",
    ],
)
def test_what_comes_before_the_answer_is_passed_over(before):
    """No header of an informational answer is one of the answer's."""
    answer, _ = _answer(before + HEADS["usual"])

    assert answer.status == 200
    assert answer.headers == {"content-type": "application/json", "content-length": "5"}
    assert not answer.will_close


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_folded_header_is_one_line(end):
    """As older servers write them; the standard library leaves the line breaks in."""
    lines = (b"HTTP/1.1 200 OK", b"x-a: 1", b"  2", b"\t3", b"content-length: 5", b"", b"")
    answer, _ = _answer(end.join(lines))

    assert answer.headers == {"x-a": "1 2 3", "content-length": "5"}


def test_what_is_no_header_hides_none():
    """The standard library takes everything behind it for a body."""
    answer, _ = _answer(b"HTTP/1.1 200 OK\r\nnonsense\r\nx-a : 1\r\ncontent-length: 5\r\n\r\n")

    assert answer.headers == {"x-a": "1", "content-length": "5"}


@pytest.mark.parametrize(("count", "length"), [(101, 10), (5_000, 10), (1, 70_000), (1, 500_000)])
def test_many_and_long_headers(count, length):
    """The standard library takes 100, of 64 KB."""
    lines = b"".join(b"x-%d: %b\r\n" % (at, b"v" * length) for at in range(count))
    answer, _ = _answer(b"HTTP/1.1 200 OK\r\n" + lines + b"content-length: 5\r\n\r\nhello")

    assert len(answer.headers) == count + 1
    assert len(answer.headers["x-0"]) == length
    assert _body(answer) == b"hello"


REFUSED = {
    "a head without end": (b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 200_000, "too large"),
    "a line without end": (b"HTTP/1.1 200 OK\r\nx-a: " + b"b" * 2_000_000, "too large"),
    "half a line": (b"HTTP/1.1 200 OK\r\ncontent-ty", "cut short"),
    "half a head": (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n", "cut short"),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "two lengths",
    ),
    "a length that is none": (b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n", "not a number"),
    "another protocol": (b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\n\r\n", "HTTP/1.1 101"),
    "a later version": (b"HTTP/2 200\r\n\r\n", "HTTP/2 200"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_heads_that_are_refused(name):
    """Each says what is wrong with it."""
    data, message = REFUSED[name]

    with pytest.raises(HTTPException, match=message):
        _answer(data)


BODIES = {
    "a length": (b"content-length: 5\r\n\r\nhello", True),
    "a length, and more behind it": (b"content-length: 5\r\n\r\nhello, world", False),
    "chunks, and more behind them": (
        b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
        False,
    ),
    "no body": (b"content-length: 0\r\n\r\n", True),
    "no body, and something behind it": (b"content-length: 0\r\n\r\nhello", False),
    "chunks": (b"transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", True),
    "chunks with extensions and a trailer": (
        b"transfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-a: 1\r\n\r\n",
        True,
    ),
    "until the end": (b"content-type: text/plain\r\n\r\nhello", False),
    "chunks, and then the end": (
        b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        False,
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_whole_body(name):
    """The connection can be used again if the answer said where its body ends, not that it closes, and ended there."""
    data, reusable = BODIES[name]
    answer, ends = _answer(b"HTTP/1.1 200 OK\r\n" + data)

    assert _body(answer) == (b"" if name.startswith("no body") else b"hello")
    answer.close()
    answer.close()
    assert ends == [reusable]


@pytest.mark.parametrize(
    "data",
    [
        b"content-length: 6\r\n\r\nhello",
        b"content-length: 6\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n6\r\nhello",
        b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
        b"transfer-encoding: chunked\r\n\r\n",
    ],
)
def test_a_body_that_was_cut_short(data):
    """It is an error, and the connection is not used again."""
    answer, ends = _answer(b"HTTP/1.1 200 OK\r\n" + data)

    with pytest.raises(IncompleteRead):
        _body(answer)
    answer.close()
    assert ends == [False]


def test_an_answer_left_half_way():
    """What is left of its body would be taken for the next answer's head."""
    answer, ends = _answer(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
    answer.close()

    assert ends == [False]


MEMBERS = gzip.compress(REPLY[:9], mtime=0) + gzip.compress(REPLY[9:], mtime=0)
BARE = zlib.compress(REPLY, wbits=-15)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(REPLY, mtime=0)), ("X-GZip", gzip.compress(REPLY, mtime=0)), ("deflate", zlib.compress(REPLY)),
     ("gzip", MEMBERS), ("deflate", BARE)],
)  # fmt: skip
def test_a_packed_body(encoding, packed):
    """We ask for none; some proxies pack it all the same."""
    framed = b"".join(b"%x\r\n%b\r\n" % (1, packed[at : at + 1]) for at in range(len(packed)))
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ntransfer-encoding: chunked\r\n\r\n"
    answer, ends = _answer(head.encode() + framed + b"0\r\n\r\n")

    assert read_all(answer, Patience(5, 5)) == REPLY
    assert ends == [True]


def test_an_empty_body_is_never_packed():
    """A refusal without a body may say how it would have been packed."""
    head = b"HTTP/1.1 429 Too Many\r\ncontent-encoding: br\r\ncontent-length: 0\r\n\r\n"

    assert _body(_answer(head)[0]) == b""


def _content(mode):
    kind = b"text/event-stream" if "stream" in mode else b"application/json"
    return kind, CHUNK if "stream" in mode else REPLY


def _came(result):
    """Whether the answer, or one of the chunks, has the word."""
    return "hi" in repr(result)


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_a_body_that_ends_with_the_connection(version, mode, attempt, connect, raw_server):
    """As servers of HTTP/1.0 have it."""
    kind, content = _content(mode)

    def handle(server, connection, number):
        if server.read(connection):
            connection.sendall(
                version + b" 200 OK\r\ncontent-type: " + kind + b"\r\n\r\n" + content
            )

    server = raw_server(handle)

    assert _came(attempt(connect(server.url)))
    assert _came(attempt(connect(server.url)))
    assert len(server.requests) == 2


def test_an_answer_that_comes_byte_by_byte(mode, attempt, connect, raw_server):
    """Nothing depends on where the pieces end, and the connection is used again."""
    kind, content = _content(mode)
    head = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: %b\r\n" % kind
    framed = b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    opened = []

    def handle(server, connection, number):
        opened.append(number)
        while server.read(connection):
            for byte in head + framed:
                connection.sendall(bytes((byte,)))

    server = raw_server(handle)

    assert _came(attempt(connect(server.url)))
    assert _came(attempt(connect(server.url)))
    # A loop of its own for each asynchronous attempt has connections of its own.
    assert opened == ([0, 1] if "async" in mode else [0])


@pytest.mark.parametrize("data", [b"1f\r\n{}", b"1f", b""])
def test_chunks_cut_by_the_end_of_the_connection(data, mode, attempt, connect, raw_server):
    """A connection that ends is not the end of a chunked body."""
    kind, _ = _content(mode)

    def handle(server, connection, number):
        if server.read(connection):
            head = (
                b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % kind
            )
            connection.sendall(head + data)

    with pytest.raises(APIConnectionError):
        attempt(connect(raw_server(handle).url))


@pytest.mark.parametrize("mode", ["sync", "stream"], indirect=True)
def test_an_answer_before_the_request_is_read(mode, attempt, connect, raw_server):
    """A server may refuse a large body and hang up; what it said is told, not that the connection broke."""

    def handle(server, connection, number):
        connection.recv(1024)
        connection.sendall(
            b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        # Read on, because closing on unread bytes would throw the answer away too.
        while connection.recv(1 << 20):
            pass

    with pytest.raises(Exception, match="413"):
        attempt(connect(raw_server(handle).url), user="x" * 3_000_000)


@pytest.mark.parametrize(
    "rest",
    [
        b"content-length: 90\r\n\r\n{",
        b"transfer-encoding: chunked\r\n\r\n5\r\n{",
        b"transfer-encoding: chunked\r\n\r\nnone\r\n",
        b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\nnone",
        b"content-encoding: br\r\ncontent-length: 4\r\n\r\nnone",
        b"content-encoding: br\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_a_refusal_whose_body_cannot_be_read(rest, mode, attempt, connect, raw_server):
    """Its head has said enough: what it means, and how long to wait."""

    def handle(server, connection, number):
        server.read(connection)
        connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\n" + rest)

    with pytest.raises(RateLimitError) as caught:
        attempt(connect(raw_server(handle).url))

    assert (caught.value.status, caught.value.retry_after) == (429, 7.0)


@pytest.mark.parametrize("packing", ["gzip", "gzip members", "deflate", "bare deflate"])
def test_packed_bodies_are_read_alike(packing, mode, attempt, connect, raw_server):
    """By threads and by event loops, whole and streamed: several members, and deflate without its head."""
    kind, content = _content(mode)
    packed = {
        "gzip": gzip.compress(content, mtime=0),
        "gzip members": gzip.compress(content[:9], mtime=0) + gzip.compress(content[9:], mtime=0),
        "deflate": zlib.compress(content),
        "bare deflate": zlib.compress(content, wbits=-15),
    }[packing]

    def handle(server, connection, number):
        while server.read(connection):
            head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n"
            connection.sendall(
                head
                % (kind, packing.split()[-1 if "deflate" in packing else 0].encode(), len(packed))
                + packed
            )

    assert _came(attempt(connect(raw_server(handle).url)))
