"""What a call cost, by the price map."""

from __future__ import annotations

from genai_integrations.models.catalog import ModelRow, model_info
from genai_integrations.models.usage import Usage

_TIERS = (
    (272_000, "_above_272k_tokens"),
    (200_000, "_above_200k_tokens"),
    (128_000, "_above_128k_tokens"),
)
"""Prompt sizes from which the map has prices of their own, the largest first."""


def cost(
    provider: str, model: str, usage: Usage | None, answered: str | None = None
) -> float | None:
    """US dollars for one attempt, or None where usage or price is not known.

    A cost that the provider itself reports in `usage` wins. Cached prompt tokens have their own price;
    reasoning tokens are part of the completion tokens, as OpenAI counts them.

    Args:
        provider: Provider's name.
        model: The provider's own id.
        usage: In OpenAI's shape.
        answered: The model that the answer names; its price counts where it has one. Azure's deployments and its
            router, `openrouter/auto` and aliases have none of their own.
    """
    if not usage:
        return None
    reported: object = usage.get("cost")
    if isinstance(reported, dict):
        # Perplexity tells it part by part.
        reported = reported.get("total_cost")
    if isinstance(reported, (int, float)) and not isinstance(reported, bool):
        return float(reported)
    for name in (answered, model):
        info = model_info(provider, name) if name else None
        if info is not None and "input_cost_per_token" in info:
            return _from_prices(info, usage)
    return None


def _from_prices(info: ModelRow, usage: Usage) -> float:
    prompt = usage.get("prompt_tokens") or 0
    details = usage.get("prompt_tokens_details") or {}
    cached = _count(details.get("cached_tokens"))
    written = _count(details.get("cache_creation_tokens"))
    plain = _price(info, "input_cost_per_token", prompt, 0.0)
    return (
        max(prompt - cached - written, 0) * plain
        + cached * _price(info, "cache_read_input_token_cost", prompt, plain)
        + written * _price(info, "cache_creation_input_token_cost", prompt, plain)
        + (usage.get("completion_tokens") or 0) * _price(info, "output_cost_per_token", prompt, 0.0)
    )


def _price(info: ModelRow, name: str, prompt: int, default: float) -> float:
    for size, suffix in _TIERS:
        above = info.get(name + suffix)
        if prompt > size and isinstance(above, (int, float)):
            return float(above)
    price = info.get(name)
    return float(price) if isinstance(price, (int, float)) else default


def _count(found: object) -> float:
    """A number of tokens; some providers report details that are none."""
    return found if isinstance(found, (int, float)) else 0
