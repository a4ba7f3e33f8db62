"""What the tests of tracing share: a client whose calls are recorded at a stand-in, and what arrived there."""

from __future__ import annotations

import pytest
from langfuse._client.resource_manager import LangfuseResourceManager
from opentelemetry import context, trace
from opentelemetry.util._once import Once
from tracing_support import Observation

from genai_integrations import Connection, GenAIClient


@pytest.fixture(autouse=True)
def fresh_sdk(tracing, monkeypatch):
    """The SDK and OpenTelemetry as in a new process: both keep what they made first for good."""
    monkeypatch.setenv("LANGFUSE_FLUSH_INTERVAL", "0.05")
    _forget()
    token = context.attach(context.Context())
    yield
    context.detach(token)
    _forget()


def _forget():
    made = list(LangfuseResourceManager._instances.values())
    LangfuseResourceManager.reset()
    for row in made:
        row.httpx_client.close()
    provider, trace._TRACER_PROVIDER = trace._TRACER_PROVIDER, None
    trace._TRACER_PROVIDER_SET_ONCE = Once()
    if provider is not None:
        provider.shutdown()


@pytest.fixture
def connect(provider):
    """A connection to the provider, in OpenAI's dialect unless another one is named."""

    def connect(name="home", kind="openai", key="sk-example", server=provider, **fields):
        url = f"{server.url}/v1" if kind == "openai" else server.url
        return Connection.of(name, kind, key, url, **fields)

    return connect


@pytest.fixture
def make_client(langfuse, connect):
    """Make a client that records at the stand-in; it is closed with the test."""
    clients = []

    def make(*connections, at=langfuse, router_args=None, **options):
        pair = (at.public_key, at.secret_key, at.host)
        args = {"num_retries": 0, **(router_args or {})}
        given = connections or [connect()]
        clients.append(GenAIClient(*pair, connections=given, router_args=args, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client):
    """A client with one connection, to the provider."""
    return make_client()


@pytest.fixture
def recorded(langfuse):
    """Everything that a client has recorded since it was last asked, in the order in which it ended."""

    def recorded(client, at=langfuse):
        client.flush()
        spans, at.spans[:] = list(at.spans), []
        return [Observation(span) for span in spans]

    return recorded


@pytest.fixture
def only(recorded):
    """The one generation that a client has recorded, there being nothing else."""

    def only(client):
        (generation,) = recorded(client)
        return generation

    return only
