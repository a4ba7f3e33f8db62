"""Tools in OpenAI's shape and in Anthropic's, who may be called, and the names by which they are."""

from __future__ import annotations

import pytest
from claude_calls import EMPTY, called, function

from genai_integrations.errors import ConfigurationError

NEWEST = "claude-opus-5-5"
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
CLOSED = {**SCHEMA, "additionalProperties": False}
OPEN = {"type": "object", "additionalProperties": {"type": "integer"}}


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": {"type": "function", "function": {"name": "now"}}}, {"type": "tool", "name": "now"}),
        ({"tool_choice": {"type": "any"}}, {"type": "any"}),
        ({"tool_choice": {"type": "tool", "name": "now"}}, {"type": "tool", "name": "now"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": True}, None),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "required", "parallel_tool_calls": False},
         {"type": "any", "disable_parallel_tool_use": True}),
    ],
    ids=str,
)  # fmt: skip
def test_who_may_be_called(given, choice, sent):
    """`tool_choice` and `parallel_tool_calls` are one thing there."""
    assert sent(tools=[function("now")], **given).get("tool_choice") == choice


def test_a_choice_without_tools_is_no_choice(sent):
    """The API refuses one."""
    assert "tool_choice" not in sent(tool_choice="auto", parallel_tool_calls=False)


def test_models_that_cannot_be_forced_are_free(sent):
    """From the 5.5 family on; who must not have that left out gets the API's no."""
    asked = {"tools": [function("now")], "tool_choice": "required"}

    assert sent(NEWEST, **asked)["tool_choice"] == {"type": "auto"}
    assert sent(NEWEST, **asked, drop_params=("tool_choice",))["tool_choice"] == {"type": "any"}


def test_a_choice_that_is_none_is_refused(sent):
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match="tool_choice cannot be 'whatever'"):
        sent(tools=[function("now")], tool_choice="whatever")


@pytest.mark.parametrize(
    ("tool", "wire"),
    [
        (function("now", description="d"), {"name": "now", "description": "d", "input_schema": EMPTY}),
        ({"type": "function", "function": {"name": "now"}}, {"name": "now", "input_schema": EMPTY}),
        ({**function("now"), "cache_control": {"type": "ephemeral", "ttl": "1h"}},
         {"name": "now", "input_schema": EMPTY, "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        (function("now", cache_control={"type": "ephemeral"}, defer_loading=True),
         {"name": "now", "input_schema": EMPTY, "cache_control": {"type": "ephemeral"}, "defer_loading": True}),
        (function("now", SCHEMA, strict=True), {"name": "now", "input_schema": CLOSED, "strict": True}),
        (function("now", OPEN, strict=True), {"name": "now", "input_schema": {**OPEN, "properties": {}}}),
        ({"name": "n", "input_schema": EMPTY}, {"name": "n", "input_schema": EMPTY}),
        ({"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
         {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}),
        ({"type": "code_execution_20250825", "name": "code_execution"},
         {"type": "code_execution_20250825", "name": "code_execution"}),
        ({"type": "computer_20250124", "function": {"name": "computer", "parameters": {"display_width_px": 9}}},
         {"type": "computer_20250124", "name": "computer", "display_width_px": 9}),
    ],
)  # fmt: skip
def test_tools(tool, wire, sent):
    """OpenAI's functions, with what Anthropic knows beside, and Anthropic's own tools as they are."""
    assert sent(tools=[tool])["tools"] == [wire]


@pytest.mark.parametrize("tool", [{"type": "function"}, {"type": "function", "function": {}}])
def test_a_tool_that_is_none_is_refused(tool, sent):
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match="tool"):
        sent(tools=[tool])


def test_servers_of_mcp_go_where_they_belong(sent):
    """In the shape of OpenAI's Responses API, and in Anthropic's."""
    theirs = {
        "type": "mcp", "server_url": "https://mcp.example/sse", "server_label": "docs",
        "headers": {"Authorization": "Bearer abc"}, "allowed_tools": ["search"],
    }  # fmt: skip
    own = {"type": "url", "url": "https://own.example", "name": "own"}

    assert sent(tools=[theirs, own])["mcp_servers"] == [
        {
            "type": "url", "url": "https://mcp.example/sse", "name": "docs",
            "authorization_token": "abc", "tool_configuration": {"allowed_tools": ["search"]},
        },
        own,
    ]  # fmt: skip


def test_the_web_is_searched_by_anthropics_tool(sent):
    """OpenAI's `web_search_options`."""
    place = {"type": "approximate", "approximate": {"country": "KR", "city": "Seoul"}}
    body = sent(web_search_options={"search_context_size": "medium", "user_location": place})

    assert body["tools"] == [
        {
            "type": "web_search_20250305", "name": "web_search", "max_uses": 5,
            "user_location": {"type": "approximate", "country": "KR", "city": "Seoul"},
        }
    ]  # fmt: skip


def test_names_that_the_api_does_not_take_are_spelt_otherwise(sent, dialect):
    """Each tool keeps a name of its own, calls in the conversation have it too, and answers have the caller's."""
    tools = [function(name) for name in ("actions/list", "actions_list", "a.b", "x" * 130)]
    named = {"type": "function", "function": {"name": "actions/list"}}
    call = {
        "id": "c|1",
        "type": "function",
        "function": {"name": "actions/list", "arguments": "{}"},
    }
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c|1", "content": "1"},
    ]
    body = sent("claude-sonnet-4-5", messages, tools=tools, tool_choice=named)
    answer = {
        "content": [{"type": "tool_use", "id": "t", "name": "actions_list_2", "input": {}}],
        "stop_reason": "tool_use",
    }
    reply = dialect.reply(answer, called(tools=tools))

    assert [tool["name"] for tool in body["tools"]] == [
        "actions_list_2",
        "actions_list",
        "a_b",
        "x" * 128,
    ]
    assert body["tool_choice"] == {"type": "tool", "name": "actions_list_2"}
    assert body["messages"][1]["content"][0]["name"] == "actions_list_2"
    assert (
        body["messages"][1]["content"][0]["id"]
        == body["messages"][2]["content"][0]["tool_use_id"]
        == "c_1"
    )
    assert reply["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "actions/list"
