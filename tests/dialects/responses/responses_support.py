"""What the tests of the Responses API share: calls without a network, and its published examples."""

from __future__ import annotations

import json
from pathlib import Path

from genai_integrations import Connection
from genai_integrations.calls.assembly import Assembly
from genai_integrations.calls.incoming import check_reply
from genai_integrations.calls.wire import WireCall
from genai_integrations.transports.openai.responses.dialect import ResponsesDialect
from genai_integrations.transports.reading import Reader

DATA = Path(__file__).parents[2] / "data" / "dialects" / "responses"
PUBLISHED = json.loads((DATA / "published.json").read_text("utf-8"))["rows"]
EVENTS = json.loads((DATA / "published_events.json").read_text("utf-8"))["events"]
DIALECT = ResponsesDialect()
HELLO = [{"role": "user", "content": "hi"}]
OPENAI = Connection.of("c", "openai", "sk-example", dialect="responses")


def call_of(messages=HELLO, model="gpt-4.1", connection=OPENAI, drop_params=True, **params):
    """A call as the flow hands it over."""
    body = {"model": model, "messages": messages, **params}
    return WireCall(connection, model, "chat/completions", body, drop_params)


def body_of(*args, **kwargs):
    """What is sent for a call."""
    return DIALECT.body(call_of(*args, **kwargs))


def items_of(*messages, **kwargs):
    """The input items of a conversation."""
    return body_of(list(messages), **kwargs)["input"]


def reply_of(response, **kwargs):
    """What a caller gets for a whole response."""
    return check_reply(DIALECT.reply(response, call_of(**kwargs)), "chat/completions")


def response_of(*output, **fields):
    """A whole response with these items."""
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
            "model": "gpt-4.1", "output": list(output), **fields}  # fmt: skip


def text_item(text, **fields):
    """A message of the output."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [part], **fields}  # fmt: skip


def read(*pieces, **kwargs):
    """The chunks of a stream that arrives in these pieces, and whether it came to its end."""
    reader = Reader(DIALECT, call_of(stream=True, **kwargs), ["sk-example"])
    chunks = []
    for piece in pieces:
        chunks += reader.feed(piece)
        reader.check()
        if reader.ended:
            return chunks, True
    chunks += reader.finish()
    return chunks, reader.ended


def streamed(*events, **kwargs):
    """The chunks of a stream of these events."""
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    chunks, _ = read(body, **kwargs)
    return chunks


def put_together(chunks):
    """The only choice of the reply that the chunks are the pieces of."""
    assembly = Assembly()
    for chunk in chunks:
        assembly.add(chunk)
    (choice,) = assembly.wire(None)["choices"]
    return choice
