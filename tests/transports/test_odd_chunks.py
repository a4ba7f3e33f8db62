"""Chunks and replies that are JSON, but not what the protocol says."""

from __future__ import annotations

import json

import pytest

from genai_integrations import GenAIClient
from genai_integrations.errors import CallError, InvalidReplyError

ODD = [
    {"choices": [None]}, {"choices": ["x"]}, {"choices": {"index": 0}}, {"choices": "abc"}, {"choices": 5},
    {"choices": [{"delta": "text"}]}, {"choices": [{"delta": [1]}]}, {"choices": [[]]},
    {"choices": [{"index": 0, "delta": {"content": {"a": 1}}}]},
    {"choices": [{"index": 0, "delta": {"content": ["a"]}}]},
    {"choices": [{"index": 0, "finish_reason": ["stop"]}]},
    {"usage": "many"}, {"usage": [1]}, {"error": "broken"}, {"error": ["broken"]}, {"error": 5},
]  # fmt: skip
GOOD = {"choices": [{"index": 0, "delta": {"content": "hi"}}]}
WHOLE = [
    {"choices": []}, {"choices": None}, {"choices": [{}]}, {"choices": [{"message": None}]}, {"choices": {}},
    {"choices": [{"message": "text"}]}, {"choices": ["text"]}, {"object": "list", "data": []}, [], "text", 5,
    None, True,
]  # fmt: skip


def _serve(raw_server, content, kind):
    def handle(server, connection, number):
        while server.read(connection):
            head = (
                f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(content)}\r\n\r\n"
            )
            connection.sendall(head.encode() + content)

    return raw_server(handle)


def _client(connect, server):
    return GenAIClient(connections=[connect(server.url)], router_args={"num_retries": 0})


def _events(*chunks):
    return (
        b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
        + b"data: [DONE]\n\n"
    )


@pytest.mark.parametrize("chunk", ODD, ids=json.dumps)
@pytest.mark.parametrize("first", [True, False])
def test_an_odd_chunk_is_one_of_our_errors_or_harmless(first, chunk, connect, raw_server):
    """A user who catches CallError catches it; Python's own errors never come out of a stream."""
    content = _events(chunk, GOOD) if first else _events(GOOD, chunk)
    client = _client(connect, _serve(raw_server, content, "text/event-stream"))

    with client:
        try:
            stream = client.completion("gpt-4o", [{"role": "user", "content": "x"}], stream=True)
            list(stream)
        except CallError as error:
            route = error.route
        else:
            route = stream.route

    assert route.as_dict()["attempts"]


@pytest.mark.parametrize("reply", WHOLE, ids=json.dumps)
def test_a_reply_without_an_answer_is_invalid(reply, connect, raw_server):
    """`reply.choices[0].message` is there, or the call has failed and the next target gets it."""
    client = _client(connect, _serve(raw_server, json.dumps(reply).encode(), "application/json"))

    with client, pytest.raises(InvalidReplyError):
        client.completion("gpt-4o", [{"role": "user", "content": "x"}])


@pytest.mark.parametrize(
    "usage", ["many", [1], {"prompt_tokens": "7"}, {"prompt_tokens": None}, 5, {"cost": "x"}]
)
def test_odd_usage_spoils_no_answer(usage, connect, raw_server):
    """The answer is good; what it cost is not known."""
    content = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}],
        "usage": usage,
    }
    client = _client(connect, _serve(raw_server, json.dumps(content).encode(), "application/json"))

    with client:
        reply = client.completion("gpt-4o", [{"role": "user", "content": "x"}])

    assert reply.choices[0].message.content == "hi"
    assert reply.route.as_dict()["served"] == "seoul/gpt-4o"


@pytest.mark.parametrize(
    "keepalive", [b"data:\n\n", b"data\n\n", b": ping\n\n", b"event: ping\ndata: {}\n\n", b"\n\n"]
)
@pytest.mark.parametrize(
    "end", [b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data: [DONE]", b"data: [DONE] \r\n\r\n", b""]
)
def test_keep_alives_and_ends_of_any_kind(keepalive, end, connect, raw_server):
    """What servers send to keep a line open is no content and no fault; a finish reason is an end."""
    stop = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    chunks = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in (GOOD, stop)]
    content = keepalive + chunks[0] + keepalive + chunks[1] + end
    client = _client(connect, _serve(raw_server, content, "text/event-stream"))

    with client:
        stream = client.completion("gpt-4o", [{"role": "user", "content": "x"}], stream=True)
        texts = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]

    assert texts[0] == "hi"
    assert stream.route.served == "seoul/gpt-4o"
