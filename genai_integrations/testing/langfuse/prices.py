"""Some rows of Langfuse's own table of models: what it knows a model by, and what its tokens cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """One model.

    Attributes:
        name: Its name in the table.
        pattern: Regular expression for the names under which it may be reported.
        prices: US dollars for a token of each kind; a kind that is missing costs nothing.
    """

    name: str
    pattern: str
    prices: Mapping[str, float]


def _openai(name: str, pattern: str, prompt: float, answer: float, cached: float) -> ModelPrice:
    prices = {"input": prompt, "output": answer, "output_reasoning_tokens": answer}
    reread = dict.fromkeys(("input_cached_tokens", "input_cache_read"), cached)
    return ModelPrice(name, rf"(?i)^(openai/)?({pattern})$", {**prices, **reread})


def _claude(name: str, pattern: str, prompt: float, answer: float) -> ModelPrice:
    """Anthropic's: writing to the cache costs a quarter more than reading, reading from it a tenth."""
    written = dict.fromkeys(("input_cache_creation", "cache_creation_input_tokens"), prompt * 1.25)
    reread = dict.fromkeys(("input_cached_tokens", "cache_read_input_tokens"), prompt / 10)
    prices = {"input": prompt, "output": answer, **written, **reread}
    return ModelPrice(
        name, rf"(?i)^(anthropic/|([a-z]+\.)?anthropic\.)?({pattern})(-v1(:0)?)?$", prices
    )


MODEL_PRICES = (
    _openai("gpt-4o", r"gpt-4o(-2024-(08-06|11-20))?", 2.5e-6, 1e-5, 1.25e-6),
    _openai("gpt-4o-mini", r"gpt-4o-mini(-2024-07-18)?", 1.5e-7, 6e-7, 7.5e-8),
    _openai("gpt-4.1", r"gpt-4\.1(-2025-04-14)?", 2e-6, 8e-6, 5e-7),
    _claude("claude-sonnet-4-5-20250929", "claude-sonnet-4-5([-@]20250929)?", 3e-6, 1.5e-5),
    _claude("claude-haiku-4-5-20251001", "claude-haiku-4-5([-@]20251001)?", 1e-6, 5e-6),
    ModelPrice(
        "gemini-2.5-flash",
        r"(?i)^(google/)?gemini-2\.5-flash$",
        {"input": 3e-7, "output": 2.5e-6, "input_cached_tokens": 3e-8},
    ),
    ModelPrice("text-embedding-3-small", r"(?i)^text-embedding-3-small$", {"input": 2e-8}),
)
"""Source: the providers' pages of prices, November 2026."""


def price_of(model: str | None) -> ModelPrice | None:
    """The row that a reported name matches; None for a name that is in no table, such as a deployment's own."""
    if not model:
        return None
    return next((row for row in MODEL_PRICES if re.search(row.pattern, model)), None)


def model_rows() -> list[dict[str, object]]:
    """The table as `GET /models` shows it."""
    return [
        {
            "id": row.name,
            "modelName": row.name,
            "matchPattern": row.pattern,
            "unit": "TOKENS",
            "prices": {kind: {"price": price} for kind, price in row.prices.items()},
            "isLangfuseManaged": True,
        }
        for row in MODEL_PRICES
    ]
