"""Parameters in OpenAI's words, as Anthropic takes them."""

from __future__ import annotations

import pytest
from claude_calls import SAID, called, function

from genai_integrations.errors import ConfigurationError

NEWEST, ADAPTIVE, OLDER, OLDEST = (
    "claude-opus-5-5",
    "claude-opus-4-6",
    "claude-sonnet-4-5",
    "claude-3-haiku-20240307",
)


def differs(body, model="claude-sonnet-4-5", limit=64000):
    """What a body has beside the least that every one has."""
    least = {"model": model, "max_tokens": limit, "messages": SAID}
    assert body | least == body
    return {name: value for name, value in body.items() if name not in least}


def test_the_least_body(sent):
    """Model, limit and messages; nothing of OpenAI's that says nothing here."""
    assert sent(stream=False, stream_options={"include_usage": True}, n=None, tools=None) == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 64000,
        "messages": SAID,
    }


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-opus-5-5", 128_000),
        ("claude-haiku-4-5", 64_000),
        ("claude-sonnet-4-20250514", 64_000),
        ("claude-opus-4-1-20250805", 32_000),
        ("claude-3-7-sonnet-20250219", 64_000),
        ("claude-3-5-haiku-20241022", 8192),
        ("claude-3-haiku-20240307", 4096),
        ("claude-novella-9-20300101", 64_000),
        ("our-deployment", 4096),
    ],
)
def test_the_limit_is_what_the_model_can_say(model, limit, sent):
    """The API wants one; models that the price map does not have go by their name."""
    assert sent(model)["max_tokens"] == limit


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 0}, {"max_tokens": 0}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"temperature": 0.5}, {"temperature": 0.5}),
        ({"top_k": 5, "top_p": 0.9}, {"top_k": 5, "top_p": 0.9}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5}),
        ({"user": "u-1"}, {"metadata": {"user_id": "u-1"}}),
        ({"safety_identifier": "hash"}, {"metadata": {"user_id": "hash"}}),
        ({"metadata": {"user_id": "u-2", "team": "x"}, "user": "u-1"}, {"metadata": {"user_id": "u-2"}}),
        ({"user": "jane@example.com"}, {}),
        ({"user": "+82 10-1234-5678"}, {}),
        ({"metadata": {"team": "x"}}, {}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"service_tier": "flex"}, {}),
        ({"seed": 1, "store": True, "logit_bias": {}, "verbosity": "low", "prediction": {}}, {}),
        ({"container": "c1", "inference_geo": "us"}, {"container": "c1", "inference_geo": "us"}),
        ({"mcp_servers": [{"type": "url"}]}, {"mcp_servers": [{"type": "url"}]}),
        ({"cache_control": {"type": "ephemeral"}}, {"cache_control": {"type": "ephemeral"}}),
        ({"n": 2, "logprobs": True}, {"n": 2, "logprobs": True}),
        ({"n": 1, "logprobs": False}, {}),
        ({"response_format": {"type": "text"}}, {}),
    ],
    ids=str,
)  # fmt: skip
def test_a_parameter_is_said_in_anthropics_words(given, body, sent):
    """What tunes or labels and is not known there is left out; what changes the answer is sent, to be refused."""
    limit = body.pop("max_tokens", 64000)

    assert differs(sent(**given), limit=limit) == body


@pytest.mark.parametrize(
    "given",
    [{"seed": 1}, {"service_tier": "flex"}, {"metadata": {"team": "x"}}, {"temperature": 0.5, "top_p": 0.9}],
    ids=str,
)  # fmt: skip
def test_nothing_is_left_out_that_may_not_be(given, sent):
    """With `drop_params` off it is sent, and the API says no; so it is with a name that must stay."""
    assert differs(sent(**given, drop_params=False)) == given
    assert differs(sent(**given, drop_params=tuple(given))) == given


@pytest.mark.parametrize(
    "model", ["claude-opus-4-7", "claude-sonnet-5", "claude-opus-5-5", "claude-newer-6"]
)
def test_models_that_take_no_sampling_get_none(model, sent):
    """Only the default temperature is left to them."""
    body = sent(model, temperature=0.3, top_p=0.9, top_k=4)

    assert {"temperature", "top_p", "top_k"}.isdisjoint(body)
    assert sent(model, temperature=1)["temperature"] == 1


