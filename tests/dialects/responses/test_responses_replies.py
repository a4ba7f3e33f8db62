"""What a whole response, and the events of a stream, become."""

from __future__ import annotations

import json

import pytest
from responses_support import put_together, read, reply_of, response_of, streamed, text_item

from genai_integrations.errors import (
    BadRequestError,
    ContentFilteredError,
    ContextWindowExceededError,
    InvalidReplyError,
    RateLimitError,
    ServerError,
)

THOUGHT = {"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAAA",
           "summary": [{"type": "summary_text", "text": "**A**"}, {"type": "summary_text", "text": "**B**"}]}  # fmt: skip
CALL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "add",
        "arguments": '{"a":1}', "status": "completed"}  # fmt: skip
CUSTOM = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_2", "name": "sh", "input": "ls"}  # fmt: skip
REFUSAL = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
           "content": [{"type": "refusal", "refusal": "I can't"}]}  # fmt: skip
IMAGE = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "AAAA",
         "output_format": "webp"}  # fmt: skip
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed",
          "action": {"type": "search", "query": "a"}}  # fmt: skip


def delta(kind, text, at=0, **fields):
    """An event with a piece of something."""
    return {"type": f"response.{kind}.delta", "output_index": at, "delta": text, **fields}


def added(item, at=0):
    """The event that opens an item."""
    return {"type": "response.output_item.added", "output_index": at, "item": item}


def done(item, at=0):
    """The event that closes an item."""
    return {"type": "response.output_item.done", "output_index": at, "item": item}


def completed(*output, kind="completed", **fields):
    """The last event."""
    response = response_of(*output, **{"status": kind, **fields})
    return {"type": f"response.{kind}", "response": response}


def both(*output, **fields):
    """The only choice of a whole response, which must be that of a stream that tells all of it at its end."""
    (choice,) = reply_of(response_of(*output, **fields))["choices"]
    kind = fields.get("status", "completed")
    events = [done(item, at) for at, item in enumerate(output)]
    again = put_together(streamed(*events, completed(*output, kind=kind, **fields)))
    for call in again["message"].get("tool_calls") or ():
        call.pop("index", None)
    assert again["message"] == {k: v for k, v in choice["message"].items() if v != ""}
    assert again["finish_reason"] == choice["finish_reason"]
    assert again.get("logprobs") == choice.get("logprobs")
    return choice


def test_several_messages_are_one_text():
    """Citations count from its beginning; the parts are kept, for they have names of their own."""
    note = {"type": "url_citation", "start_index": 0, "end_index": 2, "url": "u", "title": "t"}
    second = text_item("two")
    second["content"][0]["annotations"] = [note]
    choice = both(text_item("one ", phase="commentary"), second)

    assert choice["message"]["content"] == "one two"
    cited = choice["message"]["annotations"][0]["url_citation"]
    assert (cited["start_index"], cited["end_index"]) == (4, 6)
    assert len(choice["message"]["provider_specific_fields"]["output_items"]) == 2
    assert note["start_index"] == 0, "what is kept stays as it came"


def test_thoughts_and_calls():
    """The parts of a summary are paragraphs; all is kept to be given back."""
    choice = both(THOUGHT, text_item("ok"), CALL, CUSTOM)
    message = choice["message"]

    assert message["reasoning_content"] == "**A**\n\n**B**"
    assert message["content"] == "ok"
    assert message["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}},
        {"id": "call_2", "type": "custom", "custom": {"name": "sh", "input": "ls"}},
    ]
    assert choice["finish_reason"] == "tool_calls"
    kept = message["provider_specific_fields"]["output_items"]
    assert [item["id"] for item in kept] == ["rs_1", "msg_1", "fc_1", "ctc_1"]


def test_an_open_models_thought():
    """It is told itself."""
    item = {"type": "reasoning", "id": "rs_1", "summary": [],
            "content": [{"type": "reasoning_text", "text": "hm"}]}  # fmt: skip

    assert both(item, text_item("ok"))["message"]["reasoning_content"] == "hm"


def test_a_refusal():
    """It has a place of its own, as in the chat API."""
    choice = both(REFUSAL)

    assert choice["message"]["refusal"] == "I can't"
    assert choice["finish_reason"] == "stop"


def test_a_picture():
    """It is an image of the answer, in its own format."""
    images = both(IMAGE, text_item("here"))["message"]["images"]

    assert images == [{"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA"}}]


