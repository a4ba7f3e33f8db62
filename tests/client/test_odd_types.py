"""A parameter of a type that a dialect cannot write: the request is refused, and its target is not blamed for it."""

from __future__ import annotations

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import BadRequestError, ConfigurationError
from genai_integrations.testing.provider import ScriptedProvider

HELLO = [{"role": "user", "content": "Hello!"}]
CLAUDE_ON_BEDROCK = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.fixture
def provider():
    with ScriptedProvider("seoul") as server:
        yield server


def client_of(provider, kind, model):
    secret = '{"apiKey": "k"}' if kind == "bedrock" else "sk"
    region = "us-east-1" if kind == "bedrock" else None
    row = Connection.of("seoul", kind, secret, provider.url, custom_models=[model], region=region)
    return GenAIClient(connections=[row], tracing=False)


@pytest.mark.parametrize(
    ("kind", "model", "params"),
    [
        ("anthropic", "claude-sonnet-4-5", {"stop": 3}),
        ("anthropic", "claude-sonnet-4-5", {"service_tier": {"a": 1}}),
        ("anthropic", "claude-sonnet-4-5", {"thinking": "x"}),
        ("google-ai-studio", "gemini-2.5-flash", {"modalities": 3}),
        ("google-ai-studio", "gemini-2.5-flash", {"reasoning_effort": [3]}),
        ("bedrock", CLAUDE_ON_BEDROCK, {"stop": 3}),
    ],
)
async def test_the_target_is_not_blamed(provider, kind, model, params):
    """Nothing is sent, and others go on asking it: a caller of a gateway could shut it for all else."""
    client = client_of(provider, kind, model)

    with pytest.raises(BadRequestError, match="cannot be written in its form"):
        client.completion(model, HELLO, **params)
    with pytest.raises(BadRequestError, match="cannot be written in its form"):
        client.completion(model, HELLO, stream=True, **params)
    with pytest.raises(BadRequestError, match="cannot be written in its form"):
        await client.acompletion(model, HELLO, **params)
    with pytest.raises(BadRequestError, match="cannot be written in its form"):
        await client.acompletion(model, HELLO, stream=True, **params)

    assert client.cooldowns() == {}
    assert provider.requests == []
    assert client.completion(model, HELLO).text == "seoul says: Hello!"


@pytest.mark.parametrize(
    ("kind", "model", "odd"),
    [
        ("anthropic", "claude-sonnet-4-5", {"content": "Hi", "tool_calls": [3]}),
        ("google-ai-studio", "gemini-2.5-flash", {"content": [3]}),
        ("bedrock", CLAUDE_ON_BEDROCK, {"content": [3]}),
    ],
)
async def test_a_count_that_cannot_be_asked_for(provider, kind, model, odd):
    """The same where the provider counts: an error of ours, and nothing is sent."""
    client = client_of(provider, kind, model)
    messages = [{"role": "user", **odd}]

    with pytest.raises(BadRequestError, match="cannot be written in its form"):
        client.estimate(model, messages, exact=True)
    with pytest.raises(BadRequestError, match="cannot be written in its form"):
        await client.aestimate(model, messages, exact=True)

    assert provider.requests == []


def test_a_number_for_a_message(provider):
    """It is told by its place, before its tokens are counted."""
    client = client_of(provider, "openai", "gpt-4o")
    odd = [*HELLO, {"role": "user", "content": 3}]
    said = r"messages\[1\] must have a string or a list of parts as its content, not int"

    with pytest.raises(ConfigurationError, match=said):
        client.estimate("gpt-4o", odd)
    with pytest.raises(ConfigurationError, match=said):
        client.completion("gpt-4o", odd, max_cost=1.0)

    assert provider.requests == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"messages": "x"}, "embedding.. takes texts, and no messages"),
        ({"messages": HELLO}, "embedding.. takes texts, and no messages"),
        ({"tools": 3}, "tools must be a list of dicts, not int"),
    ],
)
def test_what_an_embedding_does_not_take(provider, params, said):
    """It is refused before anything is sent."""
    client = client_of(provider, "openai", "text-embedding-3-small")

    with pytest.raises(ConfigurationError, match=said):
        client.embedding("text-embedding-3-small", "Hello!", **params)

    assert client.cooldowns() == {}
    assert provider.requests == []
