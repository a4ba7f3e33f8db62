"""What OpenAI and Azure get otherwise than the servers that copied their dialect."""

from __future__ import annotations

import pytest

from genai_integrations import Connection
from genai_integrations.calls.wire import WireCall
from genai_integrations.transports.openai.shaping import shaped

THOUGHT = {"role": "assistant", "content": "x", "thinking_blocks": [{}], "reasoning_content": "y"}
MARKED = {
    "role": "user",
    "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}],
}


def call(provider, model="gpt-4o", **body):
    base = None if provider == "openai" else "http://127.0.0.1:9/v1"
    connection = Connection.of("c", provider, "sk-1", base)
    return WireCall(connection, model, "chat/completions", {"model": model, **body})


@pytest.mark.parametrize("provider", ["openai", "azure"])
def test_what_only_others_know_is_left_out(provider):
    """Signatures of thinking and cache marks stay out; the caller's messages stay as they are."""
    given = call(provider, messages=[THOUGHT, MARKED])

    body = shaped(given)

    assert body["messages"] == [
        {"role": "assistant", "content": "x"},
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
    ]
    assert "thinking_blocks" in THOUGHT
    assert "cache_control" in MARKED["content"][0]


def test_others_get_what_was_given():
    """OpenRouter hands cache marks on to Anthropic."""
    given = call("openrouter", messages=[THOUGHT, MARKED])

    assert shaped(given) is given.body


def test_nothing_to_change_copies_nothing():
    """The usual request is sent as it is."""
    given = call("openai", messages=[{"role": "user", "content": "x"}], max_tokens=5)

    assert shaped(given) is given.body


def test_long_ids_of_calls_are_made_anew():
    """OpenAI takes 40 characters, and Gemini's ids carry a signature: a call and its result get the same."""
    long = f"call_1__thought__{'A' * 99}"
    row = {"id": long, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    given = call("openai", messages=[
        {"role": "assistant", "content": None, "tool_calls": [row, {**row, "id": "c2"}]},
        {"role": "tool", "tool_call_id": long, "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
    ])  # fmt: skip
    said, first, second = shaped(given)["messages"]
    ids = [each["id"] for each in said["tool_calls"]]

    assert len(ids[0]) <= 40
    assert ids == [first["tool_call_id"], "c2"]
    assert second["tool_call_id"] == "c2"


@pytest.mark.parametrize(
    "model", ["o3", "o4-mini", "gpt-5", "gpt-5.1-mini", "gpt-6-mini", "gpt-10"]
)
def test_reasoning_models_have_another_name_for_the_limit(model):
    """`max_tokens` becomes `max_completion_tokens`, which those models require."""
    body = shaped(call("openai", model, max_tokens=7))

    assert body["max_completion_tokens"] == 7
    assert "max_tokens" not in body


def test_a_limit_under_the_new_name_stays():
    """Who gives both means the new one."""
    body = shaped(call("openai", "o3", max_tokens=7, max_completion_tokens=9))

    assert body["max_completion_tokens"] == 9


def test_a_compatible_server_at_another_address_gets_all():
    """DeepSeek and vLLM want `reasoning_content` back."""
    connection = Connection.of("c", "openai", "sk-1", "http://127.0.0.1:9/v1")
    given = WireCall(connection, "r1", "chat/completions", {"model": "r1", "messages": [THOUGHT]})

    assert shaped(given) is given.body


def test_tools_lose_their_cache_marks():
    """The rest of a tool stays."""
    tool = {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}

    body = shaped(call("openai", tools=[tool]))

    assert body["tools"] == [{"type": "function", "function": {"name": "f"}}]


SAMPLING = {
    "temperature": 0,
    "top_p": 0.5,
    "presence_penalty": 1,
    "frequency_penalty": 1,
    "logprobs": True,
}


@pytest.mark.parametrize("provider", ["openai", "azure"])
@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("o3", {}),
        ("o4-mini", {}),
        ("gpt-5", {}),
        ("gpt-5-mini", {}),
        ("gpt-5.1-codex", {}),
        ("gpt-5.2-codex", {}),
        ("gpt-5.2-pro", {}),
        ("gpt-5.2", {"reasoning_effort": "low"}),
        ("gpt-5.5", {}),
        ("gpt-6-pro", {}),
        ("ft:o4-mini:x::1", {}),
    ],
)
def test_reasoning_models_take_no_sampling(provider, model, more):
    """It is left out, as they would refuse it."""
    body = shaped(call(provider, model, seed=7, **SAMPLING, **more))

    assert body == {"model": model, "seed": 7, **more}


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("gpt-4o", {}),
        ("gpt-4.1-mini", {}),
        ("gpt-5-chat-latest", {}),
        ("gpt-5.2", {}),  # does not reason unless it is asked to
        ("gpt-5.2-2025-12-11", {"reasoning_effort": "none"}),
        ("gpt-5.5", {"reasoning_effort": "none"}),
    ],
)
def test_who_does_not_reason_takes_it(model, more):
    """Nothing is left out that works."""
    given = call("openai", model, **SAMPLING, **more)

    assert shaped(given) is given.body


@pytest.mark.parametrize(
    ("drop_params", "kept"),
    [(True, {}), (False, {"temperature": 0, "top_p": 1}), (("top_p",), {"top_p": 1})],
)
def test_what_may_not_be_left_out_is_sent(drop_params, kept):
    """The provider then says no itself; another name is no loss."""
    body = {"model": "o3", "temperature": 0, "top_p": 1, "max_tokens": 5}
    connection = Connection.of("c", "openai", "sk-1")
    given = WireCall(connection, "o3", "chat/completions", body, drop_params)

    assert shaped(given) == {"model": "o3", "max_completion_tokens": 5, **kept}
