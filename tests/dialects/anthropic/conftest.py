"""What the tests of Anthropic's dialect share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genai_integrations import Connection
from genai_integrations.calls.wire import WireCall
from genai_integrations.transports.anthropic.dialect import AnthropicDialect

DATA = Path(__file__).parents[2] / "data" / "dialects" / "anthropic"
HELLO = [{"role": "user", "content": "hi"}]


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
    """One call as the transport gets it."""
    connection = Connection.of("c", provider, "sk-ant-example", "https://claude.example")
    body = {"model": model, "messages": messages, **params}
    return WireCall(connection, model, "chat/completions", body, drop_params, headers or {})


@pytest.fixture
def dialect():
    """The dialect."""
    return AnthropicDialect()


@pytest.fixture
def sent(dialect):
    """The body that a call becomes."""
    return lambda *args, **params: dialect.body(called(*args, **params))
