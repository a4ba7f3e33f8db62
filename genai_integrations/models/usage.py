"""Tokens of a call, as OpenAI counts them, wherever a server tells them. At run time they are plain dicts."""

from __future__ import annotations

from typing import Any, TypedDict

MOST = 10**12
"""Tokens, or dollars, of one call that are believed. A server may write anything, and sums must stay numbers."""


class TokenDetails(TypedDict, total=False):
    """Tokens of a sum that have a price or a name of their own."""

    cached_tokens: int
    cache_creation_tokens: int
    cache_creation_token_details: dict[str, int]
    reasoning_tokens: int


class Usage(TypedDict, total=False):
    """What a provider reports; whatever it leaves out is not there. `cost` is in US dollars, from the few that tell it.

    Completion tokens hold the reasoning tokens, prompt tokens the cached ones.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: float
    prompt_tokens_details: TokenDetails
    completion_tokens_details: TokenDetails


_DETAILS = (
    # OpenAI's sum and its part; where servers tell the part beside the sums, and what they call it in their place.
    (
        "prompt_tokens_details",
        "cached_tokens",
        # Moonshot; DeepSeek; Anthropic, and bridges to it.
        ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens"),
        ("cache_read_tokens",),
    ),
    (
        "prompt_tokens_details",
        "cache_creation_tokens",
        ("cache_creation_input_tokens",),
        # OpenRouter.
        ("cache_write_tokens",),
    ),
    # Perplexity.
    ("completion_tokens_details", "reasoning_tokens", ("reasoning_tokens",), ()),
)


def counted(usage: object) -> dict[str, Any] | None:
    """What a server reported, with each count where OpenAI has it too; odd values must not spoil a good answer.

    Returns:
        None if it is no usage at all.
    """
    if not isinstance(usage, dict):
        return None
    told = {
        name: value
        for name, value in usage.items()
        if (number(value) is not None and not name.endswith("_details"))
        or (isinstance(value, dict) and not name.endswith("_tokens"))
    }
    for group, name, beside, inside in _DETAILS:
        details = told.get(group) or {}
        places = [*(told.get(key) for key in beside), *(details.get(key) for key in inside)]
        found = next((place for place in places if number(place) is not None), None)
        if found is not None and number(details.get(name)) is None:
            told[group] = {**details, name: found}
    _sum_up(told)
    return told


def _sum_up(told: dict[str, Any]) -> None:
    if "prompt_tokens" not in told and "input_tokens" in told:
        # Anthropic's names; its input is what was not cached.
        cached = told.get("cache_read_input_tokens", 0) + told.get("cache_creation_input_tokens", 0)
        told["prompt_tokens"] = told["input_tokens"] + cached
    if "completion_tokens" not in told and "output_tokens" in told:
        told["completion_tokens"] = told["output_tokens"]
    total = told.get("total_tokens")
    if total is None or "completion_tokens" not in told:
        if total is not None:
            # Voyage tells only the sum.
            told.setdefault("prompt_tokens", total)
        elif "prompt_tokens" in told:
            told["total_tokens"] = told["prompt_tokens"] + told.get("completion_tokens", 0)
        return
    thought = (told.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    answered = told["completion_tokens"]
    if number(thought) is not None and total == told.get("prompt_tokens", 0) + answered + thought:
        # xAI counts thoughts beside the answer, not in it.
        told["completion_tokens"] = answered + thought


def number(told: object) -> int | float | None:
    """A count of tokens or a sum of dollars that a server told; None for what can be none.

    Nobody gives tokens or money back: a sum below zero would fill a budget up again.
    """
    if isinstance(told, (int, float)) and not isinstance(told, bool) and 0 <= told <= MOST:
        return told
    return None