def test_a_built_in_tool_alone():
    """An approval that is asked for is an answer, though there is nothing to read."""
    item = {"id": "mcpr_1", "type": "mcp_approval_request", "name": "a", "arguments": "{}", "server_label": "s"}  # fmt: skip
    message = both(item)["message"]

    assert message["content"] is None
    assert message["provider_specific_fields"]["output_items"] == [item]


def test_log_probabilities():
    """They are the choice's."""
    item = text_item("ok")
    item["content"][0]["logprobs"] = [{"token": "ok", "logprob": -0.5, "bytes": [111, 107], "top_logprobs": []}]  # fmt: skip

    assert both(item)["logprobs"]["content"][0]["token"] == "ok"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), (None, "length")],
)
def test_an_answer_cut_short(reason, finish):
    """The chat API's words; the server's stays beside it."""
    details = {"reason": reason} if reason else None
    choice = both(text_item("half"), status="incomplete", incomplete_details=details)

    assert choice["finish_reason"] == finish


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "m"}, ServerError),
        ({"code": "rate_limit_exceeded", "message": "m"}, RateLimitError),
        ({"code": "invalid_prompt", "message": "m"}, ContentFilteredError),
        ({"code": "context_length_exceeded", "message": "m"}, ContextWindowExceededError),
        ({"code": "vector_store_timeout", "message": "m"}, ServerError),
        ({"code": "bio_policy", "message": "m"}, ContentFilteredError),
        ({"code": "image_content_policy_violation", "message": "m"}, ContentFilteredError),
        ({"code": "invalid_image_url", "message": "m"}, BadRequestError),
        ({"code": "failed_to_download_image", "message": "m"}, BadRequestError),
        ({"code": "image_too_large", "message": "m"}, BadRequestError),
        (None, ServerError),
    ],
)
def test_a_response_that_failed(error, kind):
    """By its code; a stream fails alike, and no secret shows."""
    with pytest.raises(kind):
        streamed(completed(kind="failed", error=error))
    if error is None:
        with pytest.raises(kind, match="the response was failed"):
            read(json.dumps(response_of(status="failed", error=None)).encode())


def test_the_errors_words_hold_no_secret():
    """A careless server echoes the key."""
    told = {"code": "server_error", "message": "wrong: sk-example"}
    with pytest.raises(ServerError) as caught:
        streamed(completed(kind="failed", error=told))

    assert "sk-example" not in str(caught.value)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None},
        {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "slow"}},
    ],
)
def test_an_error_event(event):
    """Its fields stand in it, or in an object of their own; only some servers name the event."""
    with pytest.raises(RateLimitError, match="slow"):
        streamed(event)


