"""Calls to Claude as the transport gets them, and the data of these tests."""

from __future__ import annotations

import json
from pathlib import Path

from genai_integrations import Connection
from genai_integrations.calls.wire import WireCall

DATA = Path(__file__).parents[2] / "data" / "dialects" / "anthropic"
HELLO = [{"role": "user", "content": "hi"}]
SAID = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
"""The same in Anthropic's shape."""


def rows_of(name):
    """The rows of a file of data."""
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def called(
    model="claude-sonnet-4-5",
    messages=HELLO,
    *,
    drop_params=True,
    provider="anthropic",
    headers=None,
    **params,
):
    """One call."""
    connection = Connection.of("c", provider, "sk-ant-example", "https://claude.example")
    body = {"model": model, "messages": messages, **params}
    return WireCall(connection, model, "chat/completions", body, drop_params, headers or {})


def function(name, parameters=None, **more):
    """A tool in OpenAI's shape."""
    return {
        "type": "function",
        "function": {"name": name, "parameters": parameters or EMPTY, **more},
    }


EMPTY = {"type": "object", "properties": {}}
