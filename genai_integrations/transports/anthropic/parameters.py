"""Parameters that OpenAI writes otherwise than Anthropic, or knows alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genai_integrations.transports.anthropic.draft import Draft
from genai_integrations.transports.anthropic.tools import (
    choice_of,
    tools_called,
    tools_of,
    web_search,
)

_ONLY_OPENAIS = (
    "frequency_penalty",
    "logit_bias",
    "modalities",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "seed",
    "store",
    "verbosity",
)
"""Parameters that tune, label or account. Those that change what comes back, such as `n`, are sent all the same."""

_SAYING_NOTHING = {"logprobs": False, "n": 1}
"""Values of parameters that ask for what comes anyway."""

_SAMPLING = ("temperature", "top_p", "top_k")

_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
"""Source: platform.claude.com, "Service tiers"."""

_PERSONAL = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}|\+?[\d\s()-]{7,}")
"""E-mail addresses and telephone numbers, which the API does not want as a `user_id`."""

_FORCING = ("any", "tool")


def set_limit(draft: Draft) -> None:
    """`max_tokens`: without one, what the model can say at most."""
    newer, older = draft.take("max_completion_tokens"), draft.take("max_tokens")
    given = older if newer is None else newer
    draft.body["max_tokens"] = draft.model.max_tokens if given is None else given


def set_stops(draft: Draft) -> None:
    """`stop_sequences`."""
    stop = draft.take("stop")
    if isinstance(stop, str):
        stop = [stop]
    if stop:
        draft.body["stop_sequences"] = list(stop)


def set_stream(draft: Draft) -> None:
    """Usage comes with every stream."""
    draft.take("stream_options")
    if draft.take("stream"):
        draft.body["stream"] = True


def set_tools(draft: Draft, messages: Any) -> None:
    """`tools`, `tool_choice` and `mcp_servers`."""
    tools, servers = tools_of(draft.take("tools") or (), draft.names, draft.model)
    if isinstance(options := draft.take("web_search_options"), Mapping):
        tools.append(web_search(options))
    choice = choice_of(draft.take("tool_choice"), draft.take("parallel_tool_calls"), draft.names)
    if not tools and (called := tools_called(messages, draft.names)):
        tools, choice = called, {"type": "none"}
    if choice and choice["type"] in _FORCING and not draft.model.can_be_forced:
        choice = _unforced(choice, draft)
    if tools:
        draft.body["tools"] = tools
        if choice:
            draft.body["tool_choice"] = choice
    if servers:
        draft.body["mcp_servers"] = [*(draft.take("mcp_servers") or ()), *servers]


def _unforced(choice: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """Source: platform.claude.com, "Migration guide": from the 5.5 family on a call is not forced."""
    if not draft.leaves_out("tool_choice"):
        return choice
    kept = {name: value for name, value in choice.items() if name == "disable_parallel_tool_use"}
    return {"type": "auto", **kept}


def set_sampling(draft: Draft) -> None:
    """Leave out what newer models refuse: all of it but the default, or one of `temperature` and `top_p`."""
    left, model = draft.left, draft.model
    if not model.takes_sampling:
        for name in _SAMPLING:
            if name in left and not (name == "temperature" and left[name] == 1):
                draft.leaves_out(name)
    elif not model.takes_both and "temperature" in left and "top_p" in left:
        draft.leaves_out("top_p")


def set_labels(draft: Draft) -> None:
    """Who asks, at which service tier, and what only OpenAI keeps."""
    tier = draft.left.get("service_tier")
    if tier in _TIERS:
        draft.body["service_tier"] = _TIERS[draft.take("service_tier")]
    elif tier is not None:
        draft.leaves_out("service_tier")
    _set_user(draft)
    for name, value in _SAYING_NOTHING.items():
        if draft.left.get(name) == value:
            draft.take(name)
    for name in _ONLY_OPENAIS:
        if name in draft.left:
            draft.leaves_out(name)


def _set_user(draft: Draft) -> None:
    """`metadata` has one key, the id of a user, which may say nothing of who that is."""
    metadata = draft.left.get("metadata")
    told = metadata.get("user_id") if isinstance(metadata, Mapping) else None
    user = told or draft.left.get("user") or draft.left.get("safety_identifier")
    named = {name for name in ("metadata", "user", "safety_identifier") if name in draft.left}
    for name in named:
        draft.leaves_out(name)
    if isinstance(user, str) and not _PERSONAL.fullmatch(user):
        for name in named:
            draft.take(name)
        draft.body["metadata"] = {"user_id": user}
