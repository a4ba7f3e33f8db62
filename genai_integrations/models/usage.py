"""Tokens of a call, as OpenAI counts them. For the type checker: at run time they are plain dicts."""

from __future__ import annotations

from typing import TypedDict


class TokenDetails(TypedDict, total=False):
    """Tokens of a sum that have a price or a name of their own."""

    cached_tokens: int
    cache_creation_tokens: int
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
