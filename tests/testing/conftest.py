"""What the tests of the public fakes share: LiteLLM, and a provider with AWS's keys."""

from __future__ import annotations

import pytest
from bedrock_wire import PAIR, SECRET, SESSION, TEMPORARY, TOKEN

from genai_integrations.transports.litellm.loading import litellm_module


@pytest.fixture(scope="session")
def litellm():
    """LiteLLM as we import it: quiet, and without the lists that it would fetch."""
    return litellm_module()


@pytest.fixture
async def clients_closed(litellm):
    """Close what LiteLLM keeps for the test's event loop, which would outlive the loop."""
    yield
    await litellm.close_litellm_async_clients()


@pytest.fixture
def claude(provider):
    """The provider, for tests in Anthropic's dialect."""
    return provider


@pytest.fixture
def aws_keys(provider):
    """The provider knows a key pair, a temporary one and a bearer token."""
    provider.api_keys = {PAIR, f"{TEMPORARY}:{SECRET}:{SESSION}", TOKEN}
