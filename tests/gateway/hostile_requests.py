"""Requests that no good client sends, byte by byte, and what a gateway says to each."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass

SECRET = "sk-hostile-4711"
WORDS = "words-nobody-may-log"
_PATIENCE = 10.0

QUESTION = {"model": "gpt-4o", "messages": [{"role": "user", "content": WORDS}]}
HELLO = json.dumps(QUESTION).encode()


def post(*headers, body=HELLO, path="/v1/chat/completions", length=True, kind="application/json"):
    """A request of a client that is content with one answer; `headers` are whole lines."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {SECRET}",
        "Connection: close",
        *([f"Content-Type: {kind}"] if kind else []),
        *([f"Content-Length: {len(body)}"] if length else []),
        *headers,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def get(path, *headers, host="127.0.0.1"):
    """A GET."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def chunked(*pieces):
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


@dataclass(frozen=True)
class Answer:
    """What came back over one connection.

    Attributes:
        status: Of the first answer; 0 where the connection ended without one.
        body: What follows its headers, with answers that follow.
        count: How many answers there are.
    """

    status: int
    body: bytes
    count: int


def send(port, data):
    """Send bytes as they are and read until the gateway closes, which it must."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
        # It may have seen enough before the end, and have left bytes that nobody read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        return answer_of(all_of(connection))


