"""Plain HTTP for tests that look at the wire itself."""

from __future__ import annotations

import http.client
import json
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

USER = [{"role": "user", "content": "hello there"}]
CHAT = "/v1/chat/completions"


def connect(server, timeout=10):
    """A connection that closes at the end of the `with` block."""
    return closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=timeout))


def ask(connection, body, path=CHAT, headers=None, method="POST"):
    """Send a request and return the response once its head is there."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, content, headers or {})
    return connection.getresponse()


def call(server, body, path=CHAT, headers=None, method="POST"):
    """The status, headers and decoded JSON of one request on its own connection."""
    with connect(server) as connection:
        reply = ask(connection, body, path, headers, method)
        return reply.status, reply.headers, json.loads(reply.read())


def chat(server, model="gpt-4o", messages=USER, **parameters):
    """The decoded completion of one request."""
    status, _, body = call(server, {"model": model, "messages": messages, **parameters})
    assert status == 200, body
    return body


@contextmanager
def streaming(server, model="gpt-4o", messages=USER, **parameters):
    """The response to a request that streams, its head read."""
    with connect(server) as connection:
        yield ask(connection, {"model": model, "messages": messages, "stream": True, **parameters})


def chunks(server, model="gpt-4o", messages=USER, **parameters):
    """Every chunk of a whole stream, which must be framed as server-sent events."""
    with streaming(server, model, messages, **parameters) as reply:
        events = reply.read().decode().split("\n\n")
    assert events.pop() == ""
    assert all(event.startswith("data: ") for event in events)
    assert events.pop() == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events]


def next_chunk(reply):
    """The next chunk of a stream that is still open; None for its end."""
    line = reply.readline().decode().strip()
    if line in {"", "data: [DONE]"}:
        return None
    assert reply.readline() == b"\n"
    return json.loads(line.removeprefix("data: "))


def text_of(parts):
    """The text that chunks add up to."""
    deltas = [choice["delta"] for part in parts for choice in part["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)
