"""Calls of a client whose connections come from a store of its user's own, which may fail in its own way."""

from __future__ import annotations

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import CredentialStoreError


class Vault:
    """Gives its connections, unless it is sealed."""

    def __init__(self, *connections):
        self.connections, self.error, self.reads = list(connections), None, 0

    def load(self, names):
        self.reads += 1
        if self.error is not None:
            raise self.error
        return [row for row in self.connections if names is None or row.name in names]


@pytest.fixture
def vault(seoul, usa):
    """`first` has a key that its server does not know; `second` would answer."""
    seoul.api_keys = {"sk-right"}
    return Vault(
        Connection.of("first", "openai", "sk-wrong", f"{seoul.url}/v1"),
        Connection.of("second", "openai", "sk-any", f"{usa.url}/v1"),
    )


@pytest.fixture
def client(vault):
    with GenAIClient(connections=vault) as client:
        yield client


def test_a_store_that_fails_after_a_refusal_stops_no_healthy_target(vault, client, ask, usa):
    """The key cannot be read again, whatever the store raises: the next target answers."""
    client.resolve("gpt-4o")
    vault.error = OSError("sealed")

    attempts = ask(client).route.attempts

    assert [(row.target, row.outcome) for row in attempts] == [
        ("first/gpt-4o", "AuthenticationError"),
        ("second/gpt-4o", "ok"),
    ]
    assert vault.reads == 2
    assert len(usa.requests) == 1


def test_a_store_that_fails_at_once(vault, client, ask):
    """With nothing known the call ends with an error of ours, which has the store's own as its cause."""
    vault.error = OSError("sealed")

    with pytest.raises(CredentialStoreError, match="Vault raised OSError") as caught:
        ask(client)

    assert caught.value.__cause__ is vault.error


def test_a_store_that_fails_at_a_refresh(vault, client, caplog):
    """What is known is used on, with a warning."""
    client.resolve("gpt-4o")
    vault.error = OSError("sealed")

    client.refresh()

    assert [row.name for row in client.connections] == ["first", "second"]
    assert "still using the connections" in caplog.text
