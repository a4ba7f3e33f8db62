"""The operator's cap on what a call may cost: a caller may lower it."""

from __future__ import annotations

import httpx
import pytest
from gateway_support import served

from genai_integrations import Connection, GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys
from genai_integrations.limits.purse import Purse

BODY = {"model": "seoul/gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("cap", "more", "status"),
    [
        # The worst case of this call is $0.16.
        (0.01, {}, 429),
        (0.01, {"max_cost": 5}, 429),
        (0.01, {"max_cost": None}, 429),
        (5.0, {}, 200),
        (5.0, {"max_cost": 0.01}, 429),
        (5.0, {"max_cost": 4}, 200),
        (5.0, {"max_cost": "much"}, 400),
        (None, {"max_cost": 0.01}, 429),
        (Purse(0.01), {"max_cost": 5}, 429),
    ],
)
def test_a_caller_cannot_raise_it(provider, cap, more, status):
    """A purse that calls share counts whatever one of them says."""
    row = Connection.of("seoul", "openai", "sk-seoul", f"{provider.url}/v1")
    client = GenAIClient(connections=[row], router_args={"max_cost": cap}, tracing=False)
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        answer = httpx.post(f"{url}/v1/chat/completions", json={**BODY, **more})

    assert answer.status_code == status


def test_a_limit_says_when_to_come_back(provider):
    """429 with the seconds until the minute of the first request is over, as SDKs wait for it."""
    row = Connection.of("seoul", "openai", "sk-seoul", f"{provider.url}/v1")
    client = GenAIClient(connections=[row], limits={"seoul": {"rpm": 1}}, on_limit="fail")
    body = {"model": "seoul/gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        answers = [httpx.post(f"{url}/v1/chat/completions", json=body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert 1 <= int(answers[1].headers["retry-after"]) <= 60
