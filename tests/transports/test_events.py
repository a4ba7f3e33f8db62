"""What providers' own answers say on the wire, read beside LiteLLM: at every byte boundary."""

from __future__ import annotations

import json

import pytest

from genai_integrations import errors
from genai_integrations.transports.failures import failure_in
from genai_integrations.transports.litellm.events import Events, Frames, Whole


def sse(*events):
    return b"".join(b"data: " + _bytes(event) + b"\n\n" for event in events)


def _bytes(event):
    return event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()


def gemini(text=None, finish=None):
    parts = {"content": {"role": "model", "parts": [{"text": text}]}} if text is not None else {}
    return {"candidates": [{**parts, **({"finishReason": finish} if finish else {})}]}


def claude(text):
    return {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": text},
    }


def read(reader, data, size):
    """All that goes on to LiteLLM, in pieces of this size."""
    out = [reader.take(data[at : at + size]) for at in range(0, len(data), size)]
    return b"".join([*out, reader.finish()])


SIZES = [1, 2, 3, 7, 10_000]
STOP = {"type": "message_stop"}
REFUSAL = {"type": "message_delta", "delta": {"stop_reason": "refusal"}}
STREAMS = {
    "gemini": (sse(gemini("a"), gemini("b", "STOP")), True, None),
    "gemini, mark in the text": (sse(gemini("a"), gemini("finishReason")), False, None),
    "gemini, mark in the arguments": (
        sse(
            {
                "candidates": [
                    {"content": {"parts": [{"functionCall": {"args": {"finishReason": "x"}}}]}}
                ]
            }
        ),
        False,
        None,
    ),
    "gemini, blocked": (sse({"promptFeedback": {"blockReason": "SAFETY"}}), True, None),
    "claude": (sse(claude("a"), STOP), True, None),
    "claude, mark in the text": (sse(claude("message_stop")), False, None),
    "broken in its midst": (
        sse(claude("a"), b'{"type": "cont', STOP),
        True,
        errors.InvalidReplyError,
    ),
    "malformed call": (
        sse(gemini(finish="MALFORMED_FUNCTION_CALL")),
        True,
        errors.InvalidReplyError,
    ),
    "error": (
        sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        False,
        errors.ServerError,
    ),
    "refusal": (sse(REFUSAL, STOP), True, errors.ContentFilteredError),
    "refusal after content": (sse(claude("a"), REFUSAL, STOP), True, None),
    "cut in its last event": (sse(claude("a")) + b'data: {"type": "mess', False, None),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_says_whether_it_is_whole(name, size):
    """The end counts only where the protocol has it, and a failure is one wherever it hides."""
    data, ended, kind = STREAMS[name]
    reader = Events(())

    read(reader, data, size)

    assert (None if reader.failure is None else type(reader.failure)) is kind
    if kind is None:
        assert reader.ended is ended


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\u2027", "é", "…"])
def test_lines_end_where_the_standard_says(mark, size):
    """LiteLLM gets no character that Python takes for the end of a line, and the text stays the same."""
    data = sse(claude(f"A{mark}B"), claude(mark), STOP)

    out = read(Events(()), data, size).decode()

    lines = out.splitlines()
    assert lines == out.split("\n")[: len(lines)]
    assert [json.loads(line[6:]) for line in lines if line] == [
        claude(f"A{mark}B"),
        claude(mark),
        STOP,
    ]


def test_what_came_before_a_failure_is_handed_on():
    """In the same piece, too: it is what the user has seen of the stream."""
    good = sse(claude("a"))
    data = good + sse({"type": "error", "error": {"type": "api_error", "message": "x"}})

    assert Events(()).take(data).startswith(good)


@pytest.mark.parametrize("size", SIZES)
def test_a_frame_ends_a_stream_and_a_text_does_not(size):
    """AWS's frames have the name of an event after its length."""
    text, end = Frames(), Frames()
    read(text, b'\x00\x00\x00\x7b{"text":"messageStop"}', size)
    read(end, b"\x0b:event-type\x07\x00\x0bmessageStop\x0d:content-type", size)

    assert (text.ended, end.ended) == (False, True)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"candidates": [{"finishReason": "UNEXPECTED_TOOL_CALL"}]}, errors.InvalidReplyError),
        (
            {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}},
            errors.RateLimitError,
        ),
        ({"type": "message", "content": [], "stop_reason": "refusal"}, errors.ContentFilteredError),
        (
            {
                "type": "message",
                "content": [{"type": "text", "text": "no"}],
                "stop_reason": "refusal",
            },
            None,
        ),
        (gemini("a", "STOP"), None),
        ([1], None),
    ],
)
def test_a_whole_answer_may_be_a_failure(answer, kind):
    """Status 200 does not make it a good one."""
    reader = Whole(())
    read(reader, _bytes(answer), 5)

    assert (None if reader.failure is None else type(reader.failure)) is kind


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        ({"finish_reason": "stop"}, None),
        ({"finish_reason": "stop", "error": None}, None),
        ({"finish_reason": "error"}, errors.ServerError),
        ({"finish_reason": "error", "error": {"code": 429, "message": "x"}}, errors.RateLimitError),
        ({"finish_reason": None, "error": {"code": 502, "message": "x"}}, errors.ServerError),
        (
            {"finish_reason": "error", "native_finish_reason": "MALFORMED_FUNCTION_CALL"},
            errors.InvalidReplyError,
        ),
        (
            {"finish_reason": "function_call_filter: MALFORMED_FUNCTION_CALL"},
            errors.InvalidReplyError,
        ),
    ],
)
def test_a_choice_may_say_that_it_failed(choice, kind):
    """Gateways answer 200 and write the failure of their own upstream on the choice."""
    failure = failure_in({"choices": [choice]})

    assert (None if failure is None else type(failure)) is kind
