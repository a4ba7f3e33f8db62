"""Requests to the scripted provider's Anthropic dialect, and its streams taken apart."""

from __future__ import annotations

import json

from wire import USER, ask, call, connect

PATH = "/any/prefix/v1/messages"
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
CLOCK = {"name": "clock", "input_schema": {"type": "object"}}
THINK = {"type": "enabled", "budget_tokens": 1024}


def body_of(**parameters):
    """A good request with these parameters."""
    return {"model": "claude", "max_tokens": 2000, "messages": USER, **parameters}


def say(claude, headers=HEADERS, **parameters):
    """The message that answers one request."""
    status, _, message = call(claude, body_of(**parameters), PATH, headers)
    assert status == 200, message
    return message


def stream(claude, headers=HEADERS, **parameters):
    """The events of a whole stream, whose lines and data must name the same type."""
    with connect(claude) as connection:
        reply = ask(connection, body_of(stream=True, **parameters), PATH, headers)
        assert reply.headers["content-type"].startswith("text/event-stream")
        *events, end = reply.read().decode().split("\n\n")
    assert end == ""
    rows = []
    for event in events:
        name, data = event.split("\n")
        rows.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {rows[-1]['type']}"
    return rows


def deltas(events, field):
    """What the deltas of one kind add up to."""
    return "".join(
        row["delta"].get(field, "") for row in events if "index" in row and "delta" in row
    )


def blocks_of(events):
    """The blocks that a stream adds up to, as they are opened and filled."""
    blocks = []
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(blocks)
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            delta = dict(event["delta"])
            delta.pop("type")
            ((name, text),) = delta.items()
            name = {"partial_json": "json"}.get(name, name)
            blocks[event["index"]][name] += text
    return blocks
