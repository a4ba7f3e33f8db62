"""What holds for a name, whichever of its targets answers."""

from __future__ import annotations

from genai_integrations import Connection, GenAIClient
from genai_integrations.models.catalog import model_info


def test_the_smallest_limit_and_the_common_capabilities_count():
    """Over a name's own target and its fallback."""
    connections = [
        Connection.of("seoul", "openai", "sk-1"),
        Connection.of("usa", "openai", "sk-2"),
    ]
    fallbacks = {"seoul/gpt-4.1": ["usa/gpt-3.5-turbo"]}
    client = GenAIClient(connections=connections, router_args={"fallbacks": [fallbacks]})

    profile = client.profile("seoul/gpt-4.1")

    assert profile.known
    assert profile.max_input_tokens == model_info("openai", "gpt-3.5-turbo")["max_input_tokens"]
    assert profile.capabilities["supports_function_calling"]
    assert not profile.capabilities["supports_vision"]


def test_a_model_that_nobody_knows_has_no_limits():
    """Nothing is made up."""
    client = GenAIClient(
        connections=[Connection.of("mine", "openai", "sk-1", "http://127.0.0.1:9/v1")]
    )

    profile = client.profile("mine/my-own-model")

    assert not profile.known
    assert profile.max_input_tokens is None
    assert profile.capabilities == {}
