"""Tokens as Anthropic counts them, in OpenAI's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.wire import Wire

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)


def usage_of(told: Mapping[str, Any]) -> Wire:
    """The usage of a message, or of a stream as far as it was told.

    Anthropic's input is what was neither read from the cache nor written to it. Of an answer in several steps, such as
    a compaction before it, the sums leave the others out, so the steps are added up.

    Source: platform.claude.com, "Prompt caching", "Tracking cache performance", and "Compaction", "Understanding usage".
    """
    steps = [step for step in told.get("iterations") or () if isinstance(step, Mapping)]
    fresh, answered, read, written = (
        sum(_number(step.get(name)) for step in steps or [told]) for name in _COUNTS
    )
    prompt = fresh + read + written
    inputs: Wire = {"cached_tokens": read, "cache_creation_tokens": written}
    if isinstance(told.get("cache_creation"), Mapping):
        # LiteLLM's name. The two kinds have prices of their own.
        inputs["cache_creation_token_details"] = dict(told["cache_creation"])
    usage: Wire = {
        "prompt_tokens": prompt,
        "completion_tokens": answered,
        "total_tokens": prompt + answered,
        "prompt_tokens_details": inputs,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
    }
    details = told.get("output_tokens_details")
    thought = details.get("thinking_tokens") if isinstance(details, Mapping) else None
    if isinstance(thought, int):
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    if isinstance(told.get("server_tool_use"), Mapping):
        usage["server_tool_use"] = dict(told["server_tool_use"])
    return usage


def _number(count: object) -> int:
    return count if isinstance(count, int) else 0
