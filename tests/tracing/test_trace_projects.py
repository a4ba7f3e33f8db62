"""Several Langfuse projects and hosts in one process."""

from __future__ import annotations

import pytest
from langfuse import Langfuse
from tracing_support import HELLO, WAYS, ask

from genai_integrations.errors import ConfigurationError
from genai_integrations.testing.langfuse import LangfuseStandIn


@pytest.fixture
def other():
    """Another project."""
    with LangfuseStandIn(public_key="pk-lf-other", secret_key="sk-lf-other") as server:
        yield server


@pytest.mark.parametrize("way", WAYS)
def test_each_client_records_in_its_project(way, make_client, other, recorded):
    """Different public keys go to different hosts, with different secret keys."""
    first, second = make_client(), make_client(at=other)
    ask(first, way, langfuse_user_id="first")
    ask(second, way, langfuse_user_id="second")
    first.flush()
    second.flush()

    (here,), (there,) = recorded(first), recorded(second, other)
    assert here.attributes["user.id"] == "first"
    assert there.attributes["user.id"] == "second"


def test_two_clients_of_one_project(make_client, recorded):
    """They share the SDK's connection."""
    first, second = make_client(), make_client()
    first.completion("gpt-4o", HELLO)
    second.completion("gpt-4o", HELLO)

    assert len(recorded(first)) == 2


@pytest.mark.parametrize("has_sdk", [False, True])
def test_the_same_key_at_another_host(has_sdk, make_client, langfuse, recorded):
    """Each client records at its own host, also where the SDK, which keeps one per key, has the other one."""
    if has_sdk:
        pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
        Langfuse(**pair, base_url=langfuse.host)
    client = make_client()
    client.completion("gpt-4o", HELLO)
    assert len(recorded(client)) == 1

    with LangfuseStandIn(public_key=langfuse.public_key) as elsewhere:
        other = make_client(at=elsewhere)
        for way in WAYS:
            ask(other, way)
        assert len(recorded(other, elsewhere)) == len(WAYS)
        assert recorded(client) == []
        if has_sdk:
            with pytest.raises(ConfigurationError, match="one host per public key"):
                _ = other.langfuse


def test_only_the_configured_host_is_asked(make_client, langfuse, provider, recorded):
    """Each export carries the key pair, and goes to the one path."""
    client = make_client()
    client.completion("gpt-4o", HELLO)
    recorded(client)

    assert {row.path for row in langfuse.requests} == {"/api/public/otel/v1/traces"}
    assert {row.headers["x-langfuse-public-key"] for row in langfuse.requests} == {
        langfuse.public_key
    }
