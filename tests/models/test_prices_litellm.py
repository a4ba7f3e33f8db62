"""What a call cost, compared with LiteLLM's `completion_cost` over the whole price map; each difference has its row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.models import prices
from genai_integrations.models.catalog import model_info, models_of

SUM = {"prompt_tokens": 1000, "completion_tokens": 500}
USAGES = {
    "plain": SUM,
    "cached": {**SUM, "prompt_tokens_details": {"cached_tokens": 400}},
    "written": {**SUM, "prompt_tokens_details": {"cached_tokens": 100, "cache_creation_tokens": 300}},
    "written for an hour": {
        **SUM,
        "prompt_tokens_details": {
            "cached_tokens": 100,
            "cache_creation_tokens": 300,
            "cache_creation_token_details": {
                "ephemeral_5m_input_tokens": 100,
                "ephemeral_1h_input_tokens": 200,
            },
        },
    },
    "thought": {**SUM, "completion_tokens_details": {"reasoning_tokens": 400}},
    "sound": {
        **SUM,
        "prompt_tokens_details": {"audio_tokens": 300},
        "completion_tokens_details": {"audio_tokens": 200},
    },
    "cached sound": {
        **SUM,
        "prompt_tokens_details": {
            "cached_tokens": 400,
            "audio_tokens": 600,
            "cached_tokens_details": {"audio_tokens": 300, "text_tokens": 100},
        },
    },
    "pictures": {
        **SUM,
        "prompt_tokens_details": {"image_tokens": 300},
        "completion_tokens_details": {"image_tokens": 200},
    },
    "above 100k": {"prompt_tokens": 110_000, "completion_tokens": 500},
    "above 128k": {"prompt_tokens": 130_000, "completion_tokens": 500},
    "above 200k": {
        "prompt_tokens": 250_000,
        "completion_tokens": 500,
        "prompt_tokens_details": {"cached_tokens": 1000},
    },
    "above 272k": {
        "prompt_tokens": 300_000,
        "completion_tokens": 500,
        "prompt_tokens_details": {"cached_tokens": 1000, "cache_creation_tokens": 300},
    },
}  # fmt: skip
MODES = frozenset(("chat", "completion", "responses", "embedding", None))


@dataclass(frozen=True)
class Explained:
    """A difference that is known.

    Attributes:
        provider: With whom.
        why: What LiteLLM does otherwise.
        holds: Takes model, usage and tier; whether they are meant.
    """

    provider: str
    why: str
    holds: Callable[[str, str, str | None], bool]


EXPLAINED = (
    Explained(
        "together",
        "the name is a size class, not a model; LiteLLM takes its price from the number in the name",
        lambda model, _usage, _tier: model.startswith("together-ai-"),
    ),
    Explained(
        "perplexity",
        "LiteLLM's own calculator charges what was cached in full, though the map has a price for it",
        lambda model, usage, _tier: "/" in model and (usage in _CACHED or model == "perplexity/sonar"),
    ),
    Explained(
        "xai",
        "LiteLLM adds thoughts to the answer's tokens; here usage says them in the sum already (models/usage.py)",
        lambda _model, usage, _tier: usage == "thought",
    ),
    Explained(
        "fireworks",
        "LiteLLM's own calculator knows no service tiers, though the map has prices for them",
        lambda _model, _usage, tier: tier is not None,
    ),
    Explained(
        "google-ai-studio",
        "LiteLLM's model info leaves out the map's `input_cost_per_audio_token_priority`",
        lambda _model, usage, tier: tier == "priority" and "sound" in usage,
    ),
    Explained(
        "vertex",
        "as with google-ai-studio",
        lambda _model, usage, tier: tier == "priority" and "sound" in usage,
    ),
    Explained(
        "deepseek",
        "LiteLLM takes the price of the hour; here the dear one holds at all hours",
        lambda model, _usage, _tier: "off_peak_pricing" in (model_info("deepseek", model) or {}),
    ),
)  # fmt: skip
_CACHED = ("cached", "written", "written for an hour", "cached sound", "above 200k", "above 272k")


def _theirs(litellm, provider, model, usage, tier):
    named = provider if not provider.startswith("vertex_ai-") else "vertex_ai"
    reply = litellm.ModelResponse(model=model, usage=litellm.Usage(**usage))
    try:
        return litellm.completion_cost(
            completion_response=reply, model=model, custom_llm_provider=named, service_tier=tier
        )
    except Exception:  # noqa: BLE001  whatever LiteLLM raises
        # Some of LiteLLM's rows are not found by its own look-up.
        return None


def _priced() -> Iterator[tuple[str, str, str]]:
    """Provider, model and LiteLLM's name of the provider, of all that is priced by tokens."""
    for provider in PROVIDERS:
        for model in models_of(provider):
            info = model_info(provider, model)
            if info and info.get("mode") in MODES and "input_cost_per_token" in info:
                yield provider, model, str(info["litellm_provider"])


