"""A chat request as the body of `POST /responses`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.args import DropParams, may_drop
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.openai.copies import OPENAI
from genai_integrations.transports.openai.responses.items import items_of
from genai_integrations.transports.openai.responses.tools import (
    choice_of,
    search_tool,
    tools_of,
)
from genai_integrations.transports.openai.shaping import copy_of, with_parameters

_SAID_OTHERWISE = frozenset(
    (
        "include",
        "input",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "reasoning",
        "reasoning_effort",
        "response_format",
        "stop",
        "stream_options",
        "text",
        "tool_choice",
        "tools",
        "verbosity",
        "web_search_options",
    )
)

_UNKNOWN = frozenset(("frequency_penalty", "logit_bias", "prediction", "presence_penalty", "seed"))
"""Parameters that the Responses API does not have, and that may be left out: they only tune.

What changes what comes back, such as `n`, is sent, so that the provider says no.
"""

_AS_BY_DEFAULT: Mapping[str, object] = {"n": 1, "modalities": ["text"]}
"""Parameters of the chat API alone, with the value that asks for nothing special."""

_THINKS = re.compile(r"^(?:ft:)?(?:o\d|codex-|gpt-(?:[5-9]|\d\d))(?!.*-chat)")
"""OpenAI's models with thoughts to encrypt; the others refuse to be asked for them."""


def body_of(call: WireCall) -> Wire:
    """The body. What the chat API does not know either is sent as it is.

    Raises:
        ConfigurationError: It asks for an answer that is made later.
    """
    given = call.body
    if given.get("background") and not given.get("stream"):
        raise ConfigurationError(
            "background=True makes an answer that has to be fetched later, which a call does not do: leave it out"
        )
    if copy_of(call.connection) is OPENAI:
        given = with_parameters(given, call, OPENAI.parameters)
    body = {name: value for name, value in given.items() if _stays(name, value, call.drop_params)}
    stored = given.get("store") is not False
    # Items that the chat API has no form for, such as a computer's screen, come as `input`.
    body["input"] = [*items_of(given["messages"], stored=stored), *_beside(given.get("input"))]
    limit = given.get("max_completion_tokens") or given.get("max_tokens")
    if limit is not None:
        body.setdefault("max_output_tokens", limit)
    body |= _text(given) | _reasoning(given) | _tools(given) | _included(given, call.model)
    options = _without_usage(given.get("stream_options"))
    return {**body, "stream_options": options} if options else body


def relayed_body(call: WireCall) -> Wire | None:
    """The body for a caller who speaks the same API: its own words, and the parameters as this model takes them.

    Returns:
        None for one with stop sequences, at which an answer is cut here.

    Raises:
        ConfigurationError: As `body_of`.
    """
    if call.spoken is None or call.body.get("stop"):
        return None
    body, own = body_of(call), call.spoken.body
    said = {name: own[name] for name in _WORDS if own.get(name) is not None}
    included = dict.fromkeys((*(own.get("include") or ()), *body.get("include", ())))
    return {**body, **said, **({"include": list(included)} if included else {})}


_WORDS = (
    "input",
    "instructions",
    "max_tool_calls",
    "reasoning",
    "stream_options",
    "text",
    "tool_choice",
    "tools",
    "truncation",
)
"""What a caller's own body says in full. Of parameters, those are sent that the model takes."""


def _beside(given: object) -> Iterable[Any]:
    """The items of `input`; a text alone is a user's."""
    if isinstance(given, str):
        return ({"role": "user", "content": given},)
    return given if isinstance(given, (list, tuple)) else ()


def _stays(name: str, value: object, drop_params: DropParams) -> bool:
    if name in _SAID_OTHERWISE or (name in _AS_BY_DEFAULT and value == _AS_BY_DEFAULT[name]):
        return False
    return name not in _UNKNOWN or not may_drop(name, drop_params)


def _text(given: Wire) -> Wire:
    """The form of the text: a schema is not wrapped here."""
    said: Wire = {}
    wanted = given.get("response_format")
    if isinstance(wanted, Mapping):
        schema = wanted.get("json_schema")
        flat = {"type": "json_schema", **schema} if isinstance(schema, Mapping) else wanted
        said["format"] = flat
    if "verbosity" in given:
        said["verbosity"] = given["verbosity"]
    said |= given.get("text") or {}
    return {"text": said} if said else {}


def _reasoning(given: Wire) -> Wire:
    """How to think; LiteLLM's users write all of it under the name of the effort."""
    effort = given.get("reasoning_effort")
    said: Wire = dict(effort) if isinstance(effort, Mapping) else {"effort": effort}
    said |= given.get("reasoning") or {}
    said = {name: value for name, value in said.items() if value is not None}
    return {"reasoning": said} if said else {}


def _tools(given: Wire) -> Wire:
    tools = tools_of(given.get("tools") or ())
    if "web_search_options" in given:
        tools.append(search_tool(given["web_search_options"]))
    said: Wire = {"tools": tools} if tools else {}
    if "tool_choice" in given:
        said["tool_choice"] = choice_of(given["tool_choice"])
    return said


def _included(given: Wire, model: str) -> Wire:
    """What has to be asked for by name: log probabilities, and thoughts that the provider does not keep."""
    wanted: list[Any] = list(given.get("include") or ())
    if given.get("logprobs"):
        wanted.append("message.output_text.logprobs")
    thinks = "reasoning" in given or "reasoning_effort" in given or _THINKS.search(model)
    if given.get("store") is False and thinks:
        wanted.append("reasoning.encrypted_content")
    return {"include": list(dict.fromkeys(wanted))} if wanted else {}


def _without_usage(options: object) -> Wire:
    """Usage comes always, and asking for it is refused."""
    if not isinstance(options, Mapping):
        return {}
    return {name: value for name, value in options.items() if name != "include_usage"}
