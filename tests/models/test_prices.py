"""What an attempt cost."""

from __future__ import annotations

import pytest

from genai_integrations.calls.route import Attempt, Route
from genai_integrations.models import prices


def test_a_call_costs_its_tokens():
    """Prompt and completion tokens have their prices."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 100}

    assert prices.cost("openai", "gpt-4o-mini", usage) == pytest.approx(1000 * 1.5e-7 + 100 * 6e-7)


def test_cached_tokens_cost_less():
    """Cached prompt tokens have a price of their own and are not counted twice."""
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 0,
        "prompt_tokens_details": {"cached_tokens": 600},
    }

    assert prices.cost("openai", "gpt-4o-mini", usage) == pytest.approx(400 * 1.5e-7 + 600 * 7.5e-8)


@pytest.mark.parametrize(
    ("kinds", "price"),
    [
        (None, 3.75e-6),
        ({"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 0}, 3.75e-6),
        ({"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 400}, 6e-6),
    ],
)
def test_what_is_written_to_a_cache_for_longer_costs_more(kinds, price):
    """Anthropic's cache for an hour has a price of its own."""
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 0,
        "prompt_tokens_details": {
            "cached_tokens": 100, "cache_creation_tokens": 400, "cache_creation_token_details": kinds,
        },
    }  # fmt: skip

    assert prices.cost("anthropic", "claude-sonnet-4-5", usage) == pytest.approx(
        500 * 3e-6 + 100 * 3e-7 + 400 * price
    )


def test_long_prompts_have_their_own_price():
    """A tier counts for the whole prompt once it is exceeded."""
    usage = {"prompt_tokens": 250_000, "completion_tokens": 10}

    assert prices.cost("google-ai-studio", "gemini-2.5-pro", usage) == pytest.approx(
        250_000 * 2.5e-6 + 10 * 1.5e-5
    )


def test_a_reported_cost_wins():
    """OpenRouter says itself what a call cost."""
    assert prices.cost("openrouter", "any/model", {"cost": 0.25}) == 0.25


def test_a_reported_cost_may_have_parts():
    """Perplexity's has a total among them."""
    usage = {"cost": {"input_tokens_cost": 0.1, "total_cost": 0.25}}

    assert prices.cost("perplexity", "any", usage) == 0.25


@pytest.mark.parametrize("odd", [-3, float("nan"), float("inf"), 1e300, True, "0.1"])
def test_a_cost_that_can_be_none_is_not_believed(odd):
    """The price map's counts then. Money that is "given back" would fill a budget up again."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 0}

    for told in (odd, {"total_cost": odd}):
        assert prices.cost("openai", "gpt-4o-mini", {**usage, "cost": told}) == pytest.approx(
            1.5e-4
        )


@pytest.mark.parametrize("odd", [-3, float("nan"), True, "3"])
def test_what_can_be_no_count_has_no_price(odd):
    """Nor does it take from that of the others."""
    assert prices.cost("openai", "gpt-4o-mini", {"prompt_tokens": odd}) is None
    assert prices.cost(
        "openai", "gpt-4o-mini", {"prompt_tokens": 1000, "completion_tokens": odd}
    ) == pytest.approx(1.5e-4)


@pytest.mark.parametrize(
    ("provider", "model", "answered", "dollars"),
    [
        ("azure", "my-deployment", "gpt-4o-mini-2024-07-18", 1.5e-4),
        ("azure", "model-router", "gpt-4o-mini-2024-07-18", 1.5e-4),
        ("openai", "gpt-4o-mini", "nobody-knows", 1.5e-4),
        ("openai", "gpt-4o-mini", None, 1.5e-4),
        ("openai", "ft:gpt-4o-mini-2024-07-18:org::x", "ft:gpt-4o-mini-2024-07-18:org::x", 3e-4),
        ("azure", "my-deployment", "nobody-knows", None),
    ],
)
def test_the_model_that_answered_has_the_price(provider, model, answered, dollars):
    """A deployment's name says nothing; where the answer's model has no price, the one that was asked has."""
    cost = prices.cost(provider, model, {"prompt_tokens": 1000, "completion_tokens": 0}, answered)

    assert cost == (dollars if dollars is None else pytest.approx(dollars))


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 3}])
def test_an_unknown_price_is_no_price(usage):
    """Nothing is made up for a model without a price, or an answer without usage."""
    assert prices.cost("ollama", "my-own-model", usage) is None


def test_a_route_costs_all_its_attempts():
    """Failed attempts that were billed count too."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 0}
    attempts = [
        Attempt("a/gpt-4o-mini", "a", "openai", "gpt-4o-mini", "first", "ServerError", usage=usage),
        Attempt("b/gpt-4o-mini", "b", "openai", "gpt-4o-mini", "failover", "ok", usage=usage),
        Attempt("c/x", "c", "ollama", "x", "failover", "ok", usage=usage),
    ]

    assert Route("gpt-4o-mini", attempts).cost == pytest.approx(2 * 1000 * 1.5e-7)
