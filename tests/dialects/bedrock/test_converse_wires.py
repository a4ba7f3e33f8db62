"""Answers and streams as Bedrock sends them (`tests/data/dialects/bedrock/wires.json`, each with its source)."""

from __future__ import annotations

import base64
import json

import pytest
from bedrock_data import WIRES, call, data, stream_of

from genai_integrations.calls.assembly import Assembly
from genai_integrations.errors import CallError, InvalidReplyError
from genai_integrations.transports.bedrock.dialect import BedrockDialect
from genai_integrations.transports.reading import Reader, read_reply

DIALECT = BedrockDialect()
STREAMS = [wire for wire in WIRES if "events" in wire]
GOOD = [wire for wire in STREAMS if "error" not in wire["expected"]]


def named(wire):
    return wire["name"]


def chunks_of(pieces):
    """The chunks of a stream, read as a transport reads it, and whether it was whole."""
    reader = Reader(DIALECT, call(stream=True), ())
    chunks = []
    for piece in pieces:
        chunks += reader.feed(piece)
        reader.check()
        if reader.ended:
            return chunks, True
    return [*chunks, *reader.finish()], reader.ended


def put_together(chunks):
    """The reply that the chunks are the pieces of."""
    assembly, usage = Assembly(), None
    for chunk in chunks:
        assembly.add(chunk)
        usage = chunk.get("usage") or usage
    tiers = [chunk["service_tier"] for chunk in chunks if "service_tier" in chunk]
    return {**assembly.wire(usage), **({"service_tier": tiers[-1]} if tiers else {})}


def check(reply, expected):
    """The reply is what the row says."""
    (choice,) = reply["choices"]
    message = choice["message"]
    thoughts = message.get("thinking_blocks") or []

    assert message["content"] == expected["content"]
    assert choice["finish_reason"] == expected["finish"]
    assert reply.get("usage") == expected["usage"]
    assert message.get("reasoning_content") == expected.get("reasoning_content")
    assert [row["signature"] for row in thoughts if "signature" in row] == expected.get("signatures", [])  # fmt: skip
    assert [row["data"] for row in thoughts if "data" in row] == expected.get("redacted", [])
    assert [
        [row["id"], row["function"]["name"], row["function"]["arguments"]]
        for row in message.get("tool_calls") or ()
    ] == expected.get("calls", [])
    assert message.get("annotations") == expected.get("annotations")
    assert [row["image_url"]["url"] for row in message.get("images") or ()] == expected.get("images", [])  # fmt: skip
    own = (message.get("provider_specific_fields") or {}).get("server_tools")
    assert own == expected.get("server_tools")
    assert reply.get("service_tier") == expected.get("service_tier")


@pytest.mark.parametrize("wire", [wire for wire in WIRES if "reply" in wire], ids=named)
def test_whole_answers(wire):
    """Text, thoughts, calls, citations and usage are where OpenAI has them."""
    reply = read_reply(json.dumps(wire["reply"]).encode(), DIALECT, call(), ())

    check(reply, wire["expected"])
    assert reply["object"] == "chat.completion"
    assert reply["model"] == "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.mark.parametrize("wire", GOOD, ids=named)
def test_streams(wire):
    """The chunks put together are the same; the usage is in a chunk of its own, the last one."""
    chunks, ended = chunks_of([stream_of(wire)])

    check(put_together(chunks), wire["expected"])
    assert ended
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert [bool(chunk.get("usage")) for chunk in chunks[:-1]] == [False] * (len(chunks) - 1)


@pytest.mark.parametrize("wire", GOOD, ids=named)
def test_streams_cut_at_every_boundary(wire):
    """Byte by byte it is the same; cut short anywhere, it is never taken for whole before its end."""
    body = stream_of(wire)
    chunks, ended = chunks_of(body[at : at + 1] for at in range(len(body)))

    check(put_together(chunks), wire["expected"])
    assert ended
    stop = body.index(b"messageStop")
    for cut in range(0, stop, 7):
        assert chunks_of([body[:cut]])[1] is False


@pytest.mark.parametrize("wire", [wire for wire in STREAMS if wire not in GOOD], ids=named)
def test_streams_that_fail(wire):
    """An exception in a stream, and an end that is none, have the class that their name says."""
    with pytest.raises(CallError) as caught:
        chunks_of([stream_of(wire)])

    assert type(caught.value).__name__ == wire["expected"]["error"]


@pytest.mark.parametrize("paths", [None, ["/a"]])
def test_what_the_model_tells_beside_the_answer(paths):
    """It is handed on to who asked for it; what we asked for ourselves is nobody else's."""
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": "So."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "additionalModelResponseFields": {"a": 1},
        "trace": {"guardrail": {"inputAssessment": {}}},
    }
    asked = call(additionalModelResponseFieldPaths=paths)
    reply = read_reply(json.dumps(answer).encode(), DIALECT, asked, ())

    assert reply.get("additionalModelResponseFields") == ({"a": 1} if paths else None)
    assert reply["trace"] == {"guardrail": {"inputAssessment": {}}}


@pytest.mark.parametrize("answer", [{}, [], {"output": {}}, {"output": {"message": "x"}}, "x"])
def test_answers_that_are_none(answer):
    """Whatever else a server says with 200 is no answer."""
    with pytest.raises(InvalidReplyError):
        read_reply(json.dumps(answer).encode(), DIALECT, call(), ())


@pytest.mark.parametrize("event", [{}, {"contentBlockDelta": []}, {"metadata": "x"}])
def test_events_that_are_none(event):
    """They are no JSON objects of a name."""
    with pytest.raises(InvalidReplyError):
        list(DIALECT.events(call(stream=True)).take(event))


@pytest.mark.parametrize("size", [0, 1, 7, 4096])
@pytest.mark.parametrize("recorded", data("recorded"), ids=named)
def test_recorded_streams(recorded, size):
    """The very bytes that Bedrock sent, recorded by others (`recorded.json`, with sources), in pieces of every kind."""
    body = base64.b64decode(recorded["base64"])
    step = size or len(body)
    chunks, ended = chunks_of(body[at : at + step] for at in range(0, len(body), step))

    check(put_together(chunks), recorded["expected"])
    assert ended


@pytest.mark.parametrize("recorded", data("recorded"), ids=named)
def test_recorded_streams_cut_short(recorded):
    """Wherever they break off before their end, they are never taken for whole, and nothing wrong is read."""
    body = base64.b64decode(recorded["base64"])
    stop = body.index(b"messageStop") - 30
    for cut in (1, 11, 12, 13, stop // 3, stop // 2, stop):
        chunks, ended = chunks_of([body[:cut]])
        text = put_together(chunks)["choices"][0]["message"]["content"] if chunks else None
        assert ended is False
        assert (recorded["expected"]["content"] or "").startswith(text or "")
