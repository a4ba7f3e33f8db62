"""What a call cost, by the price map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.models.catalog import ModelRow, model_info
from genai_integrations.models.usage import Usage

_TIERS = (
    (272_000, "_above_272k_tokens"),
    (200_000, "_above_200k_tokens"),
    (128_000, "_above_128k_tokens"),
)
"""Prompt sizes from which the map has prices of their own, the largest first."""


_PARTS = (
    (
        "input",
        "prompt_tokens",
        {
            "cached_tokens": "input_cached_tokens",
            "cache_creation_tokens": "input_cache_creation",
            "audio_tokens": "input_audio_tokens",
            "image_tokens": "input_image_tokens",
        },
    ),
    (
        "output",
        "completion_tokens",
        {
            "reasoning_tokens": "output_reasoning_tokens",
            "audio_tokens": "output_audio_tokens",
            "image_tokens": "output_image_tokens",
        },
    ),
)
"""What a sum is called when its parts are taken out, and what they are called: the names by which Langfuse has prices.
Whatever else servers tell of a sum, such as its text tokens, or one part under two names, is no part of its own."""

_PRICES = {
    "input": ("input_cost_per_token", "input_cost_per_token"),
    "input_cached_tokens": ("cache_read_input_token_cost", "input_cost_per_token"),
    "input_cache_creation": ("cache_creation_input_token_cost", "input_cost_per_token"),
    "input_audio_tokens": ("input_cost_per_audio_token", "input_cost_per_token"),
    "input_image_tokens": ("input_cost_per_image_token", "input_cost_per_token"),
    "output": ("output_cost_per_token", "output_cost_per_token"),
    "output_reasoning_tokens": ("output_cost_per_reasoning_token", "output_cost_per_token"),
    "output_audio_tokens": ("output_cost_per_audio_token", "output_cost_per_token"),
    "output_image_tokens": ("output_cost_per_image_token", "output_cost_per_token"),
}
"""The map's price for a part of the tokens, and the one that holds where the map has none for it."""

_LASTING = ("cache_creation_input_token_cost_above_1hr", "cache_creation_input_token_cost")
"""The prices of what is written to a cache for an hour and not for minutes, as `_PRICES` has them."""

TOTAL = "total"
"""In place of parts, where only the whole is known."""


def cost(
    provider: str, model: str, usage: Usage | None, answered: str | None = None
) -> float | None:
    """US dollars for one attempt, or None where usage or price is not known. As `costs`, together."""
    found = costs(provider, model, usage, answered)
    return sum(found.values()) if found else None


def costs(
    provider: str,
    model: str,
    usage: Usage | None,
    answered: str | None = None,
    *,
    batch: bool = False,
) -> dict[str, float]:
    """US dollars for one attempt by the parts of `split`; nothing where usage or price is not known.

    A cost that the provider itself reports in `usage` wins, and has no parts but `TOTAL`.

    Args:
        provider: Provider's name.
        model: The provider's own id.
        usage: In OpenAI's shape.
        answered: The model that the answer names; its price counts where it has one. Azure's deployments and its
            router, `openrouter/auto` and aliases have none of their own.
        batch: Whether it was asked in a provider's batch. Where the map has no price for that, half.
    """
    if not usage:
        return {}
    reported: object = usage.get("cost")
    if isinstance(reported, dict):
        # Perplexity tells it part by part.
        reported = reported.get("total_cost")
    if isinstance(reported, (int, float)) and not isinstance(reported, bool):
        return {TOTAL: float(reported)}
    for name in (answered, model):
        info = model_info(provider, name) if name else None
        if info is not None and "input_cost_per_token" in info:
            return _from_prices(_batch_row(info) if batch else info, usage)
    return {}


def split(usage: Mapping[str, Any]) -> dict[str, int | float]:
    """Tokens in parts that do not overlap and add up to the two sums, whatever a server says of them.

    Args:
        usage: In OpenAI's shape.
    """
    parts: dict[str, int | float] = {}
    for rest, whole, names in _PARTS:
        left = _count(usage.get(whole))
        if left is None:
            continue
        details = usage.get(f"{whole}_details") or {}
        found: dict[str, int | float] = {}
        for name, part in names.items():
            count = _count(details.get(name)) if name in details else None
            if count and count > 0 and left > 0:
                found[part] = min(count, left)
                left -= found[part]
        parts |= {rest: max(left, 0), **found}
    return parts


def _count(found: object) -> int | float | None:
    """A number of tokens; some servers tell what is none."""
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return found


def _from_prices(info: ModelRow, usage: Usage) -> dict[str, float]:
    size = usage.get("prompt_tokens") or 0
    parts = split(usage)
    found = {part: count * _price(info, *_PRICES[part], size) for part, count in parts.items()}
    written = "input_cache_creation"
    if written in parts:
        dearer = _price(info, *_LASTING, size) - _price(info, *_PRICES[written], size)
        found[written] += min(_lasting(usage), parts[written]) * dearer
    return found


_BATCH_SHARE = 0.5
"""Of the usual price, where the map has no price for batches. Every provider whose batches are asked says half."""


def _batch_row(info: ModelRow) -> ModelRow:
    """The row of a model with its prices for batches in place of the usual ones."""
    prices = {name: value for name, value in info.items() if isinstance(value, (int, float))}
    return {
        name: info.get(f"{name}_batches", value * _BATCH_SHARE) for name, value in prices.items()
    }


def _lasting(usage: Usage) -> int | float:
    """Tokens that were written to a cache for an hour, as Anthropic tells them."""
    details = usage.get("prompt_tokens_details") or {}
    kinds = details.get("cache_creation_token_details") or {}
    return _count(kinds.get("ephemeral_1h_input_tokens")) or 0


def _price(info: ModelRow, name: str, otherwise: str, size: int) -> float:
    """The price of one token in a prompt of this size."""
    for wanted in (name, otherwise):
        for least, suffix in _TIERS:
            above = info.get(wanted + suffix)
            if size > least and isinstance(above, (int, float)):
                return float(above)
        price = info.get(wanted)
        if isinstance(price, (int, float)):
            return float(price)
    return 0.0
