"""What is known of the models behind Converse, beyond what it says of itself: rows of LiteLLM's price map, and families.

A row can be missing, for a new model or an ARN. Then the newest way of its family is taken, and what it refuses is
learnt (`transports.remedies`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from genai_integrations.models.catalog import model_info

_CLAUDE = re.compile(r"anthropic\.|claude")
_OLD_CLAUDE = re.compile(
    r"claude-(?:instant|v?[12]\b|3-|(?:opus|sonnet|haiku)-4(?:-[015])?(?:-20|@|$))"
)
"""Up to 4.5: those that think within a budget, and for which newer fields are unknown."""

_SHORT_CACHE = re.compile(r"claude-(?:3-|(?:opus|sonnet)-4-(?:1-)?20)")
"""Older than 4.5. Source: Amazon Bedrock user guide, "Prompt caching"."""


@dataclass(frozen=True, slots=True)
class Model:
    """What a model takes.

    Attributes:
        family: `claude`, `nova`, `nova-2`, `gpt`, `gpt-oss`, `deepseek`, `deepseek-r1`, or empty for all others.
        adaptive: Thinks as much as it finds right, by an effort and not by a budget.
        strict: Enforces the schema of a tool.
        caches: Takes marks for a prompt cache.
        caches_tools: Takes them among its tools.
        caches_long: Can be told to keep for an hour.
        system_anywhere: Takes instructions in the midst of a conversation.
        one_call: Can be told not to call tools in parallel.
    """

    family: str
    adaptive: bool
    strict: bool
    caches: bool
    caches_tools: bool
    caches_long: bool
    system_anywhere: bool
    one_call: bool


_FAMILIES = (
    (_CLAUDE, "claude"),
    (re.compile(r"amazon\.nova-2|^nova-2/"), "nova-2"),
    (re.compile(r"nova"), "nova"),
    (re.compile(r"gpt-oss"), "gpt-oss"),
    (re.compile(r"openai\.gpt-"), "gpt"),
    (re.compile(r"deepseek\.r1"), "deepseek-r1"),
    (re.compile(r"deepseek"), "deepseek"),
)


@lru_cache(1024)
def model_of(model: str) -> Model:
    """What is known of a model, by its id, its inference profile's, or an ARN that names it."""
    family = next((name for pattern, name in _FAMILIES if pattern.search(model)), "")
    row = model_info("bedrock", model) or {}
    is_new = not row and family == "claude" and not _OLD_CLAUDE.search(model)
    caches = row.get(
        "supports_prompt_cache_breakpoint", row.get("supports_prompt_caching", not row)
    )
    return Model(
        family=family,
        adaptive=bool(row.get("supports_adaptive_thinking", is_new)),
        strict=family == "claude" and answers_by_schema(model),
        caches=bool(caches) and not family.startswith("gpt"),
        # Nova refuses them there: "#/toolConfig/tools/0: extraneous key [cachePoint] is not permitted".
        caches_tools=bool(caches) and family not in ("nova", "nova-2", "gpt", "gpt-oss"),
        caches_long=family == "claude" and not _SHORT_CACHE.search(model),
        system_anywhere=bool(row.get("supports_mid_conversation_system")),
        one_call=bool(row.get("supports_parallel_tool_use_config", is_new)),
    )


def answers_by_schema(model: str) -> bool:
    """Whether a model answers by a JSON schema itself. Source: Amazon Bedrock user guide, "Structured outputs"."""
    row = model_info("bedrock", model) or {}
    names = ("supports_native_structured_output", "supports_bedrock_native_structured_output")
    return any(row.get(name) for name in names)


def can_be_forced(model: str) -> bool:
    """Whether a model can be made to call a tool."""
    return (model_info("bedrock", model) or {}).get("supports_forced_tool_use") is not False
