"""The most that an attempt may cost: the longest answer, and a prompt that may have to be written to a cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from genai_integrations.models.catalog import model_info
from genai_integrations.models.prices import cost
from genai_integrations.models.usage import Usage

_MOST = 10**18
"""Tokens that are reckoned with at most: dearer than any budget, and still a number that a price can multiply."""


def answer_bound(body: Mapping[str, Any]) -> int | None:
    """Most tokens of all answers together that a request asks for; None where it leaves that to the model."""
    # Two names of one limit: of a request with both, each server reads one of them.
    given = [limit for name in _LIMITS if (limit := body.get(name))]
    known = [limit for limit in given if type(limit) is int and limit >= 0]
    if not given or len(known) < len(given):
        return None
    return min(max(known) * _answers(body), _MOST)


_LIMITS = ("max_completion_tokens", "max_tokens")


def longest_answer(body: Mapping[str, Any], provider: str, model: str) -> int | None:
    """As `answer_bound`, else by the model's own limit; None where nobody knows that. No tokens for embeddings."""
    if "messages" not in body:
        return 0
    asked = answer_bound(body)
    if asked is not None:
        return asked
    info = model_info(provider, model) or {}
    most = info.get("max_output_tokens") or info.get("max_tokens")
    return most * _answers(body) if isinstance(most, int) else None


def worst_cost(
    provider: str,
    model: str,
    prompt_tokens: int,
    answer_tokens: int | None,
    *,
    sound: bool = False,
    tier: object = None,
    batch: bool = False,
    own: Mapping[str, float] | None = None,
) -> float | None:
    """US dollars at worst for one attempt; None where the price or the longest answer is not known.

    Args:
        provider: Provider's name.
        model: Its id of the model.
        prompt_tokens: Of the request.
        answer_tokens: Of the longest answer.
        sound: Whether sound is in the request, or wanted: see `has_sound`.
        tier: See `prices.cost`.
        batch: The same.
        own: The same.
    """
    if answer_tokens is None:
        return None
    # One sum is dearest where the prompt is written to a cache or heard, and all of the answer are thoughts or spoken.
    prompts = ("text_tokens", "cache_creation_tokens", *(("audio_tokens",) if sound else ()))
    answers = ("text_tokens", "reasoning_tokens", *(("audio_tokens",) if sound else ()))
    found = [
        cost(provider, model, cast("Usage", row), tier=tier, batch=batch, own=own)
        for row in (
            {
                "prompt_tokens": prompt_tokens,
                "prompt_tokens_details": {prompt: prompt_tokens},
                "completion_tokens": answer_tokens,
                "completion_tokens_details": {answer: answer_tokens},
            }
            for prompt in prompts
            for answer in answers
        )
    ]
    known = [row for row in found if row is not None]
    return max(known) if known else None


def has_sound(body: Mapping[str, Any]) -> bool:
    """Whether a request has sound in it or wants some, whose tokens are several times dearer than a text's."""
    modalities = body.get("modalities")
    if isinstance(modalities, list) and "audio" in modalities:
        return True
    contents = (message.get("content") for message in body.get("messages") or ())
    return any(
        isinstance(part, Mapping) and part.get("type") == "input_audio"
        for content in contents
        if isinstance(content, list)
        for part in content
    )


def _answers(body: Mapping[str, Any]) -> int:
    count: Any = body.get("n")
    try:
        # Many servers take `"5"` and `5.0` as well.
        return max(int(count), 1)
    except (TypeError, ValueError, OverflowError):
        return 1
