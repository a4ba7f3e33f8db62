"""A chat completion as a response, whole and as events."""

from __future__ import annotations

import json

import pytest
from dialect_bodies import ANYTHING, answers, chunks_of, parsed, reply_of
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_integrations.apis.responses.events import ResponseWriter
from genai_integrations.apis.responses.replies import response_of
from genai_integrations.errors import ServerError
from genai_integrations.gateway.dialects.responses.dialect import request

BODY = {"model": "asked", "input": "Hello!", "temperature": 0.5}
PLAIN = {"choices": [{"delta": {"content": "Hi"}}]}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}


def streamed(chunks):
    """The events of a stream."""
    writer = ResponseWriter(BODY)
    return parsed(b"".join([*map(writer.take, chunks), writer.finish({})]))


def test_answer_is_a_response():
    """With a thought, a text and a call as items, and what was asked repeated."""
    message = {"content": "Let me see.", "reasoning_content": "hm", "tool_calls": [CALL]}
    told = response_of(reply_of(message, "tool_calls"), BODY)

    assert told.pop("completed_at") >= 1_700_000_000
    assert told == {
        "id": "resp_chatcmpl-1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": "gpt-5",
        "output": [
            {
                "id": "rs_genai_chatcmpl-1_0",
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": "hm"}],
            },
            {
                "id": "msg_genai_chatcmpl-1_1",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [
                    {
                        "type": "output_text",
                        "text": "Let me see.",
                        "annotations": [],
                        "logprobs": [],
                    }
                ],
            },
            {
                "id": "fc_genai_chatcmpl-1_2",
                "type": "function_call",
                "status": "completed",
                "arguments": '{"a":1}',
                "call_id": "c1",
                "name": "add",
            },
        ],
        "previous_response_id": None,
        "service_tier": "default",
        "store": False,
        "usage": {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 15,
        },
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "temperature": 0.5,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
    }


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_answer_that_was_cut_is_incomplete(finish, reason):
    """And so is its stream."""
    whole = response_of(reply_of({"content": "Hi"}, finish), BODY)
    last = streamed(chunks_of({"content": "Hi"}, finish))[-1]

    assert whole["status"] == "incomplete"
    assert whole["incomplete_details"] == {"reason": reason}
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": reason}


def test_stream_has_every_event_of_openais_in_its_order():
    """Each numbered, and each item told from its begin to its end."""
    message = {"content": "Hi!", "reasoning_content": "hm", "tool_calls": [CALL]}
    events = streamed(chunks_of(message, "tool_calls"))

    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert events[11] == {
        "type": "response.output_text.delta",
        "sequence_number": 11,
        "item_id": "msg_genai_chatcmpl-1_1",
        "output_index": 1,
        "content_index": 0,
        "delta": "H",
        "logprobs": [],
    }
    assert events[19] == {
        "type": "response.function_call_arguments.done",
        "sequence_number": 19,
        "item_id": "fc_genai_chatcmpl-1_2",
        "output_index": 2,
        "name": "add",
        "arguments": '{"a":1}',
    }


def test_refusal_has_events_of_its_own():
    """And is a part of a message of its own kind."""
    events = streamed(chunks_of({"refusal": "I won't."}))

    kinds = [event["type"] for event in events]
    assert "response.refusal.delta" in kinds
    assert "response.output_text.delta" not in kinds
    assert events[-1]["response"]["output"][0]["content"] == [
        {"type": "refusal", "refusal": "I won't."}
    ]


@settings(max_examples=50)
@given(answers())
def test_stream_tells_what_the_whole_answer_says(message):
    """Item by item; what another provider wants back comes in an item of its own behind the others."""
    wire = reply_of(message)
    events = streamed(chunks_of(message))
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    whole = response_of(wire, BODY)

    last = events[-1]["response"]
    assert last["output"] == done
    assert list(map(_plain, done)) == list(map(_plain, whole["output"])) or message.get("provider_specific_fields")  # fmt: skip
    assert last["usage"] == whole["usage"]


def _plain(item):
    return {name: value for name, value in item.items() if name != "id"}


@pytest.mark.parametrize("is_streamed", [False, True])
@settings(max_examples=50)
@given(message=answers())
def test_answer_given_back_is_the_message_that_it_was(message, is_streamed):
    """Text, thought and calls, and what its provider wants back."""
    if is_streamed:
        output = streamed(chunks_of(message))[-1]["response"]["output"]
    else:
        output = response_of(reply_of(message), BODY)["output"]
    back = request({"model": "m", "input": output}).messages[0]

    kept = message.get("provider_specific_fields")
    assert back["content"] == message["content"]
    assert back.get("reasoning_content") == message.get("reasoning_content")
    if kept:
        assert back["provider_specific_fields"]["thought_signatures"] == kept["thought_signatures"]
    assert back.get("tool_calls", []) == message.get("tool_calls", [])


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["id", "model", "usage", "created"]), ANYTHING), st.dictionaries(st.sampled_from(["content", "tool_calls", "reasoning_content", "thinking_blocks", "provider_specific_fields", "refusal"]), ANYTHING))  # fmt: skip
def test_whatever_a_server_sends_is_a_response(head, message):
    """The words of others are odd at times, and must not fail a call that has been paid for."""
    assert response_of({**head, "choices": [{"message": message}]}, BODY)["object"] == "response"
    chunk = {**head, "choices": [{"delta": message}]}
    assert streamed([chunk, PLAIN, PLAIN, chunk])[-1]["type"] == "response.completed"


def test_stream_that_breaks_ends_with_a_failed_response():
    """It says why, and has what had come."""
    writer = ResponseWriter(BODY)
    data = b"".join(map(writer.take, chunks_of({"content": "Hi"})[:2]))
    events = parsed(data + writer.broken(ServerError("it broke"), 0))

    last = events[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"] == {"code": "server_error", "message": "it broke"}
    json.dumps(events)


def test_ids_of_others_cannot_break_out_of_an_event():
    """Nor can a text."""
    chunks = [{**row, "id": '"\n\nx'} for row in chunks_of({"content": 'He said "\n\n".'})]

    assert streamed(chunks)[-1]["response"]["output"][0]["content"][0]["text"] == 'He said "\n\n".'
