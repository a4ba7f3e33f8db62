"""A chat completion as Anthropic's message, whole and as events."""

from __future__ import annotations

import json

import pytest
from dialect_bodies import ANYTHING, answers, call_of, chunks_of, parsed, reply_of
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_integrations.calls.incoming import check_reply
from genai_integrations.errors import RateLimitError, ServerError, UnknownModelError
from genai_integrations.gateway.dialects.anthropic.dialect import request
from genai_integrations.gateway.dialects.anthropic.events import MessageWriter
from genai_integrations.gateway.dialects.anthropic.failures import failure
from genai_integrations.gateway.dialects.anthropic.replies import message_of
from genai_integrations.gateway.refusals import Refused
from genai_integrations.transports.anthropic.events import MessageEvents
from genai_integrations.transports.anthropic.replies import reply_of as read_message

PLAIN = {"choices": [{"delta": {"content": "Hi"}}]}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}


def streamed(chunks, *, thinks=False):
    """The bytes of a stream."""
    writer = MessageWriter("asked", thinks=thinks)
    return b"".join([*map(writer.take, chunks), writer.finish({})])


def gathered(events):
    """The message that events tell, as Anthropic's SDK puts it together."""
    message = events[0]["message"]
    inputs: dict[int, str] = {}
    for event in events[1:]:
        match event["type"]:
            case "content_block_start":
                assert event["index"] == len(message["content"])
                message["content"].append(event["content_block"])
            case "content_block_delta":
                block, delta = message["content"][event["index"]], event["delta"]
                kind = delta.pop("type")
                for name, value in delta.items():
                    if kind == "input_json_delta":
                        inputs[event["index"]] = inputs.get(event["index"], "") + value
                    else:
                        block[name] += value
            case "content_block_stop":
                assert event["index"] == len(message["content"]) - 1
            case "message_delta":
                message |= event["delta"]
                message["usage"] = event["usage"]
    for at, text in inputs.items():
        message["content"][at]["input"] = json.loads(text)
    return message


def test_answer_is_a_message():
    """With Anthropic's names for why it ended and what it took."""
    wire = reply_of({"content": "Let me see.", "tool_calls": [CALL]}, "tool_calls")

    assert message_of(wire, "asked", thinks=False) == {
        "id": "msg_chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "gpt-5",
        "content": [
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 1,
            "cache_read_input_tokens": 4,
            "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    }


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"finish_reason": "stop"}, "end_turn"),
        ({"finish_reason": "length"}, "max_tokens"),
        ({"finish_reason": "content_filter"}, "refusal"),
        ({"finish_reason": "stop", "native_finish_reason": "pause_turn"}, "pause_turn"),
        ({"finish_reason": "stop", "native_finish_reason": "stop_sequence"}, "stop_sequence"),
        ({"finish_reason": "stop", "native_finish_reason": "STOP"}, "end_turn"),
    ],
)
def test_reason_of_the_end_is_anthropics(choice, told):
    """That of a Claude is its own word again."""
    wire = reply_of({"content": "Hi"}, **{"finish": choice.pop("finish_reason"), **choice})

    assert message_of(wire, "asked", thinks=False)["stop_reason"] == told


def test_thoughts_come_only_to_who_asked_for_thinking():
    """Others read the first block as the answer."""
    wire = reply_of({"content": "4", "reasoning_content": "hm"})

    assert message_of(wire, "asked", thinks=False)["content"] == [{"type": "text", "text": "4"}]
    assert message_of(wire, "asked", thinks=True)["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "4"},
    ]


def test_stream_is_anthropics_events_byte_for_byte():
    """In the order and the framing that its documentation shows."""
    chunks = chunks_of({"content": "Hello!"})

    assert streamed(chunks).decode() == (
        'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_chatcmpl-1","type":"message",'
        '"role":"assistant","model":"gpt-5","content":[],"stop_reason":null,"stop_sequence":null,'
        '"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}\n\n'
        'event: ping\ndata: {"type": "ping"}\n\n'
        'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"H"}}\n\n'
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ello!"}}\n\n'
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        '"usage":{"input_tokens":5,"cache_creation_input_tokens":1,"cache_read_input_tokens":4,"output_tokens":5,'
        '"output_tokens_details":{"thinking_tokens":2}}}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )


@settings(max_examples=50)
@given(answers(), st.booleans())
def test_stream_tells_what_the_whole_answer_says(message, thinks):
    """Block by block, and what another provider wants back among them."""
    wire = reply_of(message, "tool_calls" if "tool_calls" in message else "stop")
    chunks = chunks_of(message, wire["choices"][0]["finish_reason"])

    told = gathered(parsed(streamed(chunks, thinks=thinks)))

    assert told == message_of(wire, "asked", thinks=thinks)


@settings(max_examples=50)
@given(answers())
def test_answer_given_back_is_the_message_that_it_was(message):
    """Text, thought and calls, and what its provider wants back, which no block has a place for."""
    said = message_of(reply_of(message), "asked", thinks=True)
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "assistant", "content": said["content"]}]}  # fmt: skip
    back = request(body).messages[0]

    assert back["content"] == message["content"]
    assert back.get("reasoning_content") == message.get("reasoning_content")
    assert back.get("provider_specific_fields") == message.get("provider_specific_fields")
    assert [_plain(call) for call in back.get("tool_calls") or ()] == [
        _plain(call) for call in message.get("tool_calls") or ()
    ]


