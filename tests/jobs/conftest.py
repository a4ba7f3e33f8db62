"""What the tests of batches share: a client that asks a scripted provider, and requests."""

from __future__ import annotations

import pytest

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS


@pytest.fixture
def lab(provider):
    """The connection to the scripted provider."""
    return Connection("lab", PROVIDERS["openai"], Secret("sk-lab"), base_url=f"{provider.url}/v1")


@pytest.fixture
def client(lab):
    """A client whose calls are tried once."""
    with GenAIClient(connections=[lab], router_args={"num_retries": 0}) as client:
        yield client


@pytest.fixture
def questions():
    """Makes requests of questions."""

    def questions(*texts, model="gpt-4o-mini", **params):
        return [
            {"model": model, "messages": [{"role": "user", "content": text}], **params}
            for text in texts
        ]

    return questions


@pytest.fixture
def said(provider):
    """What was asked, in order of arrival: the last message."""
    return lambda: [row.body["messages"][-1]["content"] for row in provider.requests]
