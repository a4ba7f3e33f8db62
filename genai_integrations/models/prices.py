"""What a call cost, by the price map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from genai_integrations.models.catalog import ModelRow, model_info
from genai_integrations.models.usage import Usage, number

_ABOVE = tuple((size * 1000, f"_above_{size}k_tokens") for size in (512, 272, 200, 128, 100))
"""Prompt sizes from which the map has prices of their own, the largest first."""

_INCLUSIVE = frozenset(("xai",))
"""Providers whose dearer prices begin at that size itself, and not above it."""

_SERVICE_TIERS: Mapping[str, str] = {
    "flex": "_flex",
    "balanced": "_balanced",
    "priority": "_priority",
    "fast": "_priority",
    "ultrafast": "_ultrafast",
}
"""What an answer calls the tier that served it, and what the map adds to its prices' names."""

_BATCHES = "_batches"

_CACHED_SHARE: Mapping[str, float] = {"fireworks": 0.5}
"""What cached tokens cost where the map has no price for them, as a share of the input's.

Source: docs.fireworks.ai, "Prompt caching": half. Of all others they cost what all input costs.
"""

_PARTS = (
    (
        "input",
        "prompt_tokens",
        {
            "cached_tokens": "input_cached_tokens",
            "cache_creation_tokens": "input_cache_creation",
            "audio_tokens": "input_audio_tokens",
            "image_tokens": "input_image_tokens",
            "video_tokens": "input_video_tokens",
        },
    ),
    (
        "output",
        "completion_tokens",
        {
            "reasoning_tokens": "output_reasoning_tokens",
            "audio_tokens": "output_audio_tokens",
            "image_tokens": "output_image_tokens",
            "video_tokens": "output_video_tokens",
        },
    ),
)
"""What a sum is called when its parts are taken out, and what they are called: the names by which Langfuse has prices.
Whatever else servers tell of a sum, such as its text tokens, or one part under two names, is no part of its own."""

_INPUT, _OUTPUT = "input_cost_per_token", "output_cost_per_token"

_PRICES = {
    "input": (_INPUT,),
    "input_cached_tokens": ("cache_read_input_token_cost", _INPUT),
    "input_cache_creation": ("cache_creation_input_token_cost", _INPUT),
    "input_audio_tokens": ("input_cost_per_audio_token", _INPUT),
    "input_image_tokens": ("input_cost_per_image_token", _INPUT),
    "input_video_tokens": ("input_cost_per_video_token", _INPUT),
    "output": (_OUTPUT,),
    "output_reasoning_tokens": ("output_cost_per_reasoning_token", _OUTPUT),
    "output_audio_tokens": ("output_cost_per_audio_token", _OUTPUT),
    "output_image_tokens": ("output_cost_per_image_token", _OUTPUT),
    "output_video_tokens": ("output_cost_per_video_token", _OUTPUT),
}
"""The map's price for a part of the tokens, and the one that holds where the map has none for it."""

_DEARER = (
    # What Anthropic keeps for an hour and not for minutes.
    (
        "input_cache_creation",
        ("cache_creation_token_details", "ephemeral_1h_input_tokens"),
        "cache_creation_input_token_cost_above_1hr",
    ),
    (
        "input_cached_tokens",
        ("cached_tokens_details", "audio_tokens"),
        "cache_read_input_audio_token_cost",
    ),
)
"""Parts of a part that have a price of their own: where in the details they are told."""

TOTAL = "total"
"""In place of parts, where only the whole is known."""


def cost(
    provider: str,
    model: str,
    usage: Usage | None,
    answered: str | None = None,
    *,
    tier: object = None,
    batch: bool = False,
    own: Mapping[str, float] | None = None,
) -> float | None:
    """US dollars for one attempt, or None where usage or price is not known. As `costs`, together."""
    found = costs(provider, model, usage, answered, tier=tier, batch=batch, own=own)
    return sum(found.values()) if found else None


