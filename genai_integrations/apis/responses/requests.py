"""The body of `POST /v1/responses` as a chat call in OpenAI's older shape.

Source: OpenAI, "API reference", "Create a model response", and "Migrate to the Responses API".
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
from genai_integrations.apis.responses.items import is_openais_own, messages_of
from genai_integrations.apis.users import user_of
from genai_integrations.apis.writing import ONCE
from genai_integrations.calls.wire import Spoken, Wire

_KEPT_NOWHERE = "no answers are kept here: send the whole conversation in input"
_REFUSED: Mapping[str, str] = {
    "background": "answers are not made in the background here: leave it out",
    "conversation": _KEPT_NOWHERE,
    "previous_response_id": _KEPT_NOWHERE,
    "prompt": "prompts stored at OpenAI are not served here: name one of Langfuse's in langfuse_prompt",
    "store": "no answers are kept here: leave it out, or say false",
}
"""What needs something kept between two calls."""

_OWN = frozenset(
    (
        "include",
        "input",
        "instructions",
        "max_tool_calls",
        "model",
        "stream",
        "stream_options",
        "truncation",
    )
)
"""What is said otherwise in a chat, means nothing without tools of OpenAI's, or is what happens anyway."""

_CHOICES = ("auto", "none", "required")
_LOGPROBS = "message.output_text.logprobs"


def chat_of(body: Wire) -> tuple[list[Wire], Wire]:
    """The messages of the chat that a body asks for, and those of its parameters that are said otherwise there.

    Raises:
        ConfigurationError: Something in it is none of the API's, or is not served here.
    """
    params = params_of(body)
    messages = messages_of(body)
    if is_openais_own(body):
        params["spoken"] = Spoken("responses", body)
    return messages, {**params, **ONCE} if body.get("stream") else params


def params_of(body: Wire) -> Wire:
    """What is said otherwise in a chat, by the names that it has there.

    Raises:
        ConfigurationError: Something in it is none of the API's, or is not served here.
    """
    for name, why in _REFUSED.items():
        if body.get(name):
            raise wrong(name, why)
    params: Wire = {}
    for name, read in _READERS.items():
        if body.get(name) is not None:
            params |= read(body[name])
    optional(body, "metadata", dict)
    if body.get("store") is not None:
        params["store"] = checked(body["store"], bool, "store")
    if _LOGPROBS in (optional(body, "include", list) or ()):
        params["logprobs"] = True
    return params


def _limit(given: object) -> Wire:
    return {"max_tokens": checked(given, int, "max_output_tokens")}


def _text(given: object) -> Wire:
    text = checked(given, dict, "text")
    said: Wire = {}
    if verbosity := optional(text, "verbosity", str, "text"):
        said["verbosity"] = verbosity
    form = optional(text, "format", dict, "text")
    if form is None:
        return said
    kind = needed(form, "type", str, "text.format")
    if kind == "json_schema":
        needed(form, "name", str, "text.format")
        needed(form, "schema", dict, "text.format")
        rest = {name: value for name, value in form.items() if name != "type" and value is not None}
        said["response_format"] = {"type": kind, kind: rest}
    elif kind == "json_object":
        said["response_format"] = {"type": kind}
    elif kind != "text":
        raise wrong("text.format.type", "must be text, json_object or json_schema")
    return said


def _reasoning(given: object) -> Wire:
    effort = optional(checked(given, dict, "reasoning"), "effort", str, "reasoning")
    return {"reasoning_effort": effort} if effort else {}


def _tools(given: object) -> Wire:
    tools = [_tool(row, within("tools", at)) for at, row in enumerate(objects(given, "tools"))]
    return {"tools": tools} if tools else {}


def _tool(tool: Wire, at: str) -> Wire:
    kind = needed(tool, "type", str, at)
    if kind not in _TOOLS:
        raise wrong(
            within(at, "type"),
            f"tools that OpenAI runs, such as {kind[:40]!r}, are not served here: use tools of the type function",
        )
    needed(tool, "name", str, at)
    return _TOOLS[kind](tool, at)


def _function(tool: Wire, at: str) -> Wire:
    function: Wire = {"name": tool["name"]}
    if description := optional(tool, "description", str, at):
        function["description"] = description
    if (parameters := optional(tool, "parameters", dict, at)) is not None:
        function["parameters"] = parameters
    if (strict := optional(tool, "strict", bool, at)) is not None:
        function["strict"] = strict
    return {"type": "function", "function": function}


def _custom(tool: Wire, at: str) -> Wire:
    custom = {name: tool[name] for name in ("name", "description") if tool.get(name)}
    form = optional(tool, "format", dict, at)
    if form and form.get("type") == "grammar":
        grammar = {name: form[name] for name in ("syntax", "definition") if name in form}
        custom["format"] = {"type": "grammar", "grammar": grammar}
    return {"type": "custom", "custom": custom}


_TOOLS: Mapping[str, Callable[[Wire, str], Wire]] = {"custom": _custom, "function": _function}


def _choice(given: object) -> Wire:
    if isinstance(given, str):
        if given not in _CHOICES:
            raise wrong("tool_choice", f"must be one of {', '.join(_CHOICES)}, or an object")
        return {"tool_choice": given}
    choice = checked(given, dict, "tool_choice")
    return {"tool_choice": _chosen(choice, "tool_choice")}


def _chosen(choice: Wire, at: str) -> Wire:
    kind = needed(choice, "type", str, at)
    if kind in _TOOLS:
        return {"type": kind, kind: {"name": needed(choice, "name", str, at)}}
    if kind != "allowed_tools":
        raise wrong(within(at, "type"), f"must be {', '.join(_TOOLS)} or allowed_tools")
    place = within(at, "tools")
    tools = objects(choice.get("tools"), place)
    allowed = [_chosen(tool, within(place, number)) for number, tool in enumerate(tools)]
    return {"type": kind, kind: {"mode": needed(choice, "mode", str, at), "tools": allowed}}


def _user(given: object) -> Wire:
    return user_of(checked(given, str, "user"))


_READERS: Mapping[str, Callable[[object], Wire]] = {
    "max_output_tokens": _limit,
    "reasoning": _reasoning,
    "text": _text,
    "tool_choice": _choice,
    "tools": _tools,
    "user": _user,
}
SAID_OTHERWISE = _OWN.union(_READERS, _REFUSED)
"""Names in a body that a chat does not know, or not so; it takes all others as they come."""
