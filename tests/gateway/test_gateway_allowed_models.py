"""A narrow key's models: those that it may name, in whatever place of a request."""

from __future__ import annotations

import httpx
import pytest
from gateway_support import served

from genai_integrations import Connection, GenAIClient
from genai_integrations.gateway import Caller, GatewayOptions, OpenKeys

HELLO = [{"role": "user", "content": "Hi"}]


class NarrowKeys(OpenKeys):
    """Everybody, with one model."""

    pattern = "seoul/gpt-4o"

    async def admit(self, headers, address=""):
        """A caller who may use one name."""
        caller = await super().admit(headers, address)
        return Caller(caller.client, "narrow", (self.pattern,))


class KeysOfEither(NarrowKeys):
    """Everybody, with one model of two connections."""

    pattern = "gpt-4o"


@pytest.mark.parametrize(
    "more",
    [
        {"model": "usa/gpt-4o"},
        {"fallbacks": ["usa/gpt-4o"]},
        {"fallbacks": [{"model": "usa/gpt-4o", "temperature": 0}]},
        {"fallbacks": [{"seoul/gpt-4o": ["usa/gpt-4o"]}]},
        {"context_window_fallbacks": [{"*": ["usa/gpt-4o"]}]},
        {"content_policy_fallbacks": ["usa/gpt-4o"]},
    ],
)
def test_no_other_model_can_be_named(client, provider, backup, more):
    """Neither to be asked, nor to fall back to; nobody is asked anything."""
    body = {"model": "seoul/gpt-4o", "messages": HELLO, "max_tokens": 9}
    own = {**body, **{name: ["seoul/gpt-4o"] for name in more if name != "model"}}
    with served(GatewayOptions(NarrowKeys(client), drain_delay=0)) as url:
        refused = [
            httpx.post(f"{url}/v1/{path}", json={**body, **more})
            for path in ("chat/completions", "messages")
        ]
        allowed = httpx.post(f"{url}/v1/messages", json=own)

    assert [answer.status_code for answer in refused] == [404, 404]
    assert allowed.status_code == 200
    assert len(provider.requests) == 1
    assert backup.requests == []


def test_extra_body_cannot_name_another(client, provider):
    """It is what an SDK puts into the body itself; here it would be sent past what was looked at."""
    body = {"model": "seoul/gpt-4o", "messages": HELLO, "extra_body": {"model": "o3-pro"}}
    with served(GatewayOptions(NarrowKeys(client), drain_delay=0)) as url:
        answer = httpx.post(f"{url}/v1/chat/completions", json=body)

    assert answer.status_code == 400
    assert provider.requests == []


@pytest.mark.parametrize(
    "more",
    [
        {"models": ["openai/o3-pro"]},
        {"preset": "expensive"},
        {"plugins": [{"id": "fusion", "analysis_models": ["openai/o3-pro"]}]},
        {"tools": [{"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-4-6"}]},
        {"compound_custom": {"models": {"answering_model": "o3-pro"}}},
        {"fallbacks": [{"model": "usa/gpt-4o", "models": ["openai/o3-pro"]}]},
    ],
)
def test_no_other_model_can_be_named_to_the_provider(client, provider, more):
    """Some providers take words that lead a request to further models: OpenRouter's, Groq's, Anthropic's advisor."""
    body = {"model": "seoul/gpt-4o", "messages": HELLO, "max_tokens": 9, **more}
    with served(GatewayOptions(KeysOfEither(client), drain_delay=0)) as url:
        answers = [
            httpx.post(f"{url}/v1/{path}", json=body) for path in ("chat/completions", "messages")
        ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert "names other models" in answers[0].json()["error"]["message"]
    assert provider.requests == []


def test_a_field_of_a_tool_or_a_schema_may_be_called_model(client, provider):
    """What a function takes, and what an answer has to look like, name nobody who is asked."""
    schema = {"type": "object", "properties": {"model": {"type": "string"}}}
    function = {"name": "find_car", "parameters": schema}
    form = {"type": "json_schema", "json_schema": {"name": "car", "schema": schema}}
    body = {
        "model": "seoul/gpt-4o",
        "messages": HELLO,
        "tools": [{"type": "function", "function": function}],
        "response_format": form,
        "langfuse_metadata": {"model": "of a car"},
    }
    with served(GatewayOptions(NarrowKeys(client), drain_delay=0)) as url:
        answer = httpx.post(f"{url}/v1/chat/completions", json=body)

    assert answer.status_code == 200
    assert len(provider.requests) == 1


@pytest.mark.parametrize(("pattern", "status", "listed"), [("gpt-4o", 200, 1), ("gpt-*", 404, 0)])
def test_a_narrow_key_never_widens_what_the_operator_allows(provider, pattern, status, listed):
    """The configuration's `allowed_models` hold for every key, and in the list of models."""
    row = Connection.of(
        "seoul", "openai", "sk-seoul", f"{provider.url}/v1", custom_models=["gpt-4o"]
    )
    client = GenAIClient(connections=[row], router_args={"allowed_models": [pattern]})
    name = "gpt-4o" if status == 200 else "text-embedding-3-small"
    keys = type("Keys", (NarrowKeys,), {"pattern": name if listed else "*embedding*"})
    with served(GatewayOptions(keys(client), drain_delay=0)) as url:
        answer = httpx.post(f"{url}/v1/chat/completions", json={"model": name, "messages": HELLO})
        models = httpx.get(f"{url}/v1/models").json()["data"]

    assert answer.status_code == status
    assert len(models) == listed
