"""Plain HTTP in Google's dialect for tests that look at the wire itself."""

from __future__ import annotations

import json

from wire import ask, call, connect

KEY = {"x-goog-api-key": "AIza-right"}
HELLO = [{"role": "user", "parts": [{"text": "hello there"}]}]


def path(method="generateContent", model="gemini-2.5-flash", prefix="/v1beta"):
    """Where a model is asked."""
    return f"{prefix}/models/{model}:{method}"


def post(provider, body, method="generateContent", model="gemini-2.5-flash", headers=KEY):
    """Status, headers and body of one request."""
    return call(provider, body, path(method, model), headers)


def generate(provider, model="gemini-2.5-flash", contents=HELLO, **fields):
    """The decoded reply of one request that does not stream."""
    status, headers, body = post(provider, {"contents": contents, **fields}, model=model)
    assert status == 200, body
    assert headers["content-type"] == "application/json; charset=UTF-8"
    return body


def raw_stream(provider, model="gemini-2.5-flash", query="?alt=sse", contents=HELLO, **fields):
    """The content type and the bytes of one stream."""
    with connect(provider) as connection:
        body = {"contents": contents, **fields}
        reply = ask(connection, body, path("streamGenerateContent", model) + query, KEY)
        return reply.headers["content-type"], reply.read()


def stream(provider, model="gemini-2.5-flash", contents=HELLO, **fields):
    """Every chunk of a stream, which must be framed as Google frames its events."""
    kind, content = raw_stream(provider, model, contents=contents, **fields)
    assert kind == "text/event-stream"
    events = content.decode().split("\r\n\r\n")
    assert events.pop() == ""
    assert all(event.startswith("data: ") for event in events)
    return [json.loads(event.removeprefix("data: ")) for event in events]


def parts_of(reply):
    """The parts of the only candidate."""
    (candidate,) = reply["candidates"]
    return candidate["content"].get("parts", [])


def said(*replies):
    """The text that replies add up to, without thoughts."""
    parts = [part for reply in replies for part in parts_of(reply)]
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))
