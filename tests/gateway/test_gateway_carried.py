"""What a provider wants back travels through an API that has no room for it, and nothing else does."""

from __future__ import annotations

import contextlib

import pytest
from dialect_bodies import ANYTHING, call_of
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_integrations.apis.carried import kept_of, opened, returned, sealed
from genai_integrations.errors import GenAIError
from genai_integrations.gateway.dialects.anthropic.dialect import request as messages
from genai_integrations.gateway.dialects.responses.dialect import request as responses
from genai_integrations.transports.dispatch import dialect_of

KEPT = {
    "provider_specific_fields": {"thought_signatures": ["a"]},
    "tool_call_extras": {"c1": {"extra_content": {"google": {"thought_signature": "b"}}}},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}


def test_what_is_kept_goes_back_to_the_message_and_to_its_calls():
    """As it was."""
    signed = {**CALL, "extra_content": {"google": {"thought_signature": "b"}}}
    message = {"content": "Hi", "tool_calls": [signed], "citations": ["x"], **KEPT}
    del message["tool_call_extras"]
    assert kept_of(message) == KEPT

    back = {"role": "assistant", "content": "Hi", "tool_calls": [dict(CALL)]}
    returned(opened(sealed(KEPT)), back)
    assert back["tool_calls"] == [signed]
    assert back["provider_specific_fields"] == {"thought_signatures": ["a"]}


@pytest.mark.parametrize("text", ["genai1.", "genai1.!", "genai1.bnVsbA==", "genai1.eyI="])
def test_text_that_was_spoilt_carries_nothing(text):
    """And is ours all the same: no provider is shown it."""
    assert opened(text) == {}


@pytest.mark.parametrize("text", ["", "abc", None, 5, "genai2.e30="])
def test_text_of_others_is_not_ours(text):
    """It goes to who can read it."""
    assert opened(text) is None


FIELDS = st.sampled_from(
    ["provider_specific_fields", "reasoning_details", "extra_content", "tool_call_extras", "thinking_blocks", "role", "api_key"]
)  # fmt: skip
TARGETS = [
    ("openai", "gpt-4o"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google-ai-studio", "gemini-2.5-flash"),
]


@settings(max_examples=60)
@given(st.dictionaries(FIELDS, ANYTHING), st.sampled_from(TARGETS))
def test_whatever_a_caller_seals_is_harmless(kept, target):
    """It comes from anybody: it adds no other field, and what cannot be sent is an error of ours."""
    text = sealed(kept)
    blocks = [
        {"type": "redacted_thinking", "data": text},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "c1", "name": "add", "input": {}},
    ]
    items = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": text},
        {"role": "assistant", "content": "Hi"},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
    ]
    asked = messages({"model": "m", "max_tokens": 1, "messages": [{"role": "assistant", "content": blocks}]})  # fmt: skip
    other = responses({"model": "m", "input": items})

    for found in (asked, other):
        assert "spoken" not in found.params
        message = found.messages[0]
        assert message["role"] == "assistant"
        assert "api_key" not in message
        call = call_of(*target, {"messages": found.messages, **found.params})
        dialect = dialect_of(call.connection, call.model)
        _body(dialect, call)


def _body(dialect, call):
    with contextlib.suppress(GenAIError):
        dialect.body(call)
