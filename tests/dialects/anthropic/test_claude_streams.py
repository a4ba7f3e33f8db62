"""Published streams of Anthropic's (`tests/data/dialects/anthropic/streams.jsonl`), and what must come of each."""

from __future__ import annotations

import json

import pytest
from claude_calls import called, rows_of

from genai_integrations.calls.assembly import Assembly
from genai_integrations.calls.extras import StreamedExtras
from genai_integrations.errors import CallError, InvalidReplyError
from genai_integrations.transports.reading import Reader

STREAMS = rows_of("streams.jsonl")


def read(dialect, pieces, call=None):
    """The chunks of a body, and the error that ends it; one that is cut short ends with `cut`."""
    reader = Reader(dialect, call or called(), ())
    chunks = []
    try:
        for piece in pieces:
            chunks.extend(reader.feed(piece))
            reader.check()
            if reader.ended:
                return chunks, None
        chunks.extend(reader.finish())
    except CallError as error:
        return chunks, error
    return chunks, None if reader.ended else "cut"


def made_of(chunks):
    """The reply that the chunks make, without what differs from day to day."""
    assembly, usage = Assembly(), None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        if chunk["choices"]:
            assembly.add(chunk)
    return assembly.wire(usage)


def sse(*events):
    """Events on the wire."""
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events
    )


@pytest.mark.parametrize("row", STREAMS, ids=lambda row: row["name"])
def test_a_published_stream_is_read(row, dialect):
    """Words, thoughts, calls, the end, usage and what is beside them are those of the row."""
    wanted = row["expected"]
    chunks, error = read(dialect, [row["body"].encode()])
    reply = made_of(chunks)
    choice = next(iter(reply["choices"]), {"message": {"content": None}})
    message = choice["message"]

    assert message["content"] == wanted.get("content")
    if "error" in wanted:
        assert error == "cut" or type(error).__name__ == wanted["error"]
        assert wanted.get("words", "") in str(error)
        return
    calls = [
        [call["function"]["name"], call["function"]["arguments"], call["id"]]
        for call in message.get("tool_calls") or ()
    ]
    assert error is None
    assert calls == wanted.get("calls", [])
    assert message.get("reasoning_content") == wanted.get("reasoning")
    assert message.get("thinking_blocks") == wanted.get("thoughts")
    assert message.get("annotations") == wanted.get("annotations")
    assert message.get("provider_specific_fields") == wanted.get("fields")
    assert choice["finish_reason"] == wanted["finish"]
    assert reply.get("usage") == wanted["usage"]
    assert [row["choices"][0].get("native_finish_reason") for row in chunks if row["choices"]][
        -1
    ] == wanted["native"]


@pytest.mark.parametrize("row", STREAMS, ids=lambda row: row["name"])
def test_every_piece_of_a_stream_has_the_same_head(row, dialect):
    """Id, model and time are told in each chunk, the role in the first one that has a delta."""
    chunks, _ = read(dialect, [row["body"].encode()])
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]

    assert len({(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks}) <= 1
    assert [delta.get("role") for delta in deltas] == ["assistant", *[None] * (len(deltas) - 1)][
        : len(deltas)
    ]


STEPS = pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 23])
"""Bytes from one cut to the next."""


@STEPS
@pytest.mark.parametrize("row", STREAMS, ids=lambda row: row["name"])
def test_a_stream_may_come_in_any_two_pieces(row, step, dialect):
    """Wherever it is cut in two, the chunks are the same."""
    body = row["body"].encode()
    whole, error = read(dialect, [body])
    fixed = [{**chunk, "created": 0} for chunk in whole]

    for cut in range(0, len(body) + 1, step):
        chunks, other = read(dialect, [body[:cut], body[cut:]])
        assert [{**chunk, "created": 0} for chunk in chunks] == fixed
        assert str(other) == str(error)


@STEPS
@pytest.mark.parametrize("row", STREAMS, ids=lambda row: row["name"])
def test_a_stream_that_ends_anywhere_is_whole_only_at_its_end(row, step, dialect):
    """Cut off after any byte, it brings a beginning of its chunks, and says that it was cut short."""
    body = row["body"].encode()
    whole, _ = read(dialect, [body])
    texts = [json.dumps({**chunk, "created": 0}) for chunk in whole]
    told = row["body"].encode().rfind(b"\n\nevent: message_stop")

    for end in range(0, len(body), step):
        chunks, other = read(dialect, [body[:end]])
        assert [json.dumps({**chunk, "created": 0}) for chunk in chunks] == texts[: len(chunks)]
        # After the event with the reason nothing of the answer is to come.
        assert other is not None or end >= told > 0


def test_what_an_adapter_keeps_of_a_stream_is_what_it_keeps_of_a_message(dialect):
    """The blocks that go back are the same whichever way the answer came."""
    row = next(row for row in STREAMS if row["name"] == "web search")
    chunks, _ = read(dialect, [row["body"].encode()])
    extras = StreamedExtras()
    for chunk in chunks:
        for choice in chunk["choices"]:
            extras.add(choice["delta"])
    answer = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
        "content": row["expected"]["fields"]["anthropic_content"], "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    reply = dialect.reply(answer, called())

    kept = reply["choices"][0]["message"]["provider_specific_fields"]
    assert extras.wire({})["provider_specific_fields"] == kept


