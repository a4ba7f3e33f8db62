"""Calls in Gemini's dialect, and what comes of a body, without a server."""

from __future__ import annotations

from genai_integrations import Connection
from genai_integrations.calls.wire import WireCall
from genai_integrations.transports.gemini.dialect import GeminiDialect
from genai_integrations.transports.reading import Reader, read_reply

GEMINI = GeminiDialect()


def call_of(
    body,
    model="gemini-2.5-flash",
    *,
    operation="chat/completions",
    provider="google-ai-studio",
    drop=True,
):
    """One attempt."""
    secret = "{}" if provider == "vertex" else "AIzaSyExampleExampleExample"
    connection = Connection.of("c", provider, secret)
    return WireCall(connection, model, operation, {"model": model, **body}, drop)


ASKED = call_of({"messages": [{"role": "user", "content": "hi"}]})


def whole(body, call=ASKED):
    """The reply in a whole answer."""
    return read_reply(body, GEMINI, call, ())


def streamed(*pieces, call=ASKED):
    """The chunks in a stream's pieces, and whether the answer was whole."""
    reader = Reader(GEMINI, call, ())
    chunks = []
    for piece in pieces:
        chunks += reader.feed(piece)
        reader.check()
    return [*chunks, *reader.finish()], reader.ended
