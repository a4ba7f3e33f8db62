"""What a caller is told where the connections cannot be read: nothing of the machine, nor of other projects."""

from __future__ import annotations

import httpx
import pytest
from gateway_support import served

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import CredentialStoreError
from genai_integrations.gateway import GatewayOptions, OpenKeys

TOLD = "the role in LANGFUSE_DATABASE_URL at db.internal:5432 reads the project of-somebody-else"


class Unreadable:
    """A store that cannot be read, and says why."""

    def load(self, names):
        """Always raises."""
        raise CredentialStoreError(TOLD)


@pytest.mark.parametrize("path", ["chat/completions", "messages", "responses", "models"])
def test_the_reason_is_for_the_operator(path, caplog):
    """The caller hears that it is not its fault, the log hears why."""
    client = GenAIClient(connections=Unreadable(), tracing=False)
    messages = [{"role": "user", "content": "Hi"}]
    body = {"model": "gpt-4o", "max_tokens": 9, "messages": messages}
    if path == "responses":
        body = {"model": "gpt-4o", "input": "Hi"}
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        method = "GET" if path == "models" else "POST"
        answer = httpx.request(method, f"{url}/v1/{path}", json=None if path == "models" else body)

    assert answer.status_code == 503
    assert "connections cannot be read" in answer.json()["error"]["message"]
    assert "internal" not in answer.text
    assert "somebody" not in answer.text
    assert TOLD in caplog.text


def test_a_server_that_shares_limits_is_nobodys_business(provider):
    """Where it is away and nothing is let through, the caller does not hear where it would be."""
    row = Connection.of("seoul", "openai", "sk-seoul", f"{provider.url}/v1")
    client = GenAIClient(
        connections=[row],
        limits={"*": {"rpm": 5}},
        limits_away="fail",
        router_args={"redis_url": "redis://127.0.0.1:1/0", "num_retries": 0},
        tracing=False,
    )
    body = {"model": "seoul/gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        answer = httpx.post(f"{url}/v1/chat/completions", json=body)

    assert answer.status_code == 429
    assert "limits cannot be reached" in answer.text
    assert "127.0.0.1" not in answer.text
