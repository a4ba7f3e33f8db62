"""What the tests of comparisons share: a client that asks a scripted provider, and a small comparison."""

from __future__ import annotations

import pytest

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.experiments import compare, exact

ITEMS = [{"input": f"{n} + {n} =", "expected": str(2 * n)} for n in range(1, 13)]


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
def sums(provider, client):
    """Two models add: the good one is always right, the poor one with odd numbers only."""
    provider.replies = {"gpt-4o": _added, "gpt-4o-mini": _poorly_added}
    return compare(
        ["gpt-4o", "gpt-4o-mini"], ITEMS, client=client, evaluators=exact(), progress=False
    )


def _added(body):
    return str(2 * int(body["messages"][-1]["content"].split()[0]))


def _poorly_added(body):
    answer = int(_added(body))
    return str(answer) if answer // 2 % 2 else "많아요 <script>alert(1)</script>"