def test_older_models_take_temperature_beside_top_p(sent):
    """Until Opus 4."""
    body = sent("claude-3-haiku-20240307", temperature=0.3, top_p=0.9)

    assert (body["temperature"], body["top_p"]) == (0.3, 0.9)


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "config"),
    [
        (OLDER, "minimal", {"type": "enabled", "budget_tokens": 1024}, None),
        (OLDER, "low", {"type": "enabled", "budget_tokens": 1024}, None),
        (OLDER, "medium", {"type": "enabled", "budget_tokens": 2048}, None),
        (OLDER, "high", {"type": "enabled", "budget_tokens": 4096}, None),
        (OLDER, "xhigh", {"type": "enabled", "budget_tokens": 8192}, None),
        (
            OLDER,
            {"effort": "low", "summary": "auto"},
            {"type": "enabled", "budget_tokens": 1024},
            None,
        ),
        (OLDER, "none", None, None),
        (OLDEST, "high", None, None),
        (ADAPTIVE, "minimal", {"type": "adaptive", "display": "summarized"}, {"effort": "low"}),
        (ADAPTIVE, "high", {"type": "adaptive", "display": "summarized"}, {"effort": "high"}),
        (ADAPTIVE, "xhigh", {"type": "adaptive", "display": "summarized"}, {"effort": "high"}),
        (NEWEST, "xhigh", {"type": "adaptive", "display": "summarized"}, {"effort": "xhigh"}),
        (NEWEST, "none", None, None),
    ],
)
def test_effort_becomes_thinking(model, effort, thinking, config, sent):
    """A budget of tokens for older models, adaptive thinking with an effort for newer ones; see docs/models.md."""
    body = sent(model, reasoning_effort=effort)

    assert body.get("thinking") == thinking
    assert body.get("output_config") == config
    assert "reasoning_effort" not in body


@pytest.mark.parametrize(
    ("model", "given", "thinking", "config"),
    [
        (OLDER, {"type": "enabled", "budget_tokens": 3000}, {"type": "enabled", "budget_tokens": 3000}, None),
        (OLDER, {"type": "adaptive"}, {"type": "enabled", "budget_tokens": 2048}, None),
        (ADAPTIVE, {"type": "enabled", "budget_tokens": 3000}, {"type": "enabled", "budget_tokens": 3000}, None),
        (NEWEST, {"type": "enabled", "budget_tokens": 3000}, {"type": "adaptive"}, {"effort": "medium"}),
        (NEWEST, {"type": "enabled", "budget_tokens": 9000, "display": "omitted"},
         {"type": "adaptive", "display": "omitted"}, {"effort": "xhigh"}),
        (NEWEST, {"type": "enabled", "budget_tokens": 1}, {"type": "adaptive"}, {"effort": "low"}),
        (NEWEST, {"type": "disabled"}, {"type": "disabled"}, None),
        (NEWEST, {"type": "between_tools"}, {"type": "between_tools"}, None),
    ],
)  # fmt: skip
def test_thinking_is_said_in_the_form_that_the_model_takes(model, given, thinking, config, sent):
    """Anthropic's own parameter goes as it is, where the model knows that form of it."""
    body = sent(model, thinking=given)

    assert body["thinking"] == thinking
    assert body.get("output_config") == config


def test_the_callers_own_effort_stays(sent):
    """`output_config` is Anthropic's, and wins over what stands for OpenAI's."""
    body = sent(NEWEST, reasoning_effort="high", output_config={"effort": "max", "task_budget": 9})

    assert body["output_config"] == {"effort": "max", "task_budget": 9}


@pytest.mark.parametrize(
    ("limit", "budget"), [(4000, 3999), (1025, 1024), (1024, None), (20_000, 8192)]
)
def test_a_budget_that_came_of_an_effort_fits_the_limit(limit, budget, sent):
    """The API wants the budget below `max_tokens`; where no budget fits, there is no thinking."""
    thinking = sent(OLDER, reasoning_effort="xhigh", max_tokens=limit).get("thinking")

    assert thinking == (budget and {"type": "enabled", "budget_tokens": budget})


def test_a_budget_of_the_callers_is_not_changed(sent):
    """What is out of range is the caller's to know."""
    body = sent(OLDER, thinking={"type": "enabled", "budget_tokens": 5000}, max_tokens=2000)

    assert body["thinking"]["budget_tokens"] == 5000


def test_thinking_goes_without_sampling(sent):
    """The API refuses most of it beside thinking."""
    body = sent(OLDER, reasoning_effort="low", temperature=0, top_k=3)
    kept = sent(OLDER, reasoning_effort="low", temperature=1, top_p=0.96)
    forbidden = sent(OLDER, reasoning_effort="low", temperature=0, drop_params=("temperature",))

    assert {"temperature", "top_k"}.isdisjoint(body)
    assert (kept["temperature"], "top_p" in kept) == (1, False)
    assert forbidden["temperature"] == 0


def test_a_forced_call_goes_without_thinking(sent):
    """The two exclude each other, and the call changes what comes back; the caller can say otherwise."""
    asked = {"tools": [function("now")], "tool_choice": "required", "reasoning_effort": "low"}

    assert "thinking" not in sent(OLDER, **asked)
    assert "thinking" in sent(OLDER, **asked, drop_params=("reasoning_effort",))


def test_an_unknown_effort_is_the_callers_error(sent):
    """With what there is."""
    with pytest.raises(
        ConfigurationError, match="use none, minimal, low, medium, high, xhigh, max"
    ):
        sent(OLDER, reasoning_effort="huge")


SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
WANTED = {
    "type": "json_schema",
    "json_schema": {"name": "r", "schema": SCHEMA, "description": "It."},
}
CLOSED = {**SCHEMA, "additionalProperties": False}
OPEN = {"type": "object", "additionalProperties": {"type": "integer"}}


