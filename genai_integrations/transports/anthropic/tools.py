"""Tools, who may be called, and the names by which they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.enforced_schemas import enforceable, of_tool
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.anthropic.models import Claude

_REFUSED = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST = 128
_NO_NAME = "tool"

_BESIDE = (
    "allowed_callers",
    "cache_control",
    "defer_loading",
    "eager_input_streaming",
    "input_examples",
)
"""What Anthropic knows of a tool and OpenAI does not; beside the function, or in it."""

_CHOICES = {"auto": "auto", "required": "any", "any": "any", "none": "none"}
"""Source: platform.claude.com, "Implement tool use", "Forcing tool use"."""

_SEARCHES = {"low": 1, "medium": 5, "high": 10}
"""How often the web may be searched, by OpenAI's `search_context_size`: LiteLLM's numbers."""


class ToolNames:
    """The names of a request's tools: as they were given, and as the API takes them, each only once.

    Args:
        tools: In OpenAI's shape.
    """

    __slots__ = ("_given", "_sent")

    def __init__(self, tools: Iterable[Mapping[str, Any]] | None) -> None:
        self._sent: dict[str, str] = {}
        self._given: dict[str, str] = {}
        names = [name for tool in tools or () if (name := _name_of(tool)) is not None]
        odd = [name for name in dict.fromkeys(names) if spelt(name) != name]
        taken = set(names)
        for name in odd:
            own, number = spelt(name), 2
            while own in taken:
                suffix = f"_{number}"
                own, number = spelt(name)[: _LONGEST - len(suffix)] + suffix, number + 1
            taken.add(own)
            self._sent[name], self._given[own] = own, name

    def sent(self, name: str) -> str:
        """As the API takes it; that of a tool which is no longer offered as well."""
        return self._sent.get(name) or spelt(name)

    def given(self, name: str) -> str:
        """As the caller wrote it."""
        return self._given.get(name, name)


def spelt(name: str) -> str:
    """A name or id in the characters that the API takes: `[a-zA-Z0-9_-]`."""
    return _REFUSED.sub("_", name)[:_LONGEST] or _NO_NAME


def _name_of(tool: Mapping[str, Any]) -> str | None:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else None


def tools_of(
    given: Iterable[Mapping[str, Any]], names: ToolNames, claude: Claude
) -> tuple[list[Wire], list[Wire]]:
    """The tools as the API takes them, and the MCP servers among them, which it takes elsewhere.

    Raises:
        ConfigurationError: One is none.
    """
    tools: list[Wire] = []
    servers: list[Wire] = []
    for tool in given:
        kind = tool.get("type")
        if kind == "mcp":
            servers.append(_mcp_server(tool))
        elif kind == "url":
            servers.append(dict(tool))
        elif isinstance(tool.get("function"), Mapping):
            tools.append(_function(tool, names, claude))
        elif "input_schema" in tool or "name" in tool or kind not in (None, "function"):
            # Anthropic's own shape, and its tools that run on its side, such as `web_search_20250305`.
            tools.append(dict(tool))
        else:
            raise ConfigurationError("a tool has no function")
    return tools, servers


def _function(tool: Mapping[str, Any], names: ToolNames, claude: Claude) -> Wire:
    function = tool["function"]
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise ConfigurationError("a tool has a function without a name")
    kind = str(tool.get("type"))
    if kind.startswith("computer_"):
        # As LiteLLM's users write Anthropic's own: the size of the screen as its parameters.
        return {"type": kind, "name": name, **(function.get("parameters") or {})}
    schema = of_tool(function.get("parameters"))
    strict = enforceable(schema) if function.get("strict") and claude.enforces_schemas else None
    sent: Wire = {"name": names.sent(name), "input_schema": schema if strict is None else strict}
    if function.get("description"):
        sent["description"] = function["description"]
    if strict is not None:
        sent["strict"] = True
    for beside in _BESIDE:
        value = tool.get(beside, function.get(beside))
        if value is not None:
            sent[beside] = value
    return sent


def tools_called(messages: Iterable[Mapping[str, Any]], names: ToolNames) -> list[Wire]:
    """Tools that the conversation calls, where none is offered any more: the API wants to know each.

    Source: its own words, "Requests which include `tool_use` or `tool_result` blocks must define tools."
    """
    calls = (call for message in messages for call in message.get("tool_calls") or ())
    called = ((call.get("function") or {}).get("name") for call in calls)
    legacy = ((message.get("function_call") or {}).get("name") for message in messages)
    found = dict.fromkeys(names.sent(name) for name in (*called, *legacy) if isinstance(name, str))
    return [{"name": name, "input_schema": of_tool(None)} for name in found]


def choice_of(given: object, parallel: object, names: ToolNames) -> Wire | None:
    """`tool_choice`, with `parallel_tool_calls` in it; None for what the API does by itself.

    Raises:
        ConfigurationError: It is none that can be asked for.
    """
    choice = _choice(given, names)
    if parallel is False and (choice or {}).get("type") != "none":
        return {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return choice


def _choice(given: object, names: ToolNames) -> Wire | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        function = given.get("function")
        if isinstance(function, Mapping) and isinstance(function.get("name"), str):
            return {"type": "tool", "name": names.sent(function["name"])}
        if given.get("type") == "tool" and isinstance(given.get("name"), str):
            return {**given, "name": names.sent(given["name"])}
        kind = given.get("type")
        if kind in ("auto", "any", "none"):
            return dict(given)
        given = kind
    if isinstance(given, str) and given in _CHOICES:
        return {"type": _CHOICES[given]}
    raise ConfigurationError(
        f"tool_choice cannot be {given!r} for a Claude: use 'auto', 'required', 'none' or a function's name"
    )


def web_search(options: Mapping[str, Any]) -> Wire:
    """OpenAI's `web_search_options` as Anthropic's tool.

    Source: platform.claude.com, "Web search tool".
    """
    tool: Wire = {"type": "web_search_20250305", "name": "web_search"}
    place = (options.get("user_location") or {}).get("approximate")
    if place:
        tool["user_location"] = {**place, "type": "approximate"}
    if searches := _SEARCHES.get(str(options.get("search_context_size"))):
        tool["max_uses"] = searches
    return tool


def _mcp_server(tool: Mapping[str, Any]) -> Wire:
    """A server in the shape of OpenAI's Responses API.

    Source: platform.claude.com, "MCP connector".
    """
    server: Wire = {"type": "url", "url": tool.get("server_url"), "name": tool.get("server_label")}
    proof = str((tool.get("headers") or {}).get("Authorization") or tool.get("authorization") or "")
    if proof:
        server["authorization_token"] = proof.removeprefix("Bearer ")
    if tool.get("allowed_tools") is not None:
        server["tool_configuration"] = {"allowed_tools": tool["allowed_tools"]}
    return server