START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "model": "claude",
        "content": [],
        "usage": {"input_tokens": 3, "output_tokens": 1},
    },
}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}
STOP = {"type": "message_stop"}


def opened(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def grown(index, kind, **delta):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def closed(index):
    return {"type": "content_block_stop", "index": index}


def test_what_came_in_is_told_even_if_the_stream_breaks(dialect):
    """The first event has the tokens of the prompt, which are paid for whatever comes of it."""
    chunks, error = read(dialect, [sse(START)])

    assert error == "cut"
    assert chunks[0]["usage"]["prompt_tokens"] == 3


def test_several_thoughts_keep_their_signatures_apart(dialect):
    """Each block of thinking is one of its own, a redacted one among them."""
    chunks, _ = read(dialect, [sse(
        START,
        opened(0, type="thinking", thinking="", signature=""),
        grown(0, "thinking_delta", thinking="one"),
        grown(0, "signature_delta", signature="s1"),
        closed(0),
        opened(1, type="redacted_thinking", data="xyz"),
        closed(1),
        opened(2, type="thinking", thinking=""),
        grown(2, "thinking_delta", thinking="two"),
        grown(2, "signature_delta", signature="s2"),
        closed(2),
        opened(3, type="text", text=""),
        grown(3, "text_delta", text="done"),
        closed(3),
        END,
        STOP,
    )])  # fmt: skip
    message = made_of(chunks)["choices"][0]["message"]

    assert message["thinking_blocks"] == [
        {"type": "thinking", "thinking": "one", "signature": "s1"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "thinking", "thinking": "two", "signature": "s2"},
    ]
    assert message["reasoning_content"] == "onetwo"
    assert "provider_specific_fields" not in message


@pytest.mark.parametrize(
    ("given", "pieces", "arguments"),
    [({}, [], "{}"), ({}, ['{"a"', ": 1}"], '{"a": 1}'), ({"a": 1}, [], '{"a": 1}')],
    ids=["none", "in pieces", "with the call"],
)
def test_parallel_calls_are_numbered(given, pieces, arguments, dialect):
    """A call without arguments has an empty object; copies of the API that begin with all of them are read, too."""
    events = [START]
    for at, name in enumerate(["x", "y"]):
        events.append(opened(at, type="tool_use", id=f"toolu_{at}", name=name, input=given))
        events += [grown(at, "input_json_delta", partial_json=piece) for piece in ["", *pieces]]
        events.append(closed(at))
    chunks, _ = read(dialect, [sse(*events, END, STOP)])
    calls = made_of(chunks)["choices"][0]["message"]["tool_calls"]

    assert [(call["id"], call["function"]) for call in calls] == [
        ("toolu_0", {"name": "x", "arguments": arguments}),
        ("toolu_1", {"name": "y", "arguments": arguments}),
    ]
    assert {
        piece["index"]
        for chunk in chunks
        for choice in chunk["choices"]
        for piece in choice["delta"].get("tool_calls") or ()
    } == {0, 1}


def test_unknown_events_and_deltas_are_passed_over(dialect):
    """The API may have new ones any day."""
    chunks, error = read(dialect, [sse(
        START,
        {"type": "news", "x": 1},
        opened(0, type="text", text="a"),
        grown(0, "sound_delta", sound="b"),
        grown(7, "text_delta", text="of no block"),
        closed(0),
        END,
        STOP,
    )])  # fmt: skip

    assert error is None
    assert made_of(chunks)["choices"][0]["message"]["content"] == "a"


def test_another_dialects_event_is_refused(dialect):
    """An event without a type is none of Anthropic's."""
    _, error = read(dialect, [b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'])

    assert isinstance(error, InvalidReplyError)


def test_a_refusal_behind_content_is_an_end(dialect):
    """What was said is given; the reason is OpenAI's `content_filter`, and Anthropic's words are beside it."""
    details = {"type": "refusal", "category": "cyber", "explanation": "why"}
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "refusal", "stop_details": details},
        "usage": {"output_tokens": 2},
    }
    chunks, error = read(dialect, [sse(
        START, opened(0, type="text", text=""), grown(0, "text_delta", text="Well"), closed(0), end, STOP
    )])  # fmt: skip
    choice = made_of(chunks)["choices"][0]

    assert error is None
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["provider_specific_fields"] == {"stop_details": details}


def test_a_stream_of_nothing_is_no_answer(dialect):
    """No word, no call, and no token generated."""
    nothing = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 0},
    }
    _, error = read(dialect, [sse(START, nothing, STOP)])

    assert isinstance(error, InvalidReplyError)


def test_a_whole_message_may_come_though_a_stream_was_asked_for(dialect):
    """Some gateways do not stream."""
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "hi"}], "usage": {"input_tokens": 1, "output_tokens": 2},
    }  # fmt: skip
    chunks, error = read(dialect, [json.dumps(body).encode()])

    assert error is None
    assert chunks[0]["choices"][0]["delta"]["content"] == "hi"
    assert chunks[0]["usage"]["total_tokens"] == 3
