"""What the tests of batches share: a client that asks a scripted provider, and requests."""

from __future__ import annotations

import pytest
from native_lab import KEY, KEY_ID, SECRETS, Lab

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.transports.bedrock.batches import BedrockBatches


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


@pytest.fixture
def lab_of(provider, tmp_path, monkeypatch):
    """Makes a lab of a kind of provider."""
    labs = []
    # Real ones take a hundred.
    monkeypatch.setattr(BedrockBatches, "least", 1)
    monkeypatch.setattr("genai_integrations.testing.providers.bedrock.batches._LEAST", 1)
    monkeypatch.setenv("GENAI_BEDROCK_BATCH_S3", "s3://lab/batches")
    monkeypatch.setenv("GENAI_BEDROCK_BATCH_ROLE", "arn:aws:iam::123456789012:role/batches")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", provider.url)

    def lab_of(kind):
        monkeypatch.setenv("LAB_SECRET", SECRETS.get(kind, "sk-lab"))
        provider.api_keys = {f"{KEY_ID}:{KEY}", "sk-lab"}
        labs.append(Lab(kind, provider, tmp_path / "batch.jsonl"))
        return labs[-1]

    yield lab_of
    for lab in labs:
        lab.client.close()
