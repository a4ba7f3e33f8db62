"""Tools and their choice as Converse's `toolConfig`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.calls.enforced_schemas import enforceable, of_tool
from genai_integrations.calls.wire import Wire
from genai_integrations.transports.bedrock.messages import cache_point, sent_name
from genai_integrations.transports.bedrock.models import Model
from genai_integrations.transports.bedrock.schemas import plain_schema

_OWN = frozenset(("toolSpec", "systemTool", "cachePoint"))
_FUNCTIONS = frozenset(("function", "custom"))
"""OpenAI's type, and Anthropic's, which may be left out."""

_COMPUTER = re.compile(r"computer_(\d{4})(\d\d)(\d\d)")
_EMPTY = {"type": "object", "properties": {}}
_GROUNDING = {"systemTool": {"name": "nova_grounding"}}
"""Web search on Bedrock. Source: Amazon Nova user guide, "Web grounding"."""


def tool_config(
    body: Mapping[str, Any], model: Model, *, called: Sequence[str], forces: bool
) -> Wire | None:
    """The tools and which of them to call; None if there are none to offer.

    Args:
        body: The request, in OpenAI's shape.
        model: What is known of the model.
        called: The tools that were called in the conversation: Bedrock wants tools to be described then, even where the
            caller offers none any more.
        forces: Whether a call may be forced.
    """
    choice = body.get("tool_choice")
    if choice == "none" and not called:
        return None
    tools = [*_tools(_allowed(body.get("tools") or (), choice), model)]
    if body.get("web_search_options") is not None and model.family.startswith("nova"):
        tools.append(_GROUNDING)
    if not any("cachePoint" not in tool for tool in tools):
        tools = [{"toolSpec": {"name": name, "inputSchema": {"json": _EMPTY}}} for name in called]
    if not tools:
        return None
    wanted = _choice(choice)
    if wanted and not forces and "auto" not in wanted:
        wanted = {"auto": {}}
    return {"tools": tools, **({"toolChoice": wanted} if wanted else {})}


def models_tools(tools: Iterable[Mapping[str, Any]]) -> list[Wire]:
    """Tools that Converse cannot describe, because the model knows them itself, such as `computer_20250124`."""
    return [_flat(tool) for tool in tools if not _is_described(tool)]


def betas_of(tools: Iterable[Mapping[str, Any]]) -> list[str]:
    """What Claude wants to be told of a computer it may use. Source: Amazon Bedrock user guide, "Computer use"."""
    found = (_COMPUTER.fullmatch(str(tool.get("type"))) for tool in tools)
    return [f"computer-use-{row[1]}-{row[2]}-{row[3]}" for row in found if row]


def _is_described(tool: Mapping[str, Any]) -> bool:
    if not _OWN.isdisjoint(tool):
        return True
    return tool.get("type", "function") in _FUNCTIONS and ("function" in tool or "name" in tool)


def _flat(tool: Mapping[str, Any]) -> Wire:
    """LiteLLM's form has the tool's own parameters where a function has its schema."""
    function = tool.get("function")
    if function is None:
        return dict(tool)
    return {
        "type": tool.get("type"),
        "name": function.get("name"),
        **(function.get("parameters") or {}),
    }


def _tools(given: Sequence[Mapping[str, Any]], model: Model) -> Iterator[Wire]:
    for tool in given:
        if not _OWN.isdisjoint(tool):
            yield dict(tool)
        elif _is_described(tool):
            yield {"toolSpec": _spec(tool, model)}
            if tool.get("cache_control") and model.caches_tools:
                yield cache_point(tool["cache_control"] if model.caches_long else None)


def _spec(tool: Mapping[str, Any], model: Model) -> Wire:
    function = tool.get("function") or tool
    schema = function.get("parameters") or function.get("input_schema") or _EMPTY
    enforced = enforceable(schema) if model.strict and function.get("strict") else None
    schema = enforced or (of_tool(schema) if model.family == "claude" else plain_schema(schema))
    spec: Wire = {"name": sent_name(function.get("name") or ""), "inputSchema": {"json": schema}}
    if function.get("description"):
        spec["description"] = function["description"]
    if enforced:
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
        return {"tool": {"name": sent_name(name)}} if name else _PLAIN.get(str(choice.get("type")))
    return _PLAIN.get(str(choice))


_PLAIN: Mapping[str, Wire] = {
    "auto": {"auto": {}},
    "any": {"any": {}},
    "required": {"any": {}},
}
