"""How each family of models on Bedrock is asked to think."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.transports.bedrock.models import Model

_BUDGETS: Mapping[str, int] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 2048,
    "high": 4096,
    "xhigh": 8192,
    "max": 16384,
}
"""Tokens for an effort, where a model wants a budget; LiteLLM's numbers. Anthropic allows no fewer than 1024."""

_LEAST = 1024
_OFF = "none"
USAGE_PATH = "/usage/output_tokens_details"
"""Where Claude tells how many tokens it thought: Converse's own usage leaves that out."""


def thinking_fields(effort: object, model: Model, most: object) -> Wire:
    """The model's fields for OpenAI's `reasoning_effort`.

    Args:
        effort: `none`, or `minimal` to `max`; a mapping, as in OpenAI's Responses, has it under `effort`.
        model: Whose fields they are.
        most: The limit of the answer's tokens, if there is one: a budget lies below.
    """
    word = effort.get("effort") if isinstance(effort, Mapping) else effort
    if not isinstance(word, str):
        return {}
    return _FIELDS.get(model.family, _raw)(word, model, most)


def is_thinking(fields: Mapping[str, Any]) -> bool:
    """Whether the model is asked to think, so that a call of a tool cannot be forced."""
    wish = fields.get("thinking") or fields.get("reasoning_config")
    return isinstance(wish, Mapping) and wish.get("type") not in (None, "disabled")


def _claude(word: str, model: Model, most: object) -> Wire:
    if word == _OFF:
        return {}
    if model.adaptive:
        effort = "low" if word == "minimal" else word
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
    budget = _BUDGETS.get(word, _LEAST)
    if isinstance(most, int):
        budget = min(budget, most - 1)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= _LEAST else {}


def _nova_2(word: str, _model: Model, _most: object) -> Wire:
    """Source: Amazon Nova 2 user guide, "Extended thinking"."""
    if word == _OFF:
        return {"reasoningConfig": {"type": "disabled"}}
    effort = {"minimal": "low", "xhigh": "high", "max": "high"}.get(word, word)
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}


def _gpt(word: str, _model: Model, _most: object) -> Wire:
    return {"reasoning": {"effort": word}}


def _raw(word: str, _model: Model, _most: object) -> Wire:
    return {"reasoning_effort": word}


def _nothing(_word: str, _model: Model, _most: object) -> Wire:
    return {}


_FIELDS: Mapping[str, Callable[[str, Model, object], Wire]] = {
    "claude": _claude,
    "nova-2": _nova_2,
    "gpt": _gpt,
    # They do not think, or always do.
    "nova": _nothing,
    "deepseek-r1": _nothing,
}
