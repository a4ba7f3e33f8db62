"""A route says why its first target was to be asked first."""

from __future__ import annotations

from genai_integrations import Connection, GenAIClient

QUESTION = [{"role": "user", "content": "Hi"}]


def test_a_plain_name_is_explained(provider):
    """By the reason that `resolve` gives, in the record too."""
    client = GenAIClient(connections=[Connection.of("seoul", "openai", "sk-1", provider.url)])
    reply = client.completion("seoul/gpt-4o", QUESTION)

    assert reply.route.why == "the connection is named"
    assert reply.route.as_dict()["why"] == "the connection is named"