def _plain(call):
    return call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])


BLOCKS = [
    {"type": "thinking", "thinking": "hm", "signature": "sig"},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "text", "text": "4"},
    {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
]


def test_claudes_own_message_comes_back_block_for_block():
    """Through OpenAI's shape, signatures and order included; whole, where that has no room for it."""
    cited = {
        "type": "text",
        "text": "5",
        "citations": [{"type": "page_location", "cited_text": "5"}],
    }
    for content in (BLOCKS, [*BLOCKS[:3], cited, BLOCKS[3]]):
        message = {"id": "msg_1", "model": "claude", "content": content, "stop_reason": "tool_use", "usage": {"input_tokens": 3, "output_tokens": 4}}  # fmt: skip
        wire = read_message(message, call_of("anthropic", "claude", {"messages": []}))
        check_reply(wire, "chat/completions")

        told = message_of(wire, "asked", thinks=True)

        assert told["content"] == content
        assert told["id"] == "msg_1"
        assert told["stop_reason"] == "tool_use"


def test_claudes_own_stream_comes_back_block_for_block():
    """Through chunks in OpenAI's shape; the usage is there from the begin."""
    usage = {"input_tokens": 3, "output_tokens": 1}
    events = [{"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": usage}}]  # fmt: skip
    for at, block in enumerate(BLOCKS):
        opening, deltas = _pieces(block)
        events.append({"type": "content_block_start", "index": at, "content_block": opening})
        events += ({"type": "content_block_delta", "index": at, "delta": row} for row in deltas)
        events.append({"type": "content_block_stop", "index": at})
    events.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}})  # fmt: skip
    reader = MessageEvents(call_of("anthropic", "claude", {"messages": []}))
    chunks = [chunk for event in events for chunk in reader.take(event)]
    for chunk in chunks:
        for choice in chunk["choices"]:
            # As a transport hands them on.
            choice["finish_reason"] = {"tool_use": "tool_calls"}.get(choice["finish_reason"])

    told = parsed(streamed(chunks, thinks=True))

    assert told[0]["message"]["usage"]["input_tokens"] == 3
    assert gathered(told)["content"] == BLOCKS


def _pieces(block):
    match block["type"]:
        case "thinking":
            return {"type": "thinking", "thinking": ""}, [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case "text":
            return {"type": "text", "text": ""}, [{"type": "text_delta", "text": block["text"]}]
        case "tool_use":
            return {**block, "input": {}}, [
                {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            ]
        case _:
            return block, []


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["id", "model", "usage"]), ANYTHING), st.dictionaries(st.sampled_from(["content", "tool_calls", "reasoning_content", "thinking_blocks", "provider_specific_fields", "refusal"]), ANYTHING))  # fmt: skip
def test_whatever_a_server_sends_is_a_message(head, message):
    """The words of others are odd at times, and must not fail a call that has been paid for."""
    wire = {**head, "choices": [{"message": message}]}
    assert message_of(wire, "asked", thinks=True)["type"] == "message"
    chunk = {**head, "choices": [{"delta": message}]}
    assert parsed(streamed([chunk, PLAIN, PLAIN, chunk], thinks=True))[-1] == {
        "type": "message_stop"
    }


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Refused(401, "invalid_api_key", "no"), 401, "authentication_error"),
        (Refused(413, "request_too_large", "no"), 413, "request_too_large"),
        (Refused(405, "method_not_allowed", "no"), 405, "invalid_request_error"),
        (UnknownModelError("no"), 404, "not_found_error"),
        (RateLimitError("no", status=429), 429, "rate_limit_error"),
        (ServerError("no", status=500), 502, "api_error"),
        (ServerError("no", status=503), 529, "overloaded_error"),
    ],
)
def test_error_has_anthropics_type_for_its_status(error, status, kind):
    """By which its SDK chooses the class of the exception."""
    told = failure(error)

    assert told[0] == status
    assert told[1]["type"] == "error"
    assert told[1]["error"]["type"] == kind
