"""What a call would cost, before it is made."""

from __future__ import annotations

import asyncio
import json

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import (
    BudgetExceededError,
    ConfigurationError,
    InvalidReplyError,
    RateLimitError,
)
from genai_integrations.langchain import ChatGenAI
from genai_integrations.models.worst import worst_cost
from genai_integrations.testing.server import LoopbackServer

HELLO = [{"role": "user", "content": "Hello!"}]
PROMPT = 9
"""Tokens of it: 3 around the message, 1 of the role, 2 of the text, 3 before the answer."""


class Counting(LoopbackServer):
    """A server that counts tokens in each provider's way, and answers nothing else."""

    answers = {  # noqa: RUF012  it is read only
        "/v1/messages/count_tokens": {"input_tokens": 70},
        "/v1/responses/input_tokens": {"object": "response.input_tokens", "input_tokens": 71},
        "/v1beta/models/gemini-2.5-flash:countTokens": {"totalTokens": 72},
        "/model/anthropic.claude-3-haiku-20240307-v1%3A0/count-tokens": {"inputTokens": 73},
    }

    async def respond(self, request, exchange):
        found = self.answers.get(request.path)
        body = json.dumps(found or {"error": {"message": "no such address"}}).encode()
        await exchange.send(200 if found else 404, body, {"content-type": "application/json"})


@pytest.fixture
def counting():
    """Counts tokens."""
    with Counting() as server:
        yield server


@pytest.fixture
def client(provider):
    """One region, and Claude behind it."""
    rows = [
        Connection.of("seoul", "openai", "sk-a", f"{provider.url}/v1"),
        Connection.of("claude", "anthropic", "sk-b", provider.url),
    ]
    args = {"fallbacks": [{"gpt-4o": ["claude/claude-sonnet-4-5"]}], "num_retries": 1}
    with GenAIClient(connections=rows, router_args=args) as client:
        yield client


def test_an_estimate_has_three_sums(client, provider):
    """Nothing is sent. The worst case counts each target, and a margin of the count."""
    found = client.estimate("gpt-4o", HELLO, max_tokens=100)
    first, second = found.targets

    assert (first.target, first.prompt_tokens, first.answer_tokens) == ("seoul/gpt-4o", PROMPT, 100)
    assert found.low == pytest.approx(PROMPT * 1.25e-6 + 1 * 1e-5)
    assert found.expected == pytest.approx(PROMPT * 2.5e-6 + 100 * 1e-5)
    assert first.worst == pytest.approx(PROMPT * 2.5e-6 + 100 * 1e-5)
    # 12 tokens of Claude's, a fifth more at worst, written to its cache.
    assert second.target == "claude/claude-sonnet-4-5"
    assert second.worst == pytest.approx(round(second.prompt_tokens * 1.2) * 3.75e-6 + 100 * 1.5e-5)
    assert found.worst == pytest.approx(first.worst + second.worst)
    assert str(found).startswith("$0.0010225 expected")
    assert provider.requests == []


def test_retries_count_in_the_worst_case(client):
    """A lone target may be asked again, and be paid each time."""
    once = client.estimate("seoul/gpt-4o", HELLO, max_tokens=100, num_retries=0)
    thrice = client.estimate("seoul/gpt-4o", HELLO, max_tokens=100, num_retries=2)

    assert (once.attempts, thrice.attempts) == (1, 3)
    assert thrice.worst == pytest.approx(3 * once.worst)
    assert thrice.expected == once.expected


def test_what_is_not_known_is_none(client):
    """Never 0; one unknown target makes the worst case unknown."""
    found = client.estimate("seoul/my-own-model", HELLO)
    assert (found.low, found.expected, found.worst) == (None, None, None)
    assert "unknown" in str(found)


def test_without_a_bound_the_longest_answer_is_the_models(client):
    """Of gpt-4o 16384 tokens."""
    found = client.estimate("seoul/gpt-4o", HELLO, num_retries=0)

    assert found.targets[0].longest_answer == 16384
    assert found.worst == pytest.approx(PROMPT * 2.5e-6 + 16384 * 1e-5)
    assert client.estimate("seoul/gpt-4o", HELLO, n=2).targets[0].longest_answer == 2 * 16384


def test_sound_and_thoughts_are_dearer_at_worst(client):
    """Of gpt-audio a million tokens of sound cost 32 and 64 dollars; of qwen-turbo's thoughts half a dollar."""
    spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    text, sound = (
        client.estimate("seoul/gpt-audio", HELLO, max_tokens=100, num_retries=0, **said)
        for said in ({}, spoken)
    )
    prompt = round(text.targets[0].prompt_tokens * (1 + text.targets[0].error))

    assert text.worst == pytest.approx(prompt * 2.5e-6 + 100 * 1e-5)
    assert sound.worst == pytest.approx(prompt * 3.2e-5 + 100 * 6.4e-5)
    assert worst_cost("dashscope", "qwen-turbo", 0, 100) == pytest.approx(100 * 5e-7)


def test_the_expected_length_is_learnt(client, provider):
    """From the model's answers, and rather from those to the same instructions."""
    brief = [{"role": "system", "content": "Be brief."}, *HELLO]
    provider.replies["gpt-4o"] = ["word "] * 50
    for _ in range(3):
        usual = client.completion("seoul/gpt-4o", HELLO).usage.completion_tokens
    provider.replies["gpt-4o"] = ["word "] * 5
    for _ in range(3):
        ChatGenAI("seoul/gpt-4o", client=client).invoke([("system", "Be brief."), ("user", "Hi!")])

    found = client.estimate("seoul/gpt-4o", brief).targets[0]
    assert (found.answer_tokens, found.seen) == (5, 3)
    found = client.estimate("seoul/gpt-4o", HELLO).targets[0]
    assert (found.answer_tokens, found.seen) == (round((usual + 5) / 2), 6)