def _differences(litellm, rows, tier):
    compared, found = 0, []
    for provider, model, named in rows:
        for usage, tokens in USAGES.items():
            theirs = _theirs(litellm, named, model, tokens, tier)
            if theirs is None:
                continue
            compared += 1
            ours = prices.cost(provider, model, tokens, tier=tier)
            is_same = ours is not None and math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-15)
            known = any(
                row.provider == provider and row.holds(model, usage, tier) for row in EXPLAINED
            )
            if not is_same and not known:
                found.append((provider, model, usage, tier, ours, theirs))
    return compared, found


@pytest.fixture(scope="module")
def litellm():
    """LiteLLM, as the core loads it."""
    from genai_integrations.transports.litellm.loading import litellm_module

    return litellm_module()


@pytest.mark.parametrize("tier", [None, "priority"])
def test_a_sample_costs_what_litellm_says(litellm, tier):
    """Every fiftieth model of the map, for every kind of usage."""
    compared, found = _differences(litellm, list(_priced())[::50], tier)

    assert found == []
    assert compared > 300


@pytest.mark.slow
@pytest.mark.parametrize("tier", [None, "flex", "priority"])
def test_the_whole_map_costs_what_litellm_says(litellm, tier):
    """Every model of every provider, for every kind of usage; differences are those of the rows."""
    compared, found = _differences(litellm, list(_priced()), tier)

    assert found == []
    assert compared > 20_000


@pytest.mark.slow
def test_batches_cost_what_litellm_says(litellm):
    """The map's prices for batches, else half."""
    from litellm.cost_calculator import batch_cost_calculator

    found = []
    for provider, model, named in _priced():
        # LiteLLM counts no price of parts in batches, so the sums are compared.
        for usage in ("plain", "above 200k") if "input_cost_per_token_batches" in (model_info(provider, model) or {}) else ("plain",):  # fmt: skip
            tokens = {name: USAGES[usage][name] for name in SUM}
            ours = prices.cost(provider, model, tokens, batch=True)
            try:
                theirs = sum(
                    batch_cost_calculator(litellm.Usage(**tokens), model, named.split("-")[0])
                )
            except Exception:  # noqa: BLE001  as above
                continue
            if theirs == 0.0:
                # What LiteLLM's look-up for batches does not find costs nothing there: AI21's, Cohere's on Bedrock.
                continue
            if ours is None or not math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-15):
                found.append((provider, model, usage, ours, theirs))

    assert found == []


@pytest.mark.parametrize(
    ("provider", "model", "usage", "options", "dollars"),
    [
        # What OpenAI, Anthropic, Google and xAI publish, in dollars a million tokens.
        ("openai", "gpt-5", SUM, {"tier": "priority"}, 1000 * 2.5e-6 + 500 * 2e-5),
        ("openai", "gpt-5", SUM, {"tier": "flex"}, 1000 * 6.25e-7 + 500 * 5e-6),
        ("openai", "gpt-5", SUM, {"tier": "default"}, 1000 * 1.25e-6 + 500 * 1e-5),
        ("openai", "gpt-4o", SUM, {"batch": True}, 1000 * 1.25e-6 + 500 * 5e-6),
        ("anthropic", "claude-sonnet-4-5", SUM, {"batch": True}, 1000 * 1.5e-6 + 500 * 7.5e-6),
        ("dashscope", "qwen-flash", {"prompt_tokens": 256_000, "completion_tokens": 10}, {}, 256_000 * 5e-8 + 10 * 4e-7),
        ("dashscope", "qwen-flash", {"prompt_tokens": 256_001, "completion_tokens": 10}, {}, 256_001 * 2.5e-7 + 10 * 2e-6),
        ("fireworks", "accounts/fireworks/models/deepseek-v3", {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 400}}, {}, 600 * 9e-7 + 400 * 4.5e-7),
    ],
)  # fmt: skip
def test_published_prices(provider, model, usage, options, dollars):
    """Service tiers, batches, prices by size throughout, and what is cached where the map has no price for that."""
    assert prices.cost(provider, model, usage, **options) == pytest.approx(dollars)
