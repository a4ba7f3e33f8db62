"""Tools and the choice among them: nested in the chat API, flat in the Responses API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire

_NESTED = ("function", "custom")


def tools_of(tools: Iterable[Wire]) -> list[Wire]:
    """Tools as the Responses API takes them; its own, such as `web_search` and `mcp`, as they are."""
    return [_tool(tool) for tool in tools]


def _tool(tool: Wire) -> Wire:
    kind = str(tool.get("type"))
    inner = tool.get(kind) if kind in _NESTED else None
    own = {name: value for name, value in tool.items() if name not in ("cache_control", kind)}
    if not isinstance(inner, Mapping):
        return own
    if kind == "custom":
        return {**own, **inner, **_format(inner)}
    # What it leaves out means otherwise here: a schema is strict. Source: OpenAI, "Migrate to the Responses API".
    return {**own, "parameters": _NO_PARAMETERS, "strict": False, **_without_none(inner)}


_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


def _format(custom: Mapping[str, Any]) -> Wire:
    """The grammar of a custom tool's input."""
    wanted = custom.get("format")
    grammar = wanted.get("grammar") if isinstance(wanted, Mapping) else None
    return {"format": {"type": "grammar", **grammar}} if isinstance(grammar, Mapping) else {}


def _without_none(function: Mapping[str, Any]) -> Wire:
    return {
        name: value
        for name, value in function.items()
        if value is not None and name != "cache_control"
    }


def choice_of(choice: object) -> object:
    """A choice among tools: a word, one tool, or those that are allowed."""
    if not isinstance(choice, Mapping):
        return choice
    kind = choice.get("type")
    inner = choice.get(kind) if isinstance(kind, str) else None
    if not isinstance(inner, Mapping):
        return choice
    if kind == "allowed_tools":
        return {"type": kind, **inner, "tools": [choice_of(tool) for tool in inner["tools"]]}
    return {"type": kind, **inner}


def search_tool(options: object) -> Wire:
    """The chat API's `web_search_options` as the tool that it is here."""
    given = dict(options) if isinstance(options, Mapping) else {}
    place = given.get("user_location")
    if isinstance(place, Mapping) and isinstance(place.get("approximate"), Mapping):
        given["user_location"] = {"type": "approximate", **place["approximate"]}
    return {"type": "web_search", **given}