def costs(
    provider: str,
    model: str,
    usage: Usage | None,
    answered: str | None = None,
    *,
    tier: object = None,
    batch: bool = False,
    own: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """US dollars for one attempt by the parts of `split`; nothing where usage or price is not known.

    A cost that the provider itself reports in `usage` wins, and has no parts but `TOTAL`.

    Args:
        provider: Provider's name.
        model: The provider's own id.
        usage: In OpenAI's shape.
        answered: The model that the answer names; its price counts where it has one. Azure's deployments and its
            router, `openrouter/auto` and aliases have none of their own.
        tier: The service tier that the answer names, such as `flex`; what the map does not price costs as usual.
        batch: Whether it was asked in a provider's batch. Where the map has no price for that, half.
        own: Prices by the map's names, in place of the map's.
    """
    if not usage:
        return {}
    told: object = usage.get("cost")
    # Perplexity tells it part by part.
    if told is not None:
        reported = number(told.get("total_cost") if isinstance(told, dict) else told)
        if reported is not None:
            return {TOTAL: float(reported)}
    size = _count(usage.get("prompt_tokens")) or 0
    if own:
        rates = _rates(provider, own, size, tier, batch)
        if rates is not None:
            return _from_rates(rates, usage)
    # A loop and no generator: this runs several times in each call.
    for name in (answered, model):
        rates = _rates(provider, model_info(provider, name), size, tier, batch) if name else None
        if rates is not None:
            return _from_rates(rates, usage)
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
        # Sound that was cached is told with the sound, too.
        cached = details.get("cached_tokens_details") or {}
        found: dict[str, int | float] = {}
        for name, part in names.items():
            count = _count(details.get(name)) if name in details else None
            if count and cached:
                count -= _count(cached.get(name)) or 0
            if count and count > 0 and left > 0:
                found[part] = min(count, left)
                left -= found[part]
        parts |= {rest: max(left, 0), **found}
    return parts


def _count(told: object) -> int | float | None:
    """A number of tokens, none of which is given back. It may be a caller's own `max_tokens`, and so of any size."""
    if isinstance(told, (int, float)) and not isinstance(told, bool) and told >= 0:
        return told
    return None


def _from_rates(rates: Rates, usage: Usage) -> dict[str, float]:
    parts = split(usage)
    found = {part: count * rates.of(*_PRICES[part]) for part, count in parts.items()}
    details: Mapping[str, Any] = usage.get("prompt_tokens_details") or {}
    for part, (kinds, name), price in _DEARER:
        count = (
            _count(cast("Mapping[str, object]", details.get(kinds) or {}).get(name))
            if part in parts
            else None
        )
        if count:
            dearer = rates.of(price, *_PRICES[part]) - rates.of(*_PRICES[part])
            found[part] += min(count, parts[part]) * dearer
    return found


def rates_of(
    provider: str, model: str, size: float, tier: object = None, *, batch: bool = False
) -> Rates | None:
    """The prices that hold for a prompt of this size; None where the map has none."""
    return _rates(provider, model_info(provider, model), size, tier, batch)


def _rates(
    provider: str, info: Mapping[str, Any] | None, size: float, tier: object, batch: bool
) -> Rates | None:
    if info is not None and "tiered_pricing" in info:
        info = {**info, **_row_for(info["tiered_pricing"], size)}
    if info is None or _INPUT not in info:
        return None
    at_least = provider in _INCLUSIVE
    above = [name for least, name in _ABOVE if size > least or (at_least and size == least)]
    # Servers say it, so it may be anything.
    served = _SERVICE_TIERS.get(tier.lower(), "") if isinstance(tier, str) else ""
    return Rates(info, above, served, _CACHED_SHARE.get(provider), batch)


def _row_for(rows: object, size: float) -> ModelRow:
    """Alibaba's and ByteDance's prices, which depend on the size throughout; beyond the last range that one holds."""
    ranges = [row for row in rows if "range" in row] if isinstance(rows, list) else []
    fitting = (row for row in ranges if row["range"][0] < size <= row["range"][1])
    found: ModelRow = next(fitting, ranges[-1] if ranges else {})
    return found


class Rates:
    """What one token of each kind costs, in US dollars.

    Args:
        info: The map's row, or prices by its names.
        above: What the names of prices end with that hold for a prompt so long, the longest first.
        served: What those of the service tier end with; empty for the usual one.
        cached_share: See `_CACHED_SHARE`.
        batch: Whether the prices of batches count.
    """

    __slots__ = ("_above", "_batch", "_cached_share", "_info", "_served")

    def __init__(
        self,
        info: Mapping[str, Any],
        above: Sequence[str],
        served: str,
        cached_share: float | None,
        batch: bool,
    ) -> None:
        self._info = info
        self._above = above
        self._served = served
        self._cached_share = cached_share
        self._batch = batch

    def of(self, *names: str) -> float:
        """The first of these prices that the map has."""
        whole = names[-1]
        if self._batch:
            if f"{whole}{_BATCHES}" in self._info:
                # A part without a price for batches costs what the rest of the sum does in them.
                return self._first(names, (_BATCHES,)) or 0.0
            return self._usual(names) / 2
        return self._usual(names)

    def _usual(self, names: Sequence[str]) -> float:
        info, served = self._info, self._served
        own = names[0]
        if served and own == "output_cost_per_reasoning_token" and f"{own}{served}" not in info:
            # Thoughts are priced with the answer in a tier that prices only that.
            names = names[1:] if f"{_OUTPUT}{served}" in info else names
        if self._cached_share and own not in info:
            if own == "cache_read_input_audio_token_cost":
                return self._usual(names[1:])
            if own == "cache_read_input_token_cost":
                return self._usual(names[1:]) * self._cached_share
        return self._first(names, (served, "") if served else ("",)) or 0.0

    def _first(self, names: Sequence[str], suffixes: Sequence[str]) -> float | None:
        for name in names:
            for above in (*self._above, ""):
                for suffix in suffixes:
                    price = self._info.get(f"{name}{above}{suffix}")
                    if isinstance(price, (int, float)):
                        return float(price)
        return None
