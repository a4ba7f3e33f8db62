"""Tools and the choice among them, in OpenAI's form, as Gemini's: functions of the program, and Google's own tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.transports.gemini.schemas import restated

_SEARCHES = frozenset(("web_search", "web_search_preview"))
"""OpenAI's names of a search on the web."""


def declared(body: Mapping[str, Any], *, newest: bool) -> Wire:
    """`tools` and `toolConfig` of a request, as far as it has them.

    https://ai.google.dev/api/caching#Tool: functions stand together in one tool, each of Google's own in another.
    """
    given = list(body.get("tools") or ())
    given += [{"function": function} for function in body.get("functions") or ()]
    functions = [_function(tool["function"]) for tool in given if _is_function(tool)]
    own = [_own(tool) for tool in given if not _is_function(tool)]
    if "web_search_options" in body:
        own.append({"googleSearch": {}})
    made: Wire = {}
    if functions or own:
        made["tools"] = [*([{"functionDeclarations": functions}] if functions else ()), *own]
    config = _choice(body.get("tool_choice", body.get("function_call"))) if functions else {}
    if newest and functions and own:
        # docs/tool-combination: without it, Google's tools and functions are not taken together.
        config["includeServerSideToolInvocations"] = True
    return {**made, "toolConfig": config} if config else made


def has_functions(body: Mapping[str, Any]) -> bool:
    """Whether the model may call functions of the program."""
    return bool(body.get("functions")) or any(map(_is_function, body.get("tools") or ()))


def _is_function(tool: Mapping[str, Any]) -> bool:
    return isinstance(tool.get("function"), Mapping)


def _function(function: Mapping[str, Any]) -> Wire:
    made: Wire = {"name": function.get("name")}
    if function.get("description"):
        made["description"] = function["description"]
    parameters = function.get("parameters")
    # "For function with no parameters, this can be left unset."
    if isinstance(parameters, Mapping) and (
        parameters.get("properties") or not _is_empty(parameters)
    ):
        made["parametersJsonSchema"] = restated(parameters)
    return made


def _is_empty(parameters: Mapping[str, Any]) -> bool:
    return parameters.keys() <= {"type", "properties", "required", "additionalProperties", "title"}


def _own(tool: Mapping[str, Any]) -> Wire:
    """One of Google's own, as in `{"google_search": {}}` or `{"type": "code_execution"}`."""
    kind = tool.get("type")
    if not isinstance(kind, str):
        return dict(tool)
    rest = {name: value for name, value in tool.items() if name != "type"}
    if kind in _SEARCHES:
        return {"googleSearch": {}}
    # Both `{"type": "google_search", "google_search": {...}}` and `{"type": "google_search", ...}` are met.
    return rest if kind in rest else {kind: rest}


def _choice(choice: object) -> Wire:
    """`toolConfig` for OpenAI's `tool_choice`: https://ai.google.dev/api/caching#FunctionCallingConfig."""
    if isinstance(choice, str):
        mode = _MODES.get(choice)
        return {"functionCallingConfig": {"mode": mode}} if mode else {}
    if not isinstance(choice, Mapping):
        return {}
    allowed = choice.get("allowed_tools")
    if isinstance(allowed, Mapping):
        mode = "ANY" if allowed.get("mode") == "required" else "VALIDATED"
        return _only(mode, (tool.get("function") or {} for tool in allowed.get("tools") or ()))
    return _only("ANY", [choice.get("function") or choice])


_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY", "validated": "VALIDATED"}


def _only(mode: str, functions: Iterable[Mapping[str, Any]]) -> Wire:
    names = [function["name"] for function in functions if function.get("name")]
    return {"functionCallingConfig": {"mode": mode, "allowedFunctionNames": names}}
