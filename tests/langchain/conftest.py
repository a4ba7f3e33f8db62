"""What the tests of the LangChain adapter share: a provider that plays along, clients, no downloads."""

from __future__ import annotations

import base64
import warnings
from dataclasses import dataclass

import httpx
import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.connections.origins import OriginPins
from genai_integrations.langchain import ChatGenAI
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.transports.litellm.transport import LitellmTransport

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="session", autouse=True)
def _quiet_import():
    """What pydantic says of LiteLLM's types when it is imported is not the subject here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        LitellmTransport(OriginPins()).load()


@pytest.fixture(params=["invoke", "ainvoke", "stream", "astream"])
def mode(request):
    """The four ways to call."""
    return request.param


@pytest.fixture
def no_downloads(monkeypatch):
    """LangChain's tests fetch a picture, a recording and a document: they get one pixel."""
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "none, for nothing is fetched")
    monkeypatch.setattr(httpx, "get", lambda url, **_: httpx.Response(200, content=PNG))


@pytest.fixture
def connect(provider):
    """A connection to the provider, in OpenAI's dialect unless another one is named."""

    def connect(name="home", kind="openai", key="sk-example", **fields):
        url = f"{provider.url}/v1" if kind == "openai" else provider.url
        return Connection.of(name, kind, key, url, **fields)

    return connect


@pytest.fixture
def make_client():
    """Make a client of connections; it is closed with the test."""
    clients = []

    def make(*connections, **router_args):
        given = {"num_retries": 0, "timeout": 20, **router_args}
        clients.append(GenAIClient(connections=connections, router_args=given))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client, connect):
    """A client with one connection, to the provider."""
    return make_client(connect())


@pytest.fixture
def chat(client):
    """The model that most tests ask."""
    return ChatGenAI("gpt-4o", client=client)


@dataclass
class Pair:
    """Two providers, the second of which takes over from the first."""

    first: ScriptedProvider
    second: ScriptedProvider
    client: GenAIClient

    def kill(self):
        """The first one fails from now on."""
        self.first.faults["*"] = Fault.status(500)


@pytest.fixture(params=["openai to anthropic", "anthropic to openai"])
def pair(request, make_client):
    """Targets of two dialects, in either order, for one name."""
    kinds = request.param.split(" to ")
    models = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"}
    with ScriptedProvider("first") as first, ScriptedProvider("second") as second:
        rows = []
        for name, kind, server in zip(("one", "two"), kinds, (first, second), strict=True):
            url = f"{server.url}/v1" if kind == "openai" else server.url
            rows.append(Connection.of(name, kind, f"sk-{name}", url))
        names = [f"{row.name}/{models[kind]}" for row, kind in zip(rows, kinds, strict=True)]
        client = make_client(
            *rows, fallbacks=[{"both": [names[1]]}], model_group_alias={"both": names[0]}
        )
        yield Pair(first, second, client)
