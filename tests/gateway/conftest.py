"""What the tests of the gateway share."""

from __future__ import annotations

import openai
import pytest
from gateway_support import served

from genai_integrations import Connection, GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys
from genai_integrations.testing.provider import ScriptedProvider


@pytest.fixture
def provider():
    """Whoever the gateway asks."""
    with ScriptedProvider("seoul") as server:
        yield server


@pytest.fixture
def backup():
    """Another one."""
    with ScriptedProvider("usa") as server:
        yield server


@pytest.fixture
def client(provider, backup):
    """A client with two connections, of which the first is asked first."""
    rows = [
        Connection.of(
            "seoul", "openai", "sk-seoul", f"{provider.url}/v1", custom_models=["gpt-4o"]
        ),
        Connection.of("usa", "openai", "sk-usa", f"{backup.url}/v1", custom_models=["gpt-4o"]),
    ]
    return GenAIClient(connections=rows, router_args={"num_retries": 0})


@pytest.fixture
def gateway(client):
    """The address of a gateway for everybody on this machine."""
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        yield url


@pytest.fixture
def sdk(gateway):
    """OpenAI's own SDK, which asks once."""
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0) as made:
        yield made
