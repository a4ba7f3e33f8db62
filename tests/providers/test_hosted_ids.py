"""A bare name finds the id under which each host serves the model, and the call arrives under that id."""

from __future__ import annotations

import pytest
from places import QUESTION

from genai_integrations import Connection
from genai_integrations.errors import UnknownModelError

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]


@pytest.mark.parametrize(
    ("provider", "region", "name", "model"),
    [
        ("anthropic", None, "claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("anthropic", None, "anthropic/claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("bedrock", "us-east-1", "claude-sonnet-4-5", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("bedrock", "eu-west-1", "claude-sonnet-4.5", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("bedrock", "ap-northeast-1", "claude-sonnet-4-5", "jp.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("bedrock", "us-west-2", "bedrock/nova-lite", "us.amazon.nova-lite-v1:0"),
        ("bedrock", "us-east-1", "us.amazon.nova-pro-v1:0", "us.amazon.nova-pro-v1:0"),
        ("vertex", "us-east5", "claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("vertex", "us-central1", "gemini-2.5-flash", "gemini-2.5-flash"),
        ("vertex", "global", "vertex_ai/gemini-2.5-flash", "gemini-2.5-flash"),
        ("google-ai-studio", None, "gemini-2.5-flash", "gemini-2.5-flash"),
        ("google-ai-studio", None, "gemini/gemini-2.5-flash", "gemini-2.5-flash"),
    ],
)  # fmt: skip
def test_a_name_reaches_its_id(provider, region, name, model, make_client, connect, said):
    """What is asked on the wire is the host's own id, in the connection's region."""
    client = make_client(connect(provider, region=region))
    reply = client.completion(name, QUESTION)
    (request,) = said()

    assert reply.route.served == f"abroad/{model}"
    assert request.model == model
    if provider == "vertex":
        assert f"/locations/{region}/" in request.path
    if provider == "bedrock":
        assert f"/{region}/bedrock/aws4_request" in request.headers["authorization"]


def test_an_aggregator_gets_the_vendors_name(make_client, home, at_home):
    """OpenRouter knows Claude under its vendor; who says so himself is taken at his word."""
    router = Connection.of("router", "openrouter", "sk-home", f"{home.url}/v1")
    client = make_client(router)
    client.completion("claude-sonnet-4.5", QUESTION)
    client.completion("openrouter/anthropic/claude-sonnet-4.5", QUESTION)
    client.completion("anthropic/claude-sonnet-4.5", QUESTION)

    assert {request.model for request in home.requests} == {"anthropic/claude-sonnet-4.5"}


def test_one_name_falls_over_between_hosts(make_client, connect, abroad, ask):
    """Anthropic, Bedrock and Vertex are three targets of one bare name, each with its own id."""
    from genai_integrations.testing.faults import Fault

    abroad.faults["claude-sonnet-4-5"] = [Fault.status(529), None]
    abroad.faults["us.anthropic.claude-sonnet-4-5-20250929-v1:0"] = Fault.rate_limited(30)
    client = make_client(
        connect("anthropic", "direct"),
        connect("bedrock", "aws"),
        connect("vertex", "google", region="us-east5"),
    )
    answer = ask(client, "claude-sonnet-4-5")

    assert [attempt.target for attempt in answer.route.attempts] == [
        "direct/claude-sonnet-4-5",
        "aws/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "google/claude-sonnet-4-5",
    ]
    assert answer.text == "abroad says: one two three four"


def test_a_missing_model_is_explained(make_client, connect):
    """Who could have served it and why not, without a call."""
    client = make_client(connect("bedrock", custom_models=["us.amazon.nova-lite-v1:0"]))
    told = client.resolve("claude-sonnet-4-5").explain()

    assert "No connection serves 'claude-sonnet-4-5'" in told
    assert "abroad" in told
    with pytest.raises(UnknownModelError):
        client.completion("claude-sonnet-4-5", QUESTION)
