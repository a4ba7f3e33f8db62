"""What programs for Claude send, over models that know little of it."""

from __future__ import annotations

import httpx
import pytest
from dialect_bodies import PNG
from gateway_support import served
from sdk_targets import connections

from genai_integrations import GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys

MARK = {"cache_control": {"type": "ephemeral"}}
BODY = {
    "max_tokens": 3000,
    "system": [{"type": "text", "text": "You are a helper.", **MARK}, {"type": "text", "text": "Be brief."}],
    "thinking": {"type": "enabled", "budget_tokens": 1500},
    "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
    "metadata": {"user_id": "user_" + "a" * 100},
    "tools": [
        {
            "name": "Read",
            "description": "Reads.",
            "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
            "eager_input_streaming": True,
            **MARK,
        }
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Look at it."}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "a"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [
                        {"type": "text", "text": "A"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                    ],
                },
                {"type": "text", "text": "And now?", **MARK},
            ],
        },
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "model", ["chat/gpt-4o", "chat/gpt-5", "responses/gpt-5", "gemini/gemini-2.5-flash"]
)
def test_it_is_served(provider, model):
    """With what the target does not know left out, which is learnt by the first request; the second is one."""
    client = GenAIClient(connections=connections(provider.url), router_args={"num_retries": 0})
    headers = {"anthropic-beta": "claude-code-20250219", "anthropic-version": "2023-06-01"}
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        for most in (5, 1):
            provider.requests.clear()
            answer = httpx.post(
                f"{url}/v1/messages?beta=true", json={"model": model, **BODY}, headers=headers
            )
            assert answer.status_code == 200, answer.text
            assert len(provider.requests) <= most
