"""What the tests of prompts share: a client of a Langfuse and a provider, and prompts of every kind."""

from __future__ import annotations

import pytest

from genai_integrations import Connection, GenAIClient


@pytest.fixture
def client(langfuse, provider):
    """A client whose prompts come from the stand-in, and whose answers come from the provider.

    One server of one's own would serve every name.
    """
    url = f"{provider.url}/v1"
    both = [Connection.of(name, "openai", "sk-example", url) for name in ("home", "away")]
    with GenAIClient(
        langfuse.public_key, langfuse.secret_key, langfuse.host, connections=both
    ) as client:
        yield client


@pytest.fixture
def always_stale(monkeypatch):
    """Every prompt is due at once, so each use renews it behind the scenes."""
    monkeypatch.setenv("LANGFUSE_PROMPT_CACHE_DEFAULT_TTL_SECONDS", "0")


@pytest.fixture
def chat(langfuse):
    """A chat prompt with a variable and a placeholder."""
    langfuse.create_prompt(
        "chat",
        [
            {"role": "system", "content": "Answer in {{language}}."},
            {"type": "placeholder", "name": "history"},
            {"role": "user", "content": "{{text}}"},
        ],
    )