def test_the_estimate_covers_the_true_cost(client):
    """What the call then cost lies between the least and the worst."""
    found = client.estimate("seoul/gpt-4o", HELLO, max_tokens=50)
    cost = client.completion("seoul/gpt-4o", HELLO, max_tokens=50).route.cost

    assert found.low <= cost <= found.worst


def test_batches_tiers_and_embeddings(client):
    """Each at its own price; embeddings have no answer."""
    usual = client.estimate("seoul/gpt-4o", HELLO, max_tokens=10)
    batch = client.estimate("seoul/gpt-4o", HELLO, max_tokens=10, batch=True)
    flex = client.estimate("seoul/gpt-5", HELLO, max_tokens=10, service_tier="flex")
    texts = client.estimate("seoul/text-embedding-3-small", input=["Hello world", "Hello"])

    assert batch.expected == pytest.approx(usual.expected / 2)
    assert flex.expected == pytest.approx(PROMPT * 6.25e-7 + 10 * 5e-6)
    assert texts.targets[0].prompt_tokens == 3
    assert texts.expected == pytest.approx(3 * 2e-8)


@pytest.mark.parametrize(
    ("connection", "model", "tokens"),
    [
        (("anthropic", ""), "claude-sonnet-4-5", 70),
        (("openai", "/v1"), "gpt-4o", 71),
        (("google-ai-studio", ""), "gemini-2.5-flash", 72),
    ],
)
@pytest.mark.parametrize("way", ["sync", "async"])
def test_the_providers_count_if_asked(counting, connection, model, tokens, way):
    """By their endpoints for that, which cost nothing; then there is no margin."""
    provider, path = connection
    row = Connection.of("seoul", provider, "sk-a", counting.url + path)
    with GenAIClient(connections=[row]) as client:
        if way == "sync":
            found = client.estimate(f"seoul/{model}", HELLO, exact=True)
        else:
            found = asyncio.run(client.aestimate(f"seoul/{model}", HELLO, exact=True))

    assert (found.targets[0].prompt_tokens, found.targets[0].error) == (tokens, 0.0)
    assert len(counting.requests) == 1


def test_bedrock_counts_by_the_plain_id(counting):
    """Its CountTokens takes no inference profile."""
    key = json.dumps({"accessKeyId": "AKIA", "secretAccessKey": "sk-of-aws"})
    row = Connection.of("seoul", "bedrock", key, counting.url, region="us-east-1")
    with GenAIClient(connections=[row]) as client:
        for profile in ("", "us."):
            model = f"seoul/{profile}anthropic.claude-3-haiku-20240307-v1:0"
            assert client.estimate(model, HELLO, exact=True).targets[0].prompt_tokens == 73


def test_who_cannot_count_is_not_asked(counting):
    """A copy of OpenAI's API has no such address, and embeddings have none at all."""
    row = Connection.of("seoul", "groq", "sk-a", f"{counting.url}/v1")
    with GenAIClient(connections=[row]) as client:
        assert client.estimate("seoul/gpt-4o", HELLO, exact=True).targets[0].prompt_tokens == PROMPT
    assert counting.requests == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, b"{}"), InvalidReplyError),
        ((200, b"no JSON"), InvalidReplyError),
        ((429, b'{"error": {"message": "slow down"}}'), RateLimitError),
    ],
)
def test_a_count_that_fails_says_so(answer, error):
    """In an error of ours: an exact count was asked for, so no other is given."""

    class Refusing(LoopbackServer):
        async def respond(self, request, exchange):
            await exchange.send(*answer, {"content-type": "application/json"})

    with Refusing() as server:
        row = Connection.of("seoul", "anthropic", "sk-a", server.url)
        with GenAIClient(connections=[row]) as client, pytest.raises(error):
            client.estimate("seoul/claude-sonnet-4-5", HELLO, exact=True)


@pytest.mark.parametrize(
    ("ask", "error", "told"),
    [
        (lambda client: client.estimate("gpt-4o"), ConfigurationError, "takes messages, or input="),
        (lambda client: client.estimate("gpt-4o", HELLO, input="a"), ConfigurationError, "takes"),
        (lambda client: client.estimate("gpt-4o", "Hello!"), ConfigurationError, "messages must"),
    ],
)
def test_what_cannot_be_estimated(client, ask, error, told):
    """As for a call."""
    with pytest.raises(error, match=told):
        ask(client)


def test_a_rows_own_prices_count(provider):
    """Those of `model_list`, in place of the map's, in an estimate and in a budget."""
    own = {"input_cost_per_token": 1.0, "output_cost_per_token": 2.0}
    row = {
        "model_name": "smart",
        "litellm_params": {"model": "openai/my-own-model", "api_key": "sk-a", "api_base": f"{provider.url}/v1", **own},
    }  # fmt: skip
    with GenAIClient(router_args={"model_list": [row], "num_retries": 0}) as client:
        found = client.estimate("smart", HELLO, max_tokens=10)
        with pytest.raises(BudgetExceededError):
            client.completion("smart", HELLO, max_tokens=10, max_cost=20)

    # Its name says nothing, so its tokens are those of OpenAI's newer models and a tenth.
    assert found.targets[0].prompt_tokens == 11
    assert found.expected == pytest.approx(11 * 1.0 + 10 * 2.0)
