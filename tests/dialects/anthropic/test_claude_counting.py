"""Anthropic's counting of tokens before a request is sent."""

from __future__ import annotations

import pytest
from claude_calls import SAID, called, function

from genai_integrations import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.anthropic.counting import count_body, count_endpoint, counted


def test_what_the_prompt_is_made_of_is_counted():
    """No limits, sampling or labels: the API refuses them there."""
    call = called(
        tools=[function("now")], reasoning_effort="low", max_tokens=4000, stop=["x"], user="u", stream=True
    )  # fmt: skip

    assert count_body(call) == {
        "model": "claude-sonnet-4-5",
        "messages": SAID,
        "tools": [{"name": "now", "input_schema": {"type": "object", "properties": {}}}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }


def test_it_is_counted_beside_the_messages():
    """platform.claude.com/docs/en/build-with-claude/token-counting."""
    connection = Connection.of("c", "anthropic", "sk-ant-example", "https://claude.example/v1")
    endpoint = count_endpoint(connection, "claude-sonnet-4-5", OriginPins())

    assert endpoint.url == "https://claude.example/v1/messages/count_tokens"
    assert endpoint.headers["x-api-key"] == "sk-ant-example"


def test_what_is_told_is_the_count():
    """The published answer; anything else is none."""
    assert counted({"input_tokens": 14}) == 14
    with pytest.raises(InvalidReplyError):
        counted({"tokens": 14})
