"""LiteLLM asks some providers by OpenAI's SDK; our HTTP and our headers go with it all the same."""

import asyncio

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = [
    pytest.mark.slow,
    # LiteLLM asks pydantic for what it will no longer say in its next major version.
    pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning"),
]

HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.mark.parametrize(
    ("provider", "header", "key"),
    [
        ("openai", "authorization", "Bearer sk-of-the-lab"),
        ("azure", "api-key", "sk-of-the-lab"),
        ("perplexity", "authorization", "Bearer sk-of-the-lab"),
        ("mistral", "authorization", "Bearer sk-of-the-lab"),
    ],
)
def test_a_dialect_of_litellm_may_be_asked_for_at_any_provider(provider, header, key):
    """Whole replies, streams and an event loop: with the connection's key, headers and address."""
    with ScriptedProvider("seoul") as server:
        connection = Connection.of(
            "lab",
            provider,
            "sk-of-the-lab",
            f"{server.url}/v1",
            dialect="litellm",
            extra_headers={"x-team": "search"},
        )
        client = GenAIClient(connections=[connection])
        reply = client.completion("lab/gpt-4o", HELLO)
        stream = client.completion("lab/gpt-4o", HELLO, stream=True)
        text = "".join(row.choices[0].delta.content or "" for row in stream if row.choices)
        later = asyncio.run(client.acompletion("lab/gpt-4o", HELLO))

        assert reply.choices[0].message.content == "seoul says: Hello!"
        assert text == "seoul says: Hello!"
        assert later.choices[0].message.content == "seoul says: Hello!"
        sent = [row.headers for row in server.requests]
        assert [(row[header], row["x-team"]) for row in sent] == [(key, "search")] * 3


def test_embeddings_too():
    """Their way through the SDK is another one."""
    with ScriptedProvider("seoul") as server:
        connection = Connection.of(
            "lab", "openai", "sk-of-the-lab", f"{server.url}/v1", dialect="litellm"
        )
        client = GenAIClient(connections=[connection])

        reply = client.embedding("lab/text-embedding-3-small", ["Hello!"])

        assert len(reply.data) == 1
        assert reply.route.served == "lab/text-embedding-3-small"
