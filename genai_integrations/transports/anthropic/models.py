"""What each Claude takes: by the price map, and where that says nothing, by the version in its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from genai_integrations.models.catalog import ModelRow, model_info

_MOST_NAMES = 1024


@dataclass(frozen=True, slots=True)
class Claude:
    """What one model takes.

    Attributes:
        max_tokens: What it may answer at most. The API wants a limit in every request.
        thinks: It takes `thinking`.
        adapts: It thinks as much as it needs (`adaptive`), more or less by `effort`.
        takes_budgets: It thinks within a number of tokens (`budget_tokens`).
        takes_sampling: It takes `temperature`, `top_p` and `top_k`.
        takes_both: It takes `temperature` beside `top_p`.
        can_be_forced: It takes a `tool_choice` that forces a call.
        enforces_schemas: It takes the schema of its answer, and of its tools (`strict`).
        takes_later_system: It takes the role `system` in the midst of a conversation.
        efforts: Levels of `effort` that it knows, the least first.
    """

    max_tokens: int
    thinks: bool
    adapts: bool
    takes_budgets: bool
    takes_sampling: bool
    takes_both: bool
    can_be_forced: bool
    enforces_schemas: bool
    takes_later_system: bool
    efforts: tuple[str, ...]


@lru_cache(_MOST_NAMES)
def claude(provider: str, model: str) -> Claude:
    """What a model takes at a provider: `anthropic`, `azure` or `vertex`. Asked for every call, hence remembered."""
    # Deployments of Azure's have names of their own, and the price map has Anthropic's for the models.
    place = "vertex" if provider == "vertex" else "anthropic"
    row = model_info(place, model) or {}
    adapts = _says(row, model, "supports_adaptive_thinking")
    return Claude(
        max_tokens=_limit(row, model),
        thinks=_says(row, model, "supports_reasoning"),
        adapts=adapts,
        takes_budgets=not adapts or _says(row, model, "supports_legacy_thinking"),
        takes_sampling=_says(row, model, "supports_sampling_params"),
        takes_both=not re.search(_ONE_OF_BOTH, model),
        can_be_forced=_says(row, model, "supports_forced_tool_use"),
        # On Vertex an organisation has to allow it first.
        enforces_schemas=bool(row.get(_NATIVE))
        if place == "vertex"
        else _says(row, model, _NATIVE),
        takes_later_system=_says(row, model, "supports_mid_conversation_system"),
        efforts=_efforts(row, model),
    )


_NATIVE = "supports_native_structured_output"

_FROM_4_5 = r"claude-[a-z]+-(?:4[-._](?:[5-9]|\d\d)(?!\d)|[5-9](?!\d)|\d\d(?!\d))"
_FROM_4_6 = r"claude-[a-z]+-(?:4[-._](?:[6-9]|\d\d)(?!\d)|[5-9](?!\d)|\d\d(?!\d))"
_FROM_4_7 = r"claude-[a-z]+-(?:4[-._](?:[7-9]|\d\d)(?!\d)|[5-9](?!\d)|\d\d(?!\d))"
_FROM_4_8 = r"claude-[a-z]+-(?:4[-._](?:[89]|\d\d)(?!\d)|[5-9](?!\d)|\d\d(?!\d))"

_BY_NAME: Mapping[str, str] = {
    "supports_reasoning": r"claude-(?:3[-._]7|[a-z]+-\d)",
    "supports_adaptive_thinking": _FROM_4_6,
    "supports_legacy_thinking": r"claude-[a-z]+-4[-._]6(?!\d)",
    "supports_sampling_params": rf"^(?!.*{_FROM_4_7})",
    "supports_forced_tool_use": r"^(?!.*claude-(?:opus|sonnet|fable|mythos)-5[-._][1-9](?!\d))",
    _NATIVE: _FROM_4_5,
    "supports_mid_conversation_system": _FROM_4_8,
    "supports_max_reasoning_effort": _FROM_4_6,
    "supports_xhigh_reasoning_effort": _FROM_4_7,
}
"""For each flag of the price map the names of which it holds where the map has no opinion.

Source: platform.claude.com, "Migration guide", "Adaptive thinking", "Structured outputs" and "Mid-conversation system
messages"; the price map's own `fallback_generalizations` for those it has.
"""

_ONE_OF_BOTH = r"claude-opus-4[-._@]1(?!\d)|" + _FROM_4_5
"""Source: platform.claude.com, "Migration guide": from Opus 4.1 and the 4.5 family on, one of `temperature` and `top_p`."""

_LIMITS = (
    (r"claude-(?:instant|2|3-(?:haiku|opus|sonnet))", 4096),
    (r"claude-3[-._]5", 8192),
    (r"claude-3[-._]7|claude-sonnet-4(?![-._]\d(?!\d))", 64_000),
    (r"claude-opus-4(?![-._][2-9](?!\d))", 32_000),
    (r"claude-[a-z]+-\d", 64_000),
)
"""Source: platform.claude.com, "Models overview"; models that the price map no longer has, or not yet."""

_LEAST = 4096
"""What every Claude can answer: for names that say nothing, such as a deployment's."""


def _says(row: ModelRow, model: str, flag: str) -> bool:
    told = row.get(flag)
    return told if isinstance(told, bool) else bool(re.search(_BY_NAME[flag], model))


def _limit(row: ModelRow, model: str) -> int:
    told = row.get("max_output_tokens") or row.get("max_tokens")
    if isinstance(told, int):
        return told
    return next((limit for names, limit in _LIMITS if re.search(names, model)), _LEAST)


def _efforts(row: ModelRow, model: str) -> tuple[str, ...]:
    more = [
        level
        for level in ("xhigh", "max")
        if _says(row, model, f"supports_{level}_reasoning_effort")
    ]
    return ("low", "medium", "high", *more)
