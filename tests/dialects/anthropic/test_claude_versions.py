"""Each Claude gets what it takes from the first: no request is refused to find that out."""

from __future__ import annotations

import pytest
from claude_calls import HELLO, function

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import BadRequestError
from genai_integrations.testing.provider import ScriptedProvider

MODELS = (
    "claude-3-haiku-20240307",
    "claude-3-7-sonnet-20250219",
    "claude-opus-4-1-20250805",
    "claude-sonnet-4-5",
    "claude-opus-4-6",
    "claude-opus-4-8",
    "claude-sonnet-5",
    "claude-opus-5-5",
    "claude-haiku-5-5",
)
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
WANTED = {"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA, "strict": True}}
LATER = [
    *HELLO,
    {"role": "assistant", "content": "ho"},
    {"role": "user", "content": "x"},
    {"role": "system", "content": "be kind"},
]
ASKED = {
    "sampling": {"temperature": 0.3, "top_p": 0.9, "top_k": 4},
    "effort": {"reasoning_effort": "xhigh", "temperature": 0},
    "little room to think": {"reasoning_effort": "max", "max_tokens": 1500},
    "a budget": {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 3000},
    "adaptive": {"thinking": {"type": "adaptive"}, "max_tokens": 3000},
    "a schema": {"response_format": WANTED},
    "a schema and an effort": {"response_format": WANTED, "reasoning_effort": "low"},
    "a schema beside tools": {"response_format": WANTED, "tools": [function("now")], "reasoning_effort": "low"},
    "a forced call and an effort": {"tools": [function("now")], "tool_choice": "required", "reasoning_effort": "low"},
    "a strict tool": {"tools": [function("now", SCHEMA, strict=True)]},
    "the system later": {"messages": LATER},
}  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with ScriptedProvider("claude") as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    connection = Connection.of("c", "anthropic", "sk-ant-example", server.url)
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        yield client


@pytest.mark.sample(33)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ASKED)
def test_nothing_is_refused_first(name, model, server, client):
    """One request, one answer, and nothing to learn."""
    server.requests.clear()
    asked = {"messages": HELLO, "max_tokens": 4000, **ASKED[name]}
    if model == "claude-3-haiku-20240307":
        asked["max_tokens"] = min(asked["max_tokens"], 4096)
        if "thinking" in asked:
            pytest.skip("its own parameter is the caller's to know")
    reply = client.completion(f"c/{model}", **asked)

    assert reply.route.attempts[0].restated in ((), None)
    assert len(server.requests) == 1


def test_what_may_not_be_left_out_is_refused_by_the_api(client):
    """With `drop_params` off the caller learns what the model does not take."""
    with pytest.raises(BadRequestError, match="deprecated for this model"):
        client.completion("c/claude-opus-5-5", HELLO, temperature=0.3, drop_params=False)
