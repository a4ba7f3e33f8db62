"""Our dialect beside LiteLLM's translation (1.106): the same bodies, but for the differences that are listed here.

Each difference says what both send and who is right, by which page of platform.claude.com/docs (or by LiteLLM's code
where there is none).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import pytest
from claude_calls import HELLO, SAID, called, function
from conversations import Asked, asked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genai_integrations.transports.anthropic.requests import request_body
from genai_integrations.transports.litellm.loading import litellm_module

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]

MODEL = "claude-sonnet-4-5"


def theirs(asked, model=MODEL):
    """What LiteLLM sends for a call."""
    from litellm.utils import get_optional_params

    config = litellm_module().AnthropicConfig()
    wanted = get_optional_params(
        model=model,
        custom_llm_provider="anthropic",
        drop_params=True,
        **copy.deepcopy(asked.params),
    )
    wanted.pop("json_mode", None)
    # The router has done this before it asks LiteLLM.
    messages = [
        {**row, "role": "system"} if row["role"] == "developer" else row
        for row in copy.deepcopy(asked.messages)
    ]
    return config.transform_request(model, messages, wanted, {}, {})


def ours(asked, model=MODEL):
    """What our dialect sends for it."""
    return request_body(called(model, asked.messages, **asked.params))


def without_types(body):
    """The one difference of most bodies: `"type": "custom"` of a tool, which is what a tool without one is.

    Both are right: "Tool use", "Specifying client tools".
    """
    if "tools" not in body:
        return body
    tools = [
        {name: value for name, value in tool.items() if (name, value) != ("type", "custom")}
        for tool in body["tools"]
    ]
    return {**body, "tools": tools}


@settings(
    max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)  # fmt: skip
@given(
    asked(pictures=True, documents=True),
    st.sampled_from([MODEL, "claude-opus-4-8", "claude-3-haiku-20240307"]),
)
def test_made_up_conversations_become_the_same_bodies(call, model):
    """System, turns, pictures, documents, tools, choices, results, limits, stops and sampling."""
    assert ours(call, model) == without_types(theirs(call, model))


CALLED = {
    "role": "assistant", "content": None,
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "now", "arguments": "{}"}}],
}  # fmt: skip
RESULT = {"role": "tool", "tool_call_id": "a", "content": "1"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
WANTED = {"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA, "strict": True}}
CLOSED = {**SCHEMA, "additionalProperties": False}
NOW = {"name": "now", "input_schema": {"type": "object", "properties": {}}}
HO = {"role": "assistant", "content": "ho"}
BYE = {"role": "user", "content": "bye"}
MARK = {"type": "ephemeral", "ttl": "1h"}

SAME = {
    "user": Asked(HELLO, {"user": "u-1"}),
    "an e-mail address": Asked(HELLO, {"user": "jane@example.com"}),
    "no parallel calls": Asked(HELLO, {"tools": [function("now")], "parallel_tool_calls": False}),
    "thoughts": Asked([*HELLO, {**CALLED, "thinking_blocks": [THOUGHT]}, RESULT], {"tools": [function("now")]}),
    "marks": Asked(
        [{"role": "system", "content": [{"type": "text", "text": "s", "cache_control": MARK}]},
         {"role": "user", "content": "hi", "cache_control": MARK}],
        {"tools": [{**function("now"), "cache_control": MARK}]},
    ),
    "web search": Asked(HELLO, {"web_search_options": {"search_context_size": "low"}}),
    "thinking": Asked(HELLO, {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 9000}),
    "effort": Asked(HELLO, {"reasoning_effort": "medium", "max_tokens": 9000}),
    "odd ids": Asked([*HELLO, {**CALLED, "tool_calls": [{**CALLED["tool_calls"][0], "id": "a|b"}]},
                      {**RESULT, "tool_call_id": "a|b"}], {"tools": [function("now")]}),
    "odd names": Asked(HELLO, {"tools": [function("a/b"), function("a_b")], "tool_choice": "auto"}),
    "context management": Asked(HELLO, {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_is_said_the_same_way(name):
    """Forms that made-up conversations do not have."""
    assert ours(SAME[name]) == without_types(theirs(SAME[name]))


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "max"])
@pytest.mark.parametrize(
    "model", [MODEL, "claude-opus-4-6", "claude-opus-5-5", "claude-3-haiku-20240307"]
)
def test_effort_is_the_same_thinking(model, effort):
    """LiteLLM's budgets and its levels."""
    call = Asked(HELLO, {"reasoning_effort": effort, "max_tokens": 30_000})
    if model == MODEL and effort == "max":
        assert ours(call, model)["thinking"] == {"type": "enabled", "budget_tokens": 16_384}

    assert ours(call, model) == theirs(call, model)


