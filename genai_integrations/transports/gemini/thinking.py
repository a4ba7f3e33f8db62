"""How much a model thinks: OpenAI's `reasoning_effort` and Anthropic's `thinking` as Gemini's `thinkingConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.gemini.abilities import (
    cannot_stop_thinking,
    has_medium,
    is_3_or_newer,
)

_BUDGETS = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
"""Tokens of a Gemini 2.5: https://ai.google.dev/gemini-api/docs/openai, "Thinking"."""

_LEAST_OF_PRO = 128
"""What Gemini 2.5 Pro takes in place of none: https://ai.google.dev/gemini-api/docs/thinking, "Thinking budgets"."""


def thinking_config(body: Mapping[str, Any], model: str) -> Wire | None:
    """`thinkingConfig`, None if nothing is asked.

    Raises:
        ConfigurationError: The effort is none that is known.
    """
    if isinstance(given := body.get("thinking"), Mapping):
        return _as_anthropic(given, model)
    effort = body.get("reasoning_effort")
    if isinstance(effort, Mapping):
        effort = effort.get("effort")
    if effort is None:
        return None
    if effort in ("none", "disable"):
        return _none(model)
    if effort not in _BUDGETS:
        raise ConfigurationError(
            f"reasoning_effort {effort!r} is not one of {', '.join(('none', *_BUDGETS))}"
        )
    if is_3_or_newer(model):
        return {"thinkingLevel": _level(str(effort), model), "includeThoughts": True}
    return {"thinkingBudget": _BUDGETS[effort], "includeThoughts": True}


def _level(effort: str, model: str) -> str:
    """The level of an effort: https://ai.google.dev/gemini-api/docs/thinking, "Thinking levels"."""
    if effort == "minimal":
        return "low" if cannot_stop_thinking(model) else "minimal"
    if effort == "medium" and not has_medium(model):
        return "high"
    return effort if effort in ("low", "medium") else "high"


def _none(model: str) -> Wire:
    """As little as the model can."""
    if is_3_or_newer(model):
        return {"thinkingLevel": _level("minimal", model), "includeThoughts": False}
    budget = _LEAST_OF_PRO if cannot_stop_thinking(model) else 0
    return {"thinkingBudget": budget, "includeThoughts": False}


def _as_anthropic(given: Mapping[str, Any], model: str) -> Wire:
    """`{"type": "enabled", "budget_tokens": 2048}`: a budget is taken by all, if not liked by the newest."""
    budget = given.get("budget_tokens")
    if given.get("type") == "disabled" or budget == 0:
        return _none(model)
    limit = {"thinkingBudget": budget} if isinstance(budget, int) else {}
    return {**limit, "includeThoughts": True}
