"""The body of `POST /v1/messages`, and of `count_tokens`, as a chat call in OpenAI's shape.

Source: platform.claude.com, "Messages API".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from genai_integrations.apis.given import (
    checked,
    needed,
    objects,
    optional,
    within,
    wrong,
)
from genai_integrations.apis.users import user_of
from genai_integrations.calls.wire import Wire
from genai_integrations.gateway.dialects.dialect import params_of as others_of

_BETA = "anthropic-beta"

_ONLY_CLAUDES = frozenset(("cache_control", "context_management", "speed"))
"""What tunes a Claude, and has no meaning elsewhere. What changes the answer, such as `container`, is sent on, so that
who cannot do it says so."""

_EFFORTS = ((1024, "low"), (4096, "medium"))
"""Budgets of thought, in tokens, up to which an effort is the nearest word for it; above is `high`."""

_CHOICES = {"any": "required", "auto": "auto", "none": "none"}


def params_of(body: Wire) -> Wire:
    """All but model, messages and stream, by OpenAI's names; what has no other name there is as it came.

    Raises:
        GenAIError: Something in it is none of Anthropic's.
    """
    params = others_of(body, _SAID_OTHERWISE)
    for name, read in _READERS.items():
        if body.get(name) is not None:
            params |= read(body[name])
    if "thinking" in params and "reasoning_effort" not in params:
        params |= _effort_for(params["thinking"])
    return params


def _limit(given: object) -> Wire:
    return {"max_tokens": checked(given, int, "max_tokens")}


def _stops(given: object) -> Wire:
    stops = checked(given, list, "stop_sequences")
    for number, stop in enumerate(stops):
        checked(stop, str, within("stop_sequences", number))
    return {"stop": stops} if stops else {}


def _user(given: object) -> Wire:
    row = checked(given, dict, "metadata")
    return user_of(optional(row, "user_id", str, "metadata"))


def _tools(given: object) -> Wire:
    tools = [_tool(row, within("tools", at)) for at, row in enumerate(objects(given, "tools"))]
    return {"tools": tools} if tools else {}


def _tool(tool: Wire, at: str) -> Wire:
    """A tool of the caller's; one that runs at Anthropic stays as it is."""
    if optional(tool, "type", str, at) not in (None, "custom"):
        return tool
    function: Wire = {
        "name": needed(tool, "name", str, at),
        "parameters": needed(tool, "input_schema", dict, at),
    }
    if description := optional(tool, "description", str, at):
        function["description"] = description
    if optional(tool, "strict", bool, at):
        function["strict"] = True
    made: Wire = {"type": "function", "function": function}
    mark = optional(tool, "cache_control", dict, at)
    return {**made, "cache_control": mark} if mark else made


def _choice(given: object) -> Wire:
    choice = checked(given, dict, "tool_choice")
    kind = needed(choice, "type", str, "tool_choice")
    if kind == "tool":
        name = needed(choice, "name", str, "tool_choice")
        said: Wire = {"tool_choice": {"type": "function", "function": {"name": name}}}
    elif kind in _CHOICES:
        said = {"tool_choice": _CHOICES[kind]}
    else:
        raise wrong("tool_choice.type", f"must be tool or one of {', '.join(_CHOICES)}")
    if optional(choice, "disable_parallel_tool_use", bool, "tool_choice"):
        said["parallel_tool_calls"] = False
    return said


def _config(given: object) -> Wire:
    config = checked(given, dict, "output_config")
    said: Wire = {}
    if effort := optional(config, "effort", str, "output_config"):
        said["reasoning_effort"] = effort
    if form := optional(config, "format", dict, "output_config"):
        said |= _format(form, "output_config.format")
    return said


def _format(given: object, at: str = "output_format") -> Wire:
    form = checked(given, dict, at)
    if needed(form, "type", str, at) != "json_schema":
        raise wrong(within(at, "type"), "must be json_schema")
    schema = needed(form, "schema", dict, at)
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": _is_strict(schema)},
        }
    }


def _is_strict(schema: object) -> bool:
    """Whether OpenAI would enforce it: it wants each object closed, and each of its properties required.

    Source: OpenAI, "Structured Outputs", "Supported schemas". Of others it refuses `strict`.
    """
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        names = properties.keys() if isinstance(properties, dict) else ()
        required = schema.get("required")
        listed = required if isinstance(required, list) else []
        if schema.get("additionalProperties") is not False or set(names).difference(
            map(str, listed)
        ):
            return False
    return all(map(_is_strict, schema.values()))


def _thinking(given: object) -> Wire:
    thinking = checked(given, dict, "thinking")
    needed(thinking, "type", str, "thinking")
    optional(thinking, "budget_tokens", int, "thinking")
    return {"thinking": thinking}


def _effort_for(thinking: Wire) -> Wire:
    """The word that other providers have for a budget of thought."""
    budget = thinking.get("budget_tokens")
    if thinking["type"] != "enabled" or budget is None:
        return {}
    fitting = (word for most, word in _EFFORTS if budget <= most)
    return {"reasoning_effort": next(fitting, "high")}


def _tier(given: object) -> Wire:
    tier = checked(given, str, "service_tier")
    return {"service_tier": "default" if tier == "standard_only" else tier}


_READERS: Mapping[str, Callable[[object], Wire]] = {
    "max_tokens": _limit,
    "metadata": _user,
    "output_config": _config,
    "output_format": _format,
    "service_tier": _tier,
    "stop_sequences": _stops,
    "thinking": _thinking,
    "tool_choice": _choice,
    "tools": _tools,
}
_SAID_OTHERWISE = _ONLY_CLAUDES.union(_READERS, ("messages", "model", "stream", "system"))


def params_beside(headers: Mapping[str, str]) -> Wire:
    """The betas that a caller asks for; they go on to Claudes, and to nobody else.

    Args:
        headers: Those of the request, names in lower case.
    """
    asked = headers.get(_BETA)
    return {"extra_headers": {_BETA: asked}} if asked else {}