def test_a_schema_is_enforced_where_the_model_can(sent):
    """In `output_config`, which needs no beta any more."""
    body = sent(OLDER, response_format=WANTED, reasoning_effort="low")

    assert body["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}
    assert "tools" not in body


def test_an_effort_and_a_schema_are_asked_for_together(sent):
    """Both live in one place."""
    body = sent(NEWEST, response_format=WANTED, reasoning_effort="low")

    assert body["output_config"] == {
        "effort": "low", "format": {"type": "json_schema", "schema": CLOSED},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "schema"), [(OLDEST, SCHEMA), (OLDER, OPEN)], ids=["old model", "open schema"]
)
def test_else_a_tool_stands_for_the_schema(model, schema, sent):
    """It has to be called; an object that may have any keys could only be empty if it were enforced."""
    form = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}
    body = sent(model, response_format=form)

    assert [tool["name"] for tool in body["tools"]] == ["json_tool_call"]
    assert body["tools"][0]["input_schema"]["type"] == "object"
    assert body["tool_choice"] == {"type": "tool", "name": "json_tool_call"}
    assert "output_config" not in body


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({}, {"type": "any"}),
        ({"tool_choice": "auto", "parallel_tool_calls": False},
         {"type": "any", "disable_parallel_tool_use": True}),
        ({"tool_choice": "none"}, {"type": "tool", "name": "json_tool_call"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": {"type": "function", "function": {"name": "now"}}},
         {"type": "tool", "name": "now"}),
    ],
    ids=str,
)  # fmt: skip
def test_other_tools_stay_in_reach_beside_the_one_for_the_schema(given, choice, sent):
    """One of them is called, or the answer is given."""
    body = sent(OLDEST, response_format=WANTED, tools=[function("now")], **given)

    assert [tool["name"] for tool in body["tools"]] == ["now", "json_tool_call"]
    assert body["tool_choice"] == choice


def test_a_thinking_model_is_not_forced_to_answer_by_a_tool(sent):
    """The API refuses that; the tool's description asks for it."""
    body = sent("claude-3-7-sonnet-20250219", response_format=WANTED, reasoning_effort="low")

    assert "tool_choice" not in body
    assert body["tools"][0] == {
        "name": "json_tool_call",
        "description": "It.",
        "input_schema": SCHEMA,
    }
    assert body["thinking"]["type"] == "enabled"


def test_json_without_a_schema_is_asked_for_in_words(sent):
    """The API has no JSON mode."""
    body = sent(response_format={"type": "json_object"})

    assert body["system"] == [
        {
            "type": "text",
            "text": "Answer with one JSON object, and with nothing before or behind it.",
        }
    ]
    assert "response_format" not in body


@pytest.mark.parametrize(
    ("given", "betas"),
    [
        ({}, None),
        ({"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]}, "web-fetch-2025-09-10"),
        ({"tools": [{"type": "computer_20250124", "name": "computer"}]}, "computer-use-2025-01-24"),
        ({"tools": [{"type": "code_execution_20250522", "name": "x"}]}, "code-execution-2025-05-22"),
        ({"tools": [function("a", defer_loading=True), {"type": "tool_search_tool_regex_20251119", "name": "s"}]},
         "advanced-tool-use-2025-11-20"),
        ({"mcp_servers": [{"type": "url"}]}, "mcp-client-2025-04-04"),
        ({"mcp_servers": [{"type": "url"}], "tools": [{"type": "mcp_toolset", "mcp_server_name": "d"}]},
         "mcp-client-2025-11-20"),
        ({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}, {"type": "compact_20260112"}]}},
         "context-management-2025-06-27,compact-2026-01-12"),
        ({"container": {"skills": [{"type": "anthropic", "skill_id": "xlsx"}]}},
         "skills-2025-10-02,code-execution-2025-08-25"),
        ({"speed": "fast"}, "fast-mode-2026-02-01"),
        ({"output_format": {"type": "json_schema", "schema": CLOSED}}, "structured-outputs-2025-11-13"),
        ({"model": "claude-opus-4-5", "output_config": {"effort": "low"}}, "effort-2025-11-24"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]}]},
         "files-api-2025-04-14"),
        ({"headers": {"anthropic-beta": "context-1m-2025-08-07"}}, "context-1m-2025-08-07"),
        ({"headers": {"anthropic-beta": "context-1m-2025-08-07"}, "speed": "fast"},
         "context-1m-2025-08-07,fast-mode-2026-02-01"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_beta_is_announced(given, betas, dialect):
    """So that a caller need not know the date that a feature came at; what the call itself says stays."""
    call = called(**given)

    assert dialect.headers(call, dialect.body(call)).get("anthropic-beta") == betas


def test_azure_is_not_told_of_betas_that_it_refuses(dialect):
    """A beta that a cloud does not know is an error there."""
    call = called(provider="azure", speed="fast")

    assert dialect.headers(call, dialect.body(call)) == {}
