"""The operator's bounds of what a call may cost and take: a caller may lower them."""

from __future__ import annotations

import httpx
import pytest
from gateway_support import served

from genai_integrations import Connection, GenAIClient
from genai_integrations.calls.args import router_args
from genai_integrations.gateway import GatewayOptions, OpenKeys
from genai_integrations.gateway.bounds import keep_within
from genai_integrations.limits.purse import Purse
from genai_integrations.testing.faults import Fault

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


@pytest.mark.parametrize(
    ("asked", "attempts"), [({}, 3), ({"num_retries": 1}, 2), ({"num_retries": 5000}, 3)]
)
def test_one_request_becomes_no_more_attempts_than_the_operator_allows(provider, asked, attempts):
    """Whatever number of retries it asks for."""
    provider.faults = {"*": Fault.status(503)}
    row = Connection.of("seoul", "openai", "sk-seoul", f"{provider.url}/v1")
    client = GenAIClient(
        connections=[row], router_args={"num_retries": 2, "cooldown_time": 0}, tracing=False
    )
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        answer = httpx.post(f"{url}/v1/chat/completions", json={**BODY, **asked})

    assert (answer.status_code, len(provider.requests)) == (503, attempts)


@pytest.mark.parametrize("name", ["fallbacks", "context_window_fallbacks"])
def test_one_request_falls_back_to_so_many_models(gateway, provider, name):
    """As many as the operator's `max_fallbacks`; a name that comes twice is one."""
    more = [f"seoul/{n}" for n in range(6)]
    answer = httpx.post(f"{gateway}/v1/chat/completions", json={**BODY, name: more})
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        f"{name} names more models than the 5 that one request may fall back to here",
    )
    many = {**BODY, name: [more[0]] * 10_000}
    assert httpx.post(f"{gateway}/v1/chat/completions", json=many).status_code == 400
    assert not provider.requests
    asked = {**BODY, name: [*more[:5], more[0]]}
    assert httpx.post(f"{gateway}/v1/chat/completions", json=asked).status_code == 200


@pytest.mark.parametrize("asked", [["a/" * 200_000], [{"model": "a/" * 200_000, "seed": 1}]])
def test_no_name_to_fall_back_to_takes_seconds_to_look_up(gateway, provider, asked):
    """One of 400,000 letters held all requests up for a quarter of a minute."""
    answer = httpx.post(f"{gateway}/v1/chat/completions", json={**BODY, "fallbacks": asked})

    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "no model's name is longer than 512",
    )
    assert not provider.requests


@pytest.mark.parametrize(
    ("operators", "asked", "kept"),
    [
        ({}, {"timeout": 601}, {}),
        ({}, {"timeout": 1e308, "num_retries": 3}, {}),
        ({}, {"timeout": 600, "num_retries": 2}, {"timeout": 600, "num_retries": 2}),
        ({}, {"deadline": 1e6, "max_cost": 9}, {"deadline": 1e6, "max_cost": 9}),
        ({"deadline": 5}, {"deadline": None}, {}),
        ({"deadline": 5}, {"deadline": 4}, {"deadline": 4}),
        ({"timeout": 9}, {"stream_timeout": 10, "stall_timeout": 10}, {}),
        ({"stream_timeout": 9}, {"stream_timeout": None}, {}),
        ({"stream_timeout": 9, "timeout": 5}, {"stream_timeout": 8}, {"stream_timeout": 8}),
        ({"stall_timeout": 9}, {"stall_timeout": 10}, {}),
        ({"max_cost": 1}, {"max_cost": 1.01}, {}),
        # Kept answers are those of all keys of a project.
        ({}, {"cache": {"ttl": 601, "refresh": True}}, {"cache": {"refresh": True}}),
        ({}, {"cache": {"ttl": 600}}, {"cache": {"ttl": 600}}),
        ({"cache_kwargs": {"ttl": 30}}, {"cache": {"ttl": 31}}, {"cache": {}}),
        ({"cache": {"ttl": 20}}, {"cache": {"ttl": 30}}, {"cache": {}}),
        ({}, {"cache": "always"}, {"cache": "always"}),
        # The client refuses these.
        ({"num_retries": 0}, {"num_retries": "9"}, {"num_retries": "9"}),
        ({"num_retries": 0}, {"num_retries": True}, {"num_retries": True}),
    ],
)
def test_what_is_more_than_the_operator_allows_is_not_said(operators, asked, kept):
    """So the operator's own holds, and the defaults are bounds too."""
    params = {"temperature": 0, **asked}
    keep_within(params, router_args(operators))

    assert params == {"temperature": 0, **kept}


def test_a_request_has_so_many_texts_to_embed(gateway, provider):
    """2,048, as OpenAI's own: where a provider takes one at a time, each is a request."""
    asking = {"model": "seoul/text-embedding-3-small", "input": ["a"] * 2049}
    answer = httpx.post(f"{gateway}/v1/embeddings", json=asking, timeout=60)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "input has more than 2048 texts"
    assert not provider.requests
    asking["input"].pop()
    assert httpx.post(f"{gateway}/v1/embeddings", json=asking, timeout=60).status_code == 200


def test_a_limit_says_when_to_come_back(provider):
    """429 with the seconds until the minute of the first request is over, as SDKs wait for it."""
    row = Connection.of("seoul", "openai", "sk-seoul", f"{provider.url}/v1")
    client = GenAIClient(connections=[row], limits={"seoul": {"rpm": 1}}, on_limit="fail")
    body = {"model": "seoul/gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        answers = [httpx.post(f"{url}/v1/chat/completions", json=body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert 1 <= int(answers[1].headers["retry-after"]) <= 60
