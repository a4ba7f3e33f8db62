"""Servers that send odd bytes or odd values: an answer, or an error of ours, and nothing else."""

from __future__ import annotations

import asyncio
import copy
import json

import pytest
from responses_support import DIALECT, PUBLISHED, call_of, read, response_of, streamed, text_item

from genai_integrations import Connection, GenAIClient
from genai_integrations.calls.incoming import check_reply
from genai_integrations.errors import CallError
from genai_integrations.testing.server import LoopbackServer

STREAM = next(row["stream"] for row in PUBLISHED if "stream" in row).encode()
ODD = [None, True, 7, -1.5, "", "x", [], [None], ["x"], [[]], {}, {"x": "y"}]

THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
           "encrypted_content": "gAAAA", "content": [{"type": "reasoning_text", "text": "hm"}]}  # fmt: skip
CALL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"}  # fmt: skip
CUSTOM = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_2", "name": "sh", "input": "ls"}  # fmt: skip
IMAGE = {"id": "ig_1", "type": "image_generation_call", "result": "AAAA", "output_format": "png"}
NOTE = {"type": "url_citation", "start_index": 0, "end_index": 1, "url": "u", "title": "t"}


def _message():
    item = text_item("ok")
    item["content"][0] |= {"annotations": [NOTE], "logprobs": [{"token": "ok", "logprob": -1.0}]}
    item["content"].append({"type": "refusal", "refusal": "no"})
    return item


USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3,
         "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 1}}  # fmt: skip
RESPONSE = response_of(THOUGHT, _message(), CALL, CUSTOM, IMAGE, usage=USAGE)
CUT = {
    **RESPONSE,
    "status": "incomplete",
    "incomplete_details": {"reason": "max_output_tokens"},
    "error": None,
}
EVENTS = [
    {"type": "response.created", "response": {**RESPONSE, "output": [], "status": "in_progress"}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**THOUGHT, "summary": []}},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "hm"},
    {"type": "response.output_text.delta", "output_index": 1, "delta": "ok", "logprobs": [{"token": "ok"}]},
    {"type": "response.refusal.delta", "output_index": 1, "delta": "no"},
    {"type": "response.output_item.added", "output_index": 2, "item": {**CALL, "arguments": ""}},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"},
    {"type": "response.output_item.done", "output_index": 2, "item": CALL},
    {"type": "response.output_item.done", "output_index": 3, "item": CUSTOM},
    {"type": "response.completed", "response": RESPONSE},
]  # fmt: skip


def places(value, path=()):
    """The path to each value inside of a value."""
    rows = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in rows:
        yield (*path, key)
        if isinstance(inner, (dict, list)):
            yield from places(inner, (*path, key))


def spoilt(value, path, odd):
    """A copy with an odd value in one place."""
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = copy.deepcopy(odd)
    return value


@pytest.mark.parametrize("odd", ODD, ids=json.dumps)
@pytest.mark.parametrize(
    "whole",
    [RESPONSE, CUT, response_of(THOUGHT, usage=USAGE)],
    ids=["completed", "incomplete", "empty"],
)
def test_an_odd_value_in_a_whole_answer(whole, odd):
    """In any of its places."""
    for path in places(whole):
        answer = spoilt(whole, path, odd)
        try:
            check_reply(DIALECT.reply(answer, call_of()), "chat/completions")
        except CallError:
            continue


@pytest.mark.parametrize("odd", ODD, ids=json.dumps)
@pytest.mark.parametrize("stop", [None, "END"])
def test_an_odd_value_in_a_stream(odd, stop):
    """In any place of any event."""
    for path in places(EVENTS):
        try:
            streamed(*spoilt(EVENTS, path, odd), **({"stop": stop} if stop else {}))
        except CallError:
            continue


def texts(chunks):
    """The text in chunks."""
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


def test_a_stream_split_anywhere():
    """What comes of it does not depend on the pieces in which it arrives."""
    whole, ended = read(STREAM)

    assert ended
    for at in range(1, len(STREAM)):
        assert read(STREAM[:at], STREAM[at:]) == (whole, True), at


def test_a_stream_cut_anywhere():
    """It never seems whole before its last event is."""
    text = texts(read(STREAM)[0])
    last = len(STREAM.rstrip())
    for at in range(1, last):
        try:
            chunks, ended = read(STREAM[:at])
        except CallError:
            continue
        assert text.startswith(texts(chunks)), at
        assert not ended, at


class Dripping(LoopbackServer):
    """Sends the published stream, each byte on its own."""

    async def respond(self, _request, exchange):
        """Answer one request."""
        await exchange.begin(200, {"content-type": "text/event-stream"})
        for byte in STREAM:
            await exchange.write(bytes([byte]))
        await exchange.end()


def test_a_stream_byte_by_byte_over_a_socket():
    """Read by a thread and by an event loop alike."""

    async def gathered(client):
        stream = await client.acompletion(
            "c/gpt-5.4", [{"role": "user", "content": "hi"}], stream=True
        )
        return [chunk.model_dump() async for chunk in stream]

    with Dripping() as server:
        connection = Connection.of(
            "c", "openai", "sk-example", f"{server.url}/v1", dialect="responses"
        )
        with GenAIClient(connections=[connection]) as client:
            stream = client.completion(
                "c/gpt-5.4", [{"role": "user", "content": "hi"}], stream=True
            )
            by_thread = [chunk.model_dump() for chunk in stream]
            by_loop = asyncio.run(gathered(client))

    told = [chunk for chunk in by_thread if chunk["choices"]]
    assert texts(told) == "Hi there! How can I assist you today?"
    assert by_thread == by_loop


def test_a_whole_answer_cut_anywhere():
    """It is no JSON, and never a shorter answer."""
    body = json.dumps(RESPONSE).encode()
    for at in range(1, len(body)):
        with pytest.raises(CallError):
            read(body[:at])
