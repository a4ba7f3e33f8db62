"""How much a Claude thinks, and what cannot be asked for beside that.

Source: platform.claude.com, "Extended thinking", "Adaptive thinking" and "Effort".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.anthropic.draft import Draft
from genai_integrations.transports.anthropic.models import Claude

_BUDGETS = {
    "minimal": 1024,
    "low": 1024,
    "medium": 2048,
    "high": 4096,
    "xhigh": 8192,
    "max": 16_384,
}
"""Tokens of thought for OpenAI's `reasoning_effort`: LiteLLM's numbers, and the API's least for `minimal`."""

_LEAST_BUDGET = 1024
"""Source: "Extended thinking": "The minimum budget is 1,024 tokens"."""

_LEVELS = ("low", "medium", "high", "xhigh", "max")
_LEAST_TOP_P = 0.95
_ON = ("adaptive", "enabled")
_FORCING = ("any", "tool")


def set_thinking(draft: Draft) -> None:
    """`thinking` and `reasoning_effort`, as the model takes them, and what they exclude."""
    asked_by = "thinking" if "thinking" in draft.left else "reasoning_effort"
    thinking, effort = draft.take("thinking"), _effort(draft)
    config = dict(draft.take("output_config") or {})
    if isinstance(thinking, Mapping):
        thinking, own = _for_model(thinking, draft.model)
        effort = effort or own
    elif effort is not None:
        thinking = _from_effort(effort, draft.model)
    thinking = _within(thinking, draft.body["max_tokens"], draft, asked_by)
    if effort is not None and draft.model.adapts:
        config.setdefault("effort", _level(effort, draft.model))
    if thinking is not None and thinking.get("type") in _ON:
        thinking = _beside(thinking, draft, asked_by)
    if thinking is not None:
        draft.body["thinking"] = thinking
    if config:
        draft.body["output_config"] = config


def is_thinking(body: Mapping[str, Any]) -> bool:
    """Whether a request has the model think."""
    return (body.get("thinking") or {}).get("type") in _ON


def _effort(draft: Draft) -> str | None:
    """The effort that is wanted; None for none at all, and for a model that does not think."""
    given = draft.left.get("reasoning_effort")
    # The Responses API's shape says more beside it.
    effort = given.get("effort") if isinstance(given, Mapping) else given
    if effort is None or effort == "none":
        draft.take("reasoning_effort")
        return None
    if not draft.model.thinks:
        draft.leaves_out("reasoning_effort")
        return None
    if effort not in _BUDGETS:
        raise ConfigurationError(
            f"reasoning_effort cannot be {effort!r}: use none, {', '.join(_BUDGETS)}"
        )
    draft.take("reasoning_effort")
    return str(effort)


def _from_effort(effort: str, model: Claude) -> Wire:
    if model.adapts:
        # Without `display` newer models give an empty string for what they thought.
        return {"type": "adaptive", "display": "summarized"}
    return {"type": "enabled", "budget_tokens": _BUDGETS[effort]}


def _for_model(thinking: Mapping[str, Any], model: Claude) -> tuple[Wire, str | None]:
    """Thinking in the form that this model takes, and the effort that the other form stands for."""
    kind = thinking.get("type")
    if kind == "adaptive" and model.thinks and not model.adapts:
        return {"type": "enabled", "budget_tokens": _BUDGETS["medium"]}, None
    if kind == "enabled" and not model.takes_budgets:
        shown = {"display": thinking["display"]} if thinking.get("display") else {}
        return {"type": "adaptive", **shown}, _effort_for(thinking.get("budget_tokens"), model)
    return dict(thinking), None


def _effort_for(budget: object, model: Claude) -> str:
    """The effort whose budget is nearest below."""
    tokens = budget if isinstance(budget, int) else 0
    levels = [level for level in ("medium", "high", "xhigh") if level in model.efforts]
    return next((level for level in reversed(levels) if _BUDGETS[level] <= tokens), "low")


def _level(effort: str, model: Claude) -> str:
    """The effort as the API writes it, no higher than the model knows."""
    wanted = _LEVELS.index("low" if effort == "minimal" else effort)
    return next(level for level in reversed(_LEVELS[: wanted + 1]) if level in model.efforts)


def _within(thinking: Any, most: object, draft: Draft, asked_by: str) -> Any:
    """A budget that came of an effort, below the limit of the whole answer, as the API wants it."""
    if asked_by == "thinking" or not isinstance(thinking, Mapping) or not isinstance(most, int):
        return thinking
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < most:
        return thinking
    if most > _LEAST_BUDGET:
        return {**thinking, "budget_tokens": most - 1}
    return None if draft.leaves_out(asked_by) else thinking


def _beside(thinking: Wire, draft: Draft, asked_by: str) -> Wire | None:
    """Leave out what the API refuses beside thinking: thinking itself, where a call is forced."""
    if (draft.body.get("tool_choice") or {}).get("type") in _FORCING and draft.leaves_out(asked_by):
        return None
    left = draft.left
    top_p = left.get("top_p", 1)
    if left.get("temperature", 1) != 1:
        draft.leaves_out("temperature")
    if isinstance(top_p, (int, float)) and top_p < _LEAST_TOP_P:
        draft.leaves_out("top_p")
    if "top_k" in left:
        draft.leaves_out("top_k")
    return thinking