@dataclass
class Difference:
    """One way in which the two differ.

    Attributes:
        call: What is asked.
        ours: What only our body has.
        theirs: What only LiteLLM's has; a text is how it fails.
        right: Who is right, and why.
        model: Whom it is asked of.
    """

    call: Asked
    ours: dict[str, Any]
    theirs: dict[str, Any] | str
    right: str
    model: str = MODEL
    messages: list[Any] = field(default_factory=lambda: SAID)


DIFFERENCES = {
    "parallel calls that are allowed anyway": Difference(
        Asked(HELLO, {"tools": [function("now")], "parallel_tool_calls": True}),
        {}, {"tool_choice": {"type": "auto", "disable_parallel_tool_use": False}},
        "both: it is the default of 'Parallel tool use'",
    ),
    "temperature beside top_p": Difference(
        Asked(HELLO, {"temperature": 0.5, "top_p": 0.9}), {}, {"top_p": 0.9},
        "ours: 'Migration guide', the API refuses the two together from Opus 4.1 on",
    ),
    "the limit beside thinking": Difference(
        Asked(HELLO, {"reasoning_effort": "low"}), {"max_tokens": 64_000}, {"max_tokens": 5120},
        "ours: 'Extended thinking' wants it above the budget; 4,096 more cut answers short that need not be",
    ),
    "a budget above the limit": Difference(
        Asked(HELLO, {"reasoning_effort": "high", "max_tokens": 2000}),
        {"thinking": {"type": "enabled", "budget_tokens": 1999}},
        {"thinking": {"type": "enabled", "budget_tokens": 4096}},
        "ours: 'Extended thinking', budget_tokens must be less than max_tokens",
    ),
    "an effort that the model does not have": Difference(
        Asked(HELLO, {"reasoning_effort": "xhigh"}),
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
        "effort='xhigh' is not supported",
        "ours: what was asked for as nearly as 'Effort' allows; parameters may be left out",
        model="claude-opus-4-6",
    ),
    "thinking beside a forced call": Difference(
        Asked(HELLO, {"reasoning_effort": "low", "tools": [function("now")], "tool_choice": "required", "max_tokens": 9000}),
        {}, {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "ours: 'Extended thinking', 'Feature compatibility': the API refuses it",
    ),
    "a temperature beside thinking": Difference(
        Asked(HELLO, {"reasoning_effort": "low", "temperature": 0, "max_tokens": 9000}), {}, {"temperature": 0},
        "ours: 'Extended thinking', 'Feature compatibility': the API refuses it",
    ),
    "a schema": Difference(
        Asked(HELLO, {"response_format": WANTED}),
        {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
        {"output_format": {"type": "json_schema", "schema": CLOSED}},
        "ours: 'Structured outputs', output_format moved to output_config.format and needs no beta there",
    ),
    "JSON without a schema": Difference(
        Asked(HELLO, {"response_format": {"type": "json_object"}}),
        {"system": [{"type": "text", "text": "Answer with one JSON object, and with nothing before or behind it."}]},
        {}, "ours: LiteLLM asks for no JSON at all",
    ),
    "a strict tool": Difference(
        Asked(HELLO, {"tools": [function("now", SCHEMA, strict=True)]}),
        {"tools": [{"name": "now", "input_schema": CLOSED, "strict": True}]},
        {"tools": [{"name": "now", "input_schema": SCHEMA}]},
        "ours: 'Strict tool use'",
    ),
    "several answers": Difference(
        Asked(HELLO, {"n": 2}), {"n": 2}, {},
        "ours: the API says no, where one answer in place of two would be taken for all there are",
    ),
    "the service tier": Difference(
        Asked(HELLO, {"service_tier": "default"}), {"service_tier": "standard_only"}, {},
        "ours: 'Service tiers'",
    ),
    "the user in metadata": Difference(
        Asked(HELLO, {"metadata": {"user_id": "u"}}), {"metadata": {"user_id": "u"}}, {},
        "ours: LiteLLM takes `metadata` for its own, and passes it on by another way",
    ),
    "the limit of a model that the price map has no more": Difference(
        Asked(HELLO), {"max_tokens": 64_000}, {"max_tokens": 4096},
        "ours: 'Models overview'", model="claude-sonnet-4-20250514",
    ),
    "the system in the midst": Difference(
        Asked([*HELLO, HO, {"role": "system", "content": "be kind"}, BYE]),
        {"messages": [*SAID, {"role": "assistant", "content": [{"type": "text", "text": "ho"}]},
                      {"role": "user", "content": [
                          {"type": "text", "text": "bye"},
                          {"type": "text", "text": "This is an instruction by whoever runs this conversation, not by the user:"},
                          {"type": "text", "text": "be kind"}]}]},
        {"messages": [*SAID, {"role": "assistant", "content": [{"type": "text", "text": "ho"}]},
                      {"role": "user", "content": [
                          {"type": "text", "text": "Operator note (not from the user): the following was originally a mid-conversation system-role reminder."},
                          {"type": "text", "text": "be kind"}, {"type": "text", "text": "bye"}]}]},
        "both: models that do not take the role get it within the user's turn",
    ),
    "nothing but a system's words": Difference(
        Asked([{"role": "system", "content": "hi"}]), {"messages": SAID}, "requires at least one non-system message",
        "ours: OpenAI answers such prompts, and the API wants a user's turn",
    ),
    "tools that are offered no more": Difference(
        Asked([*HELLO, CALLED, RESULT]), {"tools": [NOW], "tool_choice": {"type": "none"}},
        {"tools": [{"name": "dummy_tool", "description": "This is a dummy tool call",
                    "input_schema": {"type": "object", "properties": {}}}]},
        "ours: 'Handle tool calls'; a dummy could be called",
    ),
    "a result that is an error": Difference(
        Asked([*HELLO, CALLED, {**RESULT, "is_error": True}], {"tools": [function("now")]}),
        {"messages": [*SAID, {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "now", "input": {}}]},
                      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1", "is_error": True}]}]},
        {"messages": [*SAID, {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "now", "input": {}}]},
                      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]}]},
        "ours: 'Handle tool calls', 'Handling errors with is_error'",
    ),
    "arguments that are no JSON": Difference(
        Asked([*HELLO, {**CALLED, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "now", "arguments": "{oops"}}]}, RESULT],
              {"tools": [function("now")]}),
        {"messages": [*SAID, {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "now", "input": {"arguments": "{oops"}}]},
                      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]}]},
        "Failed to parse tool call arguments",
        "ours: a conversation with one odd call can go on",
    ),
    "a block of Anthropic's own": Difference(
        Asked([{"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "search_result", "source": "s", "title": "t", "content": []}]}]),
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "search_result", "source": "s", "title": "t", "content": []}]}]},
        {"messages": SAID}, "ours: 'Search results'; LiteLLM leaves it out in silence",
    ),
    "an uploaded file": Difference(
        Asked([{"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]}]),
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "container_upload", "file_id": "file_1"}]}]},
        "ours: 'Files API': a document is read, a container upload only by code",
    ),
    "a text file": Difference(
        Asked([{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:text/plain;base64,aGk="}}]}]),
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "aGk="}}]}]},
        "ours: 'Messages' reference: base64 is for PDFs only",
    ),
    "arguments of several kinds": Difference(
        Asked(HELLO, {"tools": [function("now", {"type": "object", "anyOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}]})]}),
        {"tools": [{"name": "now", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}}]},
        {"tools": [NOW]}, "ours: the API refuses the union, but what is in it can be said",
    ),
    "an empty message": Difference(
        Asked([{"role": "user", "content": ""}]),
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "(no text)"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "[System: Empty message content sanitised to satisfy protocol]"}]}]},
        "both: the API refuses empty texts",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_difference(name):
    """What only one of both sends; everything else is the same."""
    row = DIFFERENCES[name]
    mine = ours(row.call, row.model)
    if isinstance(row.theirs, str):
        with pytest.raises(Exception, match=row.theirs):
            theirs(row.call, row.model)
        assert {**mine, **row.ours} == mine
        return
    other = without_types(theirs(row.call, row.model))

    assert {key: value for key, value in mine.items() if other.get(key) != value} == row.ours
    assert {key: value for key, value in other.items() if mine.get(key) != value} == row.theirs
