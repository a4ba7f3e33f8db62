"""A body that names what is no parameter of a request but of our own methods: it is refused, and is no fault of the gateway."""

from __future__ import annotations

import httpx
import pytest
from gateway_support import served

from genai_integrations import Connection, GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys

MESSAGES = {"model": "gpt-4o", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
INPUT = {"model": "gpt-4o", "input": "Hi"}


@pytest.fixture
def url(provider):
    row = Connection.of("seoul", "openai", "sk-seoul", f"{provider.url}/v1")
    client = GenAIClient(connections=[row], tracing=False)
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        yield url


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("chat/completions", MESSAGES, "self"),
        ("messages", MESSAGES, "self"),
        ("messages/count_tokens", MESSAGES, "self"),
        ("responses", INPUT, "self"),
        ("responses", INPUT, "messages"),
        ("embeddings", INPUT, "self"),
        ("embeddings", INPUT, "messages"),
    ],
)
def test_a_name_that_a_body_may_not_have(url, path, body, name):
    """In the shape of the API that was called."""
    answer = httpx.post(f"{url}/v1/{path}", json={**body, name: "x"})

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"a request may not have {name}"


def test_how_tokens_are_counted_is_not_for_the_body_to_say(url):
    """It has no meaning there, and does no harm."""
    answer = httpx.post(f"{url}/v1/messages/count_tokens", json={**MESSAGES, "exact": "x"})

    assert answer.status_code == 200
    assert answer.json()["input_tokens"] > 0