def all_of(connection):
    """All that comes back, to the end of the connection."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def answer_of(data):
    """The first answer in what came back."""
    if not data:
        return Answer(0, b"", 0)
    head, _, body = data.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), body, data.count(b"HTTP/1.1 "))


def with_body(**more):
    """A question with more in it."""
    return json.dumps({**QUESTION, **more}).encode()


HEADS = {
    "two lengths that differ": (post("Content-Length: 5"), 400),
    "two lengths that agree": (post(f"Content-Length: {len(HELLO)}"), 400),
    "a list of lengths": (post("Content-Length: 5, 5", length=False), 400),
    "a negative length": (post("Content-Length: -1", length=False), 400),
    "a signed length": (post("Content-Length: +5", length=False), 400),
    "a length in hexadecimal": (post("Content-Length: 0x10", length=False), 400),
    "a length beyond 64 bits": (post("Content-Length: 99999999999999999999", length=False), 400),
    "a length and chunks": (post("Transfer-Encoding: chunked", body=chunked(HELLO)), 400),
    "chunks named twice": (
        post(
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: chunked",
            body=chunked(HELLO),
            length=False,
        ),
        400,
    ),
    "chunks that are not last": (
        post("Transfer-Encoding: chunked, identity", body=chunked(HELLO), length=False),
        400,
    ),
    "an encoding nobody knows": (
        post("Transfer-Encoding: xchunked", body=chunked(HELLO), length=False),
        400,
    ),
    "a space before the colon": (
        post("Transfer-Encoding : chunked", body=chunked(HELLO), length=False),
        400,
    ),
    "a tab in the encoding": (
        post("Transfer-Encoding:\tchunked", body=chunked(HELLO), length=False),
        200,
    ),
    "a folded header": (post("X-One: a", " b"), 400),
    "a folded encoding": (post("Transfer-Encoding:", " chunked", length=False), 400),
    "NUL in a value": (post("X-One: a\0b"), 400),
    "NUL in a name": (post("X-\0One: a"), 400),
    "a carriage return in a value": (post("X-One: a\rX-Two: b"), 400),
    "a header without a colon": (post("X-One"), 400),
    "a header without a name": (post(": a"), 400),
    "a space in a name": (post("X One: a"), 400),
    "two hosts": (post("Host: example.com"), 400),
    "two keys": (post("Authorization: Bearer sk-other"), 400),
    "two kinds of body": (post("Content-Type: text/plain"), 400),
    "another host's name": (get("/v1/models", host="example.com"), 403),
    "no host": (b"GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n", 403),
    "a host with a path": (get("/v1/models", host="127.0.0.1/x@example.com"), 403),
    "a thousand headers": (post(*[f"X-{at}: {'a' * 80}" for at in range(1000)]), 431),
    "a header of 100 kB": (post(f"X-One: {'a' * 100_000}"), 431),
    "a line that never ends": (f"GET /{'a' * 100_000}".encode(), 431),
    "a name of 100 kB": (post(f"{'a' * 100_000}: b"), 431),
    "a chunk of a negative length": (
        post("Transfer-Encoding: chunked", body=b"-1\r\n", length=False),
        400,
    ),
    "a chunk beyond 64 bits": (
        post("Transfer-Encoding: chunked", body=b"FFFFFFFFFFFFFFFFF\r\n", length=False),
        400,
    ),
    "a chunk without an end": (
        post("Transfer-Encoding: chunked", body=b"2\r\n{}XX0\r\n\r\n", length=False),
        400,
    ),
    "a wish to upgrade to HTTP/2": (
        get("/health/live", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
        200,
    ),
    "a wish for a WebSocket": (
        get("/health/live", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        200,
    ),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/3.7": (b"GET /health/live HTTP/3.7\r\nHost: 127.0.0.1\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 64, 400),
    "a method in small letters": (b"get /health/live HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a method nobody knows": (b"HACK /health/live HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "TRACE": (b"TRACE /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 405),
}
"""Bytes, and the status of the answer."""

BODIES = {
    "empty": (post(body=b""), 400),
    "white space": (post(body=b"  \n"), 400),
    "a list": (post(body=b"[]"), 400),
    "a number": (post(body=b"1"), 400),
    "half of it": (post(body=HELLO[:-5]), 400),
    "two of them": (post(body=HELLO + HELLO), 400),
    "100,000 lists in each other": (post(body=b"[" * 100_000 + b"]" * 100_000), 400),
    "100,000 objects in each other": (post(body=b'{"a":' * 100_000 + b"1" + b"}" * 100_000), 400),
    "100,000 lists that never end": (post(body=b'{"model":' + b"[" * 100_000), 400),
    "bytes that are not UTF-8": (post(body=HELLO.replace(b"words", b"\xff\xfe")), 400),
    "an overlong encoding": (post(body=HELLO.replace(b"words", b"\xc0\xaf")), 400),
    "NaN": (post(body=HELLO[:-1] + b', "temperature": NaN}'), 400),
    "infinity": (post(body=HELLO[:-1] + b', "temperature": 1e999}'), 400),
    "packed": (post("Content-Encoding: gzip", body=b"\x1f\x8b\x08" + b"\0" * 32), 415),
    "packed twice": (post("Content-Encoding: gzip, br"), 415),
    "of no kind": (post(kind=None), 415),
    "of a page's form": (post(kind="text/plain"), 415),
    "in UTF-16": (post(body=HELLO.decode().encode("utf-16")), 400),
    "announced as 10 GB": (post("Content-Length: 10737418240", length=False), 413),
    "of 33 MB in chunks": (
        post("Transfer-Encoding: chunked", body=chunked(*[b" " * (1 << 20)] * 33), length=False),
        413,
    ),
    "model is a list": (post(body=with_body(model=["gpt-4o"])), 400),
    "messages is a text": (post(body=with_body(messages="Hi")), 400),
    "messages are numbers": (post(body=with_body(messages=[1, 2])), 400),
    "stream is a text": (post(body=with_body(stream="yes")), 400),
}
"""As `HEADS`."""

ELSEWHERE = {
    "api_base": "http://attacker.example",
    "api_key": "sk-attackers",
    "base_url": "http://attacker.example",
    "organization": "org-attackers",
    "api_version": "2020-01-01",
    "extra_headers": {"authorization": "Bearer sk-attackers"},
    "extra_query": {"key": "sk-attackers"},
    "headers": {"host": "attacker.example"},
    "aws_region_name": "attacker",
    "vertex_project": "attackers",
    "vertex_credentials": "{}",
    "custom_llm_provider": "openai",
    "client": "attackers",
    "langfuse_observation": {},
}
"""Parameters by which a body would lead a stored key elsewhere."""

PATHS = [
    "/v1/%2e%2e/v1/models",
    "/v1/../v1/models",
    "//v1/models",
    "/v1//models",
    "/v1/models%00",
    "/v1/models/..%2f..%2fhealth",
    "/v1/models/../../health/live",
    "/%76%31/models%2f",
    "/v1/models/",
    "/v1/models;x=1",
    "/V1/MODELS",
    "/v1/v1/models",
    "/.env",
    "/docs",
    "/metrics/../v1/chat/completions",
    "http://attacker.example/x",
]
"""Paths that are nobody's."""
