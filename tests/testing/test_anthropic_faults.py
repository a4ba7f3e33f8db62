"""Each fault of the scripted provider, in Anthropic's shape."""

from __future__ import annotations

import http.client
import json

import pytest
from wire import USER, ask, call, connect

from genai_integrations.testing.faults import Fault

PATH = "/v1/messages"
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
BODY = {"model": "claude", "max_tokens": 100, "messages": USER}


def streamed(claude, fault):
    """The types of the events that arrive, the data of the last one, and whether the body was complete."""
    claude.faults["claude"] = fault
    with connect(claude) as connection:
        reply = ask(connection, {**BODY, "stream": True}, PATH, HEADERS)
        try:
            content, complete = reply.read(), True
        except http.client.IncompleteRead as error:
            content, complete = error.partial, False
    *events, _ = content.decode().split("\n\n")
    names = [event.split("\n")[0].removeprefix("event: ") for event in events]
    return names, json.loads(events[-1].split("\n")[1].removeprefix("data: ")), complete


@pytest.mark.parametrize(
    ("model", "status", "kind", "words"),
    [
        ("fault-400", 400, "invalid_request_error", "could not be processed"),
        ("fault-401", 401, "authentication_error", "invalid x-api-key"),
        ("fault-402", 402, "billing_error", "credit balance is too low"),
        ("fault-403", 403, "permission_error", "does not have permission"),
        ("fault-404", 404, "not_found_error", "model: fault-404"),
        ("fault-413", 413, "request_too_large", "exceeds the maximum size"),
        ("fault-422", 422, "invalid_request_error", "status 422"),
        ("fault-429", 429, "rate_limit_error", "rate limit"),
        ("fault-500", 500, "api_error", "Internal server error"),
        ("fault-503", 503, "api_error", "Internal server error"),
        ("fault-504", 504, "timeout_error", "timed out"),
        ("fault-529", 529, "overloaded_error", "Overloaded"),
        (
            "fault-context",
            400,
            "invalid_request_error",
            "prompt is too long: 208310 tokens > 200000",
        ),
        ("fault-filter", 400, "invalid_request_error", "blocked by content filtering policy"),
        ("fault-quota", 429, "rate_limit_error", "specified API usage limits"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_have_anthropics_shape(claude, model, status, kind, words, stream):
    """A status fault is that status with the usual type and message, and the request's id twice."""
    got, headers, body = call(claude, {**BODY, "model": model, "stream": stream}, PATH, HEADERS)

    assert got == status
    assert body.keys() == {"type", "error", "request_id"}
    assert body["type"] == "error"
    assert body["error"]["type"] == kind
    assert words in body["error"]["message"]
    assert body["request_id"] == headers["request-id"]


def test_rate_limits_say_how_long(claude):
    """`retry-after` and what is left are in the headers."""
    claude.faults["claude"] = Fault.rate_limited(7)
    headers = call(claude, BODY, PATH, HEADERS)[1]

    assert headers["retry-after"] == "7"
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"


def test_a_status_can_be_given_words(claude):
    """The code of an error is its type; message and headers can be chosen."""
    fault = Fault.status(418, code="teapot", message="short and stout", headers={"x-pot": "1"})
    claude.faults["claude"] = fault
    status, headers, body = call(claude, BODY, PATH, HEADERS)

    assert (status, headers["x-pot"]) == (418, "1")
    assert body["error"] == {"type": "teapot", "message": "short and stout"}


def test_a_model_that_is_not_served_is_not_found(claude):
    """With `models` given, others get the usual 404."""
    claude.models = ["other"]
    status, _, body = call(claude, BODY, PATH, HEADERS)

    assert (status, body["error"]["message"]) == (404, "model: claude")


def test_an_error_event_ends_a_stream(claude):
    """Some content, then an event that says overloaded; nothing closes the message."""
    names, last, _ = streamed(claude, Fault.error_event(2))

    assert names == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "error",
    ]
    assert last["type"] == "error"
    assert last["error"] == {"type": "overloaded_error", "message": "Overloaded"}


def test_without_a_stream_an_error_event_is_a_500(claude):
    """The nearest thing that a single answer can be."""
    claude.faults["claude"] = Fault.error_event()
    status, _, body = call(claude, BODY, PATH, HEADERS)

    assert (status, body["error"]["type"]) == (500, "api_error")


def test_a_truncated_stream_lacks_its_end(claude):
    """However much content arrives, the events that close the message do not."""
    for after, count in ((0, 0), (2, 2), (99, 4)):
        names, _, complete = streamed(claude, Fault.truncated(after))

        assert names == [
            "message_start",
            "content_block_start",
            "ping",
            *["content_block_delta"] * count,
        ]
        assert complete


def test_a_cut_stream_breaks_off(claude):
    """The connection closes in the middle of the chunks."""
    names, _, complete = streamed(claude, Fault.cut(1))

    assert names[-1] == "content_block_delta"
    assert not complete


def test_a_safety_stop_is_a_refusal(claude):
    """Half of the text, no tool calls, and the reason with its details, whole and streamed."""
    claude.replies["*"] = {"content": "one two three four", "tool_calls": [{"name": "f"}]}
    claude.faults["claude"] = Fault.content_filter_stop()
    message = call(claude, BODY, PATH, HEADERS)[2]
    names, last, _ = streamed(claude, Fault.content_filter_stop())

    assert message["content"] == [{"type": "text", "text": "one two"}]
    assert message["stop_reason"] == "refusal"
    assert message["stop_details"]["type"] == "refusal"
    assert names.count("content_block_delta") == 2
    assert last == {"type": "message_stop"}


def test_a_safety_stop_calls_no_tools(claude):
    """Calls that would have been the whole answer are left out."""
    claude.replies["*"] = {"tool_calls": [{"name": "f"}]}
    claude.faults["claude"] = Fault.content_filter_stop()
    message = call(claude, BODY, PATH, HEADERS)[2]

    assert (message["content"], message["stop_reason"]) == ([], "refusal")


def test_tool_calls_and_thinking_count_as_content(claude):
    """The pieces that faults count are words of thinking and text, calls and their fragments."""
    claude.replies["*"] = {
        "reasoning_content": "a b",
        "tool_calls": [{"name": "f", "arguments": {"x": 1}}],
    }
    names, last, _ = streamed(claude, Fault.truncated(4))

    assert names == [
        "message_start",
        "content_block_start",
        "ping",
        *["content_block_delta"] * 3,
        "content_block_stop",
        "content_block_start",
        *["content_block_delta"] * 2,
    ]
    assert last["delta"]["partial_json"] == '{"x": '
