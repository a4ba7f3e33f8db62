"""What the tests of the Bedrock dialect share: published data, calls and frames."""

from __future__ import annotations

import json
from pathlib import Path

from genai_integrations.calls.wire import WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.testing.providers.bedrock.frames import event_frame, exception_frame

DATA = Path(__file__).parents[2] / "data" / "dialects" / "bedrock"
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-lite-v1:0"
HELLO = [{"role": "user", "content": "Hello!"}]
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PAIR = json.dumps({"accessKeyId": KEY_ID, "secretAccessKey": SECRET})
CONNECTION = Connection.of("aws", "bedrock", PAIR, region="us-east-1")


def data(name):
    """A file of published data."""
    return json.loads((DATA / f"{name}.json").read_text("utf-8"))


WIRES = data("wires")


def call(messages=HELLO, model=CLAUDE, *, drop_params=True, **params):
    """A call of a chat model."""
    body = {"model": model, "messages": messages, **params}
    return WireCall(CONNECTION, model, "chat/completions", body, drop_params)


def stream_of(wire):
    """The bytes of a stream."""
    frames = [event_frame(*next(iter(event.items()))) for event in wire["events"]]
    if "exception" in wire:
        frames.append(exception_frame(*wire["exception"]))
    return b"".join(frames)