@pytest.mark.parametrize(
    "response",
    [
        [],
        {},
        {"choices": []},
        {"output": "x"},
        response_of(status="queued"),
        response_of(status="in_progress"),
        response_of(),
        response_of(text_item("")),
        response_of(THOUGHT, usage={"output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 5}}),
    ],
)  # fmt: skip
def test_what_is_no_answer(response):
    """Another target is asked."""
    with pytest.raises(InvalidReplyError):
        reply_of(response)


@pytest.mark.parametrize("output", [[], [text_item("")]])
def test_a_stream_of_nothing(output):
    """It ended before its first content, though the server says that it is whole."""
    with pytest.raises(InvalidReplyError, match="before its first content"):
        streamed(completed(*output))


def test_nothing_is_told_twice():
    """Pieces, then the whole item, then the whole response."""
    choice = put_together(
        streamed(
            added({**THOUGHT, "summary": []}),
            delta("reasoning_summary_text", "**A**", summary_index=0),
            delta("reasoning_summary_text", "**B**", summary_index=1),
            done(THOUGHT),
            added(text_item(""), 1),
            delta("output_text", "o", 1, logprobs=[{"token": "o", "logprob": -1}]),
            delta("output_text", "k", 1, logprobs=[{"token": "k", "logprob": -1}]),
            done(text_item("ok"), 1),
            added({**CALL, "arguments": ""}, 2),
            delta("function_call_arguments", '{"a"', 2),
            delta("function_call_arguments", ":1}", 2),
            done(CALL, 2),
            completed(THOUGHT, text_item("ok"), CALL),
        )
    )
    message = choice["message"]

    assert message["reasoning_content"] == "**A**\n\n**B**"
    assert message["content"] == "ok"
    assert message["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a":1}'}
    assert [row["token"] for row in choice["logprobs"]["content"]] == ["o", "k"]
    assert len(message["provider_specific_fields"]["output_items"]) == 3


@pytest.mark.parametrize(
    "events",
    [
        [delta("output_text", "ok"), completed(text_item("ok"))],
        [delta("output_text", "ok"), done(text_item("ok")), completed()],
        [done(text_item("ok")), completed()],
        [completed(text_item("ok"))],
        [
            {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "ok"},
            {"type": "response.output_item.done", "item": text_item("ok")},
            completed(text_item("ok")),
        ],
    ],
    ids=["no item", "no output at the end", "no pieces", "only the end", "no numbers"],
)
def test_servers_that_leave_events_out(events):
    """The text is there once, whoever tells it."""
    assert put_together(streamed(*events))["message"]["content"] == "ok"


def test_parallel_calls_of_a_stream():
    """Each has its number among the calls, whatever stands between them."""
    other = {**CALL, "id": "fc_2", "call_id": "call_2", "name": "sub", "arguments": ""}
    chunks = streamed(
        added({**CALL, "arguments": ""}, 1),
        added(other, 3),
        delta("function_call_arguments", '{"b":2}', 3),
        delta("function_call_arguments", '{"a":1}', 1),
        done(CALL, 1),
        done({**other, "arguments": '{"b":2}'}, 3),
        completed(THOUGHT, CALL, text_item(""), {**other, "arguments": '{"b":2}'}),
    )
    calls = put_together(chunks)["message"]["tool_calls"]

    assert [(call["id"], call["function"]["arguments"]) for call in calls] == [
        ("call_1", '{"a":1}'), ("call_2", '{"b":2}'),
    ]  # fmt: skip


def test_arguments_that_come_whole():
    """With the item that opens the call, or with the one that closes it."""
    for opened in (CALL, {**CALL, "arguments": ""}):
        (call,) = put_together(streamed(added(opened), done(CALL), completed(CALL)))["message"][
            "tool_calls"
        ]
        assert call["function"]["arguments"] == '{"a":1}'


def test_usage_and_tier():
    """Under the chat API's names, with what was read from a cache and written to it."""
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15,
             "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
             "output_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
    reply = reply_of(response_of(text_item("ok"), usage=usage, service_tier="flex"))
    chunks = streamed(completed(text_item("ok"), usage=usage, service_tier="flex"))

    for wire in (reply, chunks[-1]):
        assert wire["service_tier"] == "flex"
        told = wire["usage"]
        assert (told["prompt_tokens"], told["completion_tokens"], told["total_tokens"]) == (
            10,
            5,
            15,
        )
        assert told["prompt_tokens_details"]["cached_tokens"] == 4
        assert told["prompt_tokens_details"]["cache_creation_tokens"] == 2
        assert told["completion_tokens_details"] == {"reasoning_tokens": 3}


def test_a_search_is_kept():
    """It is nothing to read."""
    message = both(SEARCH, text_item("ok"))["message"]

    assert message["provider_specific_fields"]["output_items"][0] == SEARCH


@pytest.mark.parametrize(
    "event", [{"choices": []}, {"type": 3}, {"type": "response.completed"}, {"type": "response.completed", "response": 1}]
)  # fmt: skip
def test_events_of_another_api(event):
    """They are none of this one's."""
    with pytest.raises(InvalidReplyError):
        streamed(event)


@pytest.mark.parametrize(
    "event",
    [
        delta("output_text", None),
        delta("output_text", ""),
        delta("function_call_arguments", "{}"),
        added(None),
        added("x"),
        done(None),
        {"type": "response.created", "response": None},
        {"type": "response.unheard_of"},
    ],
)
def test_odd_events_tell_nothing(event):
    """A good answer is not spoilt by them."""
    choice = put_together(streamed(event, completed(text_item("ok"))))

    assert choice["message"]["content"] == "ok"
    assert "tool_calls" not in choice["message"]


def test_a_stream_without_its_end():
    """It was cut short, as whoever reads it is told."""
    chunks, ended = read(b'data: {"type":"response.output_text.delta","output_index":0,"delta":"o"}\n\n')  # fmt: skip

    assert len(chunks) == 1
    assert not ended
