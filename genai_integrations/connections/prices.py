"""What a call cost, by the price map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.connections.catalog import model_info

_TIERS = (
    (272_000, "_above_272k_tokens"),
    (200_000, "_above_200k_tokens"),
    (128_000, "_above_128k_tokens"),
)
"""Prompt sizes from which the map has prices of their own, the largest first."""


def cost(provider: str, model: str, usage: Mapping[str, Any] | None) -> float | None:
    """US dollars for one attempt, or None where usage or price is not known.

    A cost that the provider itself reports in `usage` wins. Cached prompt tokens have their own price;
    reasoning tokens are part of the completion tokens, as OpenAI counts them.

    Args:
        provider: Provider's name.
        model: The provider's own id.
        usage: In OpenAI's shape.
    """
    if not usage:
        return None
    reported = usage.get("cost")
    if isinstance(reported, (int, float)) and not isinstance(reported, bool):
        return float(reported)
    info = model_info(provider, model)
    if info is None or "input_cost_per_token" not in info:
        return None
    return _from_prices(info, usage)


def _from_prices(info: Mapping[str, Any], usage: Mapping[str, Any]) -> float:
    prompt = usage.get("prompt_tokens") or 0
    details = usage.get("prompt_tokens_details") or {}
    details = {name: count for name, count in details.items() if isinstance(count, (int, float))}
    cached = details.get("cached_tokens") or 0
    written = details.get("cache_creation_tokens") or 0
    plain = _price(info, "input_cost_per_token", prompt, 0.0)
    return (
        max(prompt - cached - written, 0) * plain
        + cached * _price(info, "cache_read_input_token_cost", prompt, plain)
        + written * _price(info, "cache_creation_input_token_cost", prompt, plain)
        + (usage.get("completion_tokens") or 0) * _price(info, "output_cost_per_token", prompt, 0.0)
    )


def _price(info: Mapping[str, Any], name: str, prompt: int, default: float) -> float:
    for size, suffix in _TIERS:
        if prompt > size and info.get(name + suffix) is not None:
            return float(info[name + suffix])
    price = info.get(name)
    return default if price is None else float(price)
