"""Tools and their choice as Converse's `toolConfig`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.transports.bedrock.messages import cache_point
from genai_integrations.transports.bedrock.models import Model

_OWN = frozenset(("toolSpec", "systemTool", "cachePoint"))
_EMPTY = {"type": "object", "properties": {}}
_GROUNDING = {"systemTool": {"name": "nova_grounding"}}
"""Web search on Bedrock. Source: Amazon Nova user guide, "Web grounding"."""


def tool_config(body: Mapping[str, Any], model: Model, *, used: bool, forces: bool) -> Wire | None:
    """The tools and which of them to call; None if there are none to offer.

    Args:
        body: The request, in OpenAI's shape.
        model: What is known of the model.
        used: Whether tools were called in the conversation: Bedrock wants them described then.
        forces: Whether a call may be forced.
    """
    choice = body.get("tool_choice")
    if choice == "none" and not used:
        return None
    tools = [*_tools(_allowed(body.get("tools") or (), choice), model)]
    if body.get("web_search_options") is not None:
        tools.append(_GROUNDING)
    if not any("cachePoint" not in tool for tool in tools):
        return None
    wanted = _choice(choice)
    if wanted and not forces and "auto" not in wanted:
        wanted = {"auto": {}}
    return {"tools": tools, **({"toolChoice": wanted} if wanted else {})}


def is_own_tool(tool: Mapping[str, Any]) -> bool:
    """Whether it is a tool that Converse can describe; others are the model's own, such as `computer_20250124`."""
    return "function" in tool or "input_schema" in tool or not _OWN.isdisjoint(tool)


def _tools(given: Sequence[Mapping[str, Any]], model: Model) -> Iterator[Wire]:
    for tool in given:
        if not _OWN.isdisjoint(tool):
            yield dict(tool)
        elif is_own_tool(tool):
            yield {"toolSpec": _spec(tool, strict=model.strict)}
            if tool.get("cache_control") and model.caches_tools:
                yield cache_point(tool["cache_control"] if model.caches_long else None)


def _spec(tool: Mapping[str, Any], *, strict: bool) -> Wire:
    function = tool.get("function") or tool
    schema = function.get("parameters") or function.get("input_schema") or _EMPTY
    spec = {
        "name": function.get("name") or "",
        "inputSchema": {"json": schema if schema.get("type") else {"type": "object", **schema}},
    }
    if function.get("description"):
        spec["description"] = function["description"]
    if strict and function.get("strict"):
        spec["strict"] = True
    return spec


def _allowed(tools: Sequence[Mapping[str, Any]], choice: object) -> Sequence[Mapping[str, Any]]:
    """OpenAI's `allowed_tools`: only those of them that are named."""
    if not isinstance(choice, Mapping) or choice.get("type") != "allowed_tools":
        return tools
    rows = (choice.get("allowed_tools") or choice).get("tools") or ()
    names = {(row.get("function") or row).get("name") for row in rows}
    return [tool for tool in tools if (tool.get("function") or tool).get("name") in names]


def _choice(choice: object) -> Wire | None:
    if isinstance(choice, Mapping):
        if choice.get("type") == "allowed_tools":
            mode = (choice.get("allowed_tools") or choice).get("mode")
            return _PLAIN.get(str(mode))
        name = (choice.get("function") or choice).get("name")
        return {"tool": {"name": name}} if name else _PLAIN.get(str(choice.get("type")))
    return _PLAIN.get(str(choice))


_PLAIN: Mapping[str, Wire] = {
    "auto": {"auto": {}},
    "any": {"any": {}},
    "required": {"any": {}},
}
