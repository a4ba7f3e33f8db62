"""How many tokens a request has, counted offline: nothing is asked, fetched or sent.

`request_tokens` counts with the model's vocabulary. `rough_tokens` guesses by the bytes, in microseconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genai_integrations.models.catalog import bare
from genai_integrations.models.media_tokens import part_tokens
from genai_integrations.models.vocabularies import aload, is_loaded, text_tokens

__all__ = ["BYTES_PER_TOKEN", "ROUGH_ERROR", "aload", "is_loaded", "request_tokens", "rough_tokens", "text_tokens"]  # fmt: skip

PER_MESSAGE, PER_NAME, PER_REPLY = 3, 1, 3
"""What OpenAI puts around a message, its author's name and the answer.

Source: OpenAI cookbook, "How to count tokens with tiktoken". Other providers' frames differ by a few tokens.
"""

BYTES_PER_TOKEN = 4
"""A token of prose: 4.9 bytes in English, 4.0 in Korean, 4.4 in Japanese, 4.2 in code, 2.4 in JSON, 2.2 in digits."""

ROUGH_ERROR = 0.5
"""Share by which `rough_tokens` may be wrong: it guesses up to a half more than there are in prose of some languages,
and up to a half less in JSON and numbers."""

_PER_MEDIUM = 765
"""A picture of 1024 by 1024 pixels for gpt-4o: the guess for any medium, whose bytes say nothing of its tokens."""

_PER_TOOLS: Mapping[str, int] = {"claude": 346}
"""Tokens of the prompt that a provider adds for tools. Source: platform.claude.com, "Tool use", "Pricing"."""

_PER_TOOL, _PER_PROPERTIES, _PER_PROPERTY, _PER_ENUM, _AFTER_TOOLS = 7, 3, 3, 3, 12
"""How OpenAI says tools to its models. Source: the cookbook's page, for gpt-4o."""


def request_tokens(body: Mapping[str, Any], model: str) -> int:
    """Tokens of a request in OpenAI's shape, a chat's or one for embeddings.

    Right within the `error` of the model's vocabulary for text and tools; pictures, sound and documents by the
    provider's published rule, as `media_tokens` has it.

    Args:
        body: `messages` with `tools` and `response_format`, or `input`.
        model: The provider's own id of the model, or a bare name.
    """
    if "messages" not in body:
        return _of_input(body.get("input"), model)
    total = PER_REPLY + sum(_of_message(row, model) for row in body["messages"])
    tools = body.get("tools") or ()
    if tools:
        total += _of_tools(tools, model)
    form = body.get("response_format")
    if isinstance(form, Mapping) and "json_schema" in form:
        total += text_tokens(_json(form["json_schema"]), model)
    return total


def rough_tokens(body: Mapping[str, Any]) -> int:
    """Nearly the tokens of a request, by the bytes of its texts: wrong by up to `ROUGH_ERROR`."""
    if "messages" not in body:
        return _rough_input(body.get("input"))
    bytes_, media, count = 0, 0, 0
    for message in body["messages"]:
        count += 1
        content = message.get("content")
        if isinstance(content, str):
            # For ASCII, which CPython marks, the bytes need not be made.
            bytes_ += len(content) if content.isascii() else len(content.encode(errors="replace"))
        elif isinstance(content, Sequence):
            for part in content:
                text = part.get("text") if isinstance(part, Mapping) else part
                bytes_ += _bytes(text)
                media += not isinstance(text, str)
        if calls := message.get("tool_calls"):
            bytes_ += _bytes(_json(calls))
    if tools := body.get("tools"):
        bytes_ += _bytes(_json(tools))
    frame = PER_REPLY + PER_MESSAGE * count
    return frame + _PER_MEDIUM * media + math.ceil(bytes_ / BYTES_PER_TOKEN)


def _of_message(message: Mapping[str, Any], model: str) -> int:
    total = PER_MESSAGE
    for name, value in message.items():
        if isinstance(value, str):
            total += text_tokens(value, model) + (PER_NAME if name == "name" else 0)
        elif name == "content" and isinstance(value, Sequence):
            total += sum(_of_part(part, model) for part in value)
        elif value:
            total += text_tokens(_json(value), model)
    return total


def _of_part(part: object, model: str) -> int:
    if isinstance(part, str):
        return text_tokens(part, model)
    if not isinstance(part, Mapping):
        return 0
    text = part.get("text")
    if isinstance(text, str):
        return text_tokens(text, model)
    return part_tokens(part, model)


def _of_tools(tools: Iterable[Mapping[str, Any]], model: str) -> int:
    prompt = next((add for start, add in _PER_TOOLS.items() if bare(model).startswith(start)), None)
    if prompt is not None:
        return prompt + sum(text_tokens(_json(tool), model) for tool in tools)
    return _AFTER_TOOLS + sum(_of_tool(tool, model) for tool in tools)


def _of_tool(tool: Mapping[str, Any], model: str) -> int:
    """The lines that OpenAI makes of a tool; what is nested deeper counts as its JSON."""
    function = tool.get("function")
    if not isinstance(function, Mapping):
        return text_tokens(_json(tool), model)
    head = f"{function.get('name')}:{str(function.get('description') or '').rstrip('.')}"
    total = _PER_TOOL + text_tokens(head, model)
    schema = function.get("parameters")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping) or not properties:
        return total
    return total + _PER_PROPERTIES + sum(_of_property(*row, model) for row in properties.items())


def _of_property(name: str, schema: object, model: str) -> int:
    if not isinstance(schema, Mapping):
        return _PER_PROPERTY + text_tokens(name, model)
    told = str(schema.get("description") or "").rstrip(".")
    total = _PER_PROPERTY + text_tokens(f"{name}:{schema.get('type')}:{told}", model)
    values = schema.get("enum") or ()
    if values:
        total += sum(_PER_ENUM + text_tokens(str(value), model) for value in values) - _PER_ENUM
    nested = {key: schema[key] for key in ("properties", "items", "anyOf") if key in schema}
    return total + (text_tokens(_json(nested), model) if nested else 0)


def _of_input(texts: object, model: str) -> int:
    if isinstance(texts, str):
        return text_tokens(texts, model)
    if not isinstance(texts, Sequence):
        return 0
    # OpenAI takes tokens, too: a list of numbers, or of such lists.
    return sum(1 if isinstance(row, int) else _of_input(row, model) for row in texts)


def _rough_input(texts: object) -> int:
    if isinstance(texts, str):
        return math.ceil(_bytes(texts) / BYTES_PER_TOKEN)
    if not isinstance(texts, Sequence):
        return 0
    return sum(1 if isinstance(row, int) else _rough_input(row) for row in texts)


def _bytes(text: object) -> int:
    if not isinstance(text, str):
        return 0
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
