"""Answers of Converse in OpenAI's shape."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import InvalidReplyError
from genai_integrations.models.usage import number
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.bedrock.media import as_data_url
from genai_integrations.transports.bedrock.messages import given_names

_BESIDE = ("performanceConfig", "trace")
"""What an answer tells beside the message; it is handed on as it is."""

_FIELDS, _PATHS = "additionalModelResponseFields", "additionalModelResponseFieldPaths"
"""What the model tells itself, and the caller's wish for it; without one we asked for our own sake only."""


def reply_of(answer: object, call: WireCall) -> Wire:
    """A whole answer.

    Raises:
        InvalidReplyError: It is none of Converse.
    """
    output = answer.get("output") if isinstance(answer, dict) else None
    said = output.get("message") if isinstance(output, dict) else None
    if not isinstance(answer, dict) or not isinstance(said, dict):
        raise InvalidReplyError("the server's answer has no output.message, as Converse has it")
    choice = {
        "index": 0,
        "message": message_of(said.get("content") or (), given_names(call)),
        "finish_reason": answer.get("stopReason"),
    }
    return {**head(call, "chat.completion"), "choices": [choice], **ending(answer, call)}


def head(call: WireCall, kind: str) -> Wire:
    """What Converse does not tell: it numbers answers in a header only."""
    return {
        "id": f"chatcmpl-{uuid.uuid4()}",
        "object": kind,
        "created": int(time.time()),
        "model": call.model,
    }


def ending(told: Mapping[str, Any], call: WireCall) -> Wire:
    """Usage and what else is told at the end."""
    found: Wire = {name: told[name] for name in _BESIDE if told.get(name)}
    fields = told.get(_FIELDS)
    if fields and call.body.get(_PATHS):
        found[_FIELDS] = fields
    usage = told.get("usage")
    if isinstance(usage, dict):
        found["usage"] = usage_of(usage, fields)
    tier = told.get("serviceTier")
    if isinstance(tier, dict) and tier.get("type"):
        found["service_tier"] = tier["type"]
    return found


def message_of(content: Iterable[Any], names: Mapping[str, str]) -> Wire:
    """The blocks of an answer as one message.

    Args:
        content: The blocks.
        names: The caller's names of tools that have others there.
    """
    texts: list[str] = []
    thoughts: list[Wire] = []
    message: Wire = {"role": "assistant", "content": None}
    for block in content:
        match block:
            case {"text": str(text)}:
                texts.append(text)
            case {"toolUse": {"type": "server_tool_use"}} | {"toolResult": _}:
                _add(message, "provider_specific_fields", "server_tools", block)
            case {"toolUse": dict(use)}:
                message.setdefault("tool_calls", []).append(_call(use, names))
            case {"reasoningContent": dict(thought)}:
                thoughts += thinking_of(thought)
            case {"citationsContent": dict(cited)}:
                _cite(message, cited, texts)
            case {"image": {"source": {"bytes": _}} as image}:
                url = as_data_url("image", image)
                message.setdefault("images", []).append(
                    {"type": "image_url", "image_url": {"url": url}}
                )
    if texts:
        message["content"] = "".join(texts)
    if thoughts:
        message["thinking_blocks"] = thoughts
        message["reasoning_content"] = "".join(row.get("thinking", "") for row in thoughts)
    return message


def thinking_of(thought: Mapping[str, Any]) -> list[Wire]:
    """A block of reasoning in Anthropic's form."""
    match thought:
        case {"reasoningText": {"text": str(text), **rest}}:
            signed = {"signature": rest["signature"]} if rest.get("signature") else {}
            return [{"type": "thinking", "thinking": text, **signed}]
        case {"redactedContent": str(data)}:
            return [{"type": "redacted_thinking", "data": data}]
    return []


def annotation_of(citation: Mapping[str, Any], start: int, end: int) -> Wire:
    """A citation as OpenAI has it: whence, and which part of the text it stands behind."""
    location = citation.get("location") or {}
    web = location.get("web") or {}
    url = web.get("url") or citation.get("source") or ""
    title = citation.get("title") or web.get("domain") or ""
    return {
        "type": "url_citation",
        "url_citation": {"start_index": start, "end_index": end, "url": url, "title": title},
    }


def usage_of(told: Mapping[str, Any], more: object) -> Wire:
    """Converse's counts as OpenAI's, whose prompt tokens hold the cached ones.

    Args:
        told: Converse's `usage`.
        more: Its `additionalModelResponseFields`, in which Claude tells how much it thought.
    """
    read, written = _count(told, "cacheReadInputTokens"), _count(told, "cacheWriteInputTokens")
    prompt = _count(told, "inputTokens") + read + written
    completion = _count(told, "outputTokens")
    usage: Wire = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if read or written:
        usage["prompt_tokens_details"] = {
            "cached_tokens": read,
            "cache_creation_tokens": written,
            **_by_time(told.get("cacheDetails")),
        }
    thought = _thought(more)
    if thought is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": min(thought, completion)}
    return usage


def _count(told: Mapping[str, Any], name: str) -> int:
    return int(number(told.get(name)) or 0)


def _by_time(details: object) -> Wire:
    """What was written for how long, under LiteLLM's names: an hour costs more than five minutes."""
    rows = details if isinstance(details, list) else []
    told = {
        f"ephemeral_{row['ttl']}_input_tokens": row["inputTokens"]
        for row in rows
        if isinstance(row, dict) and row.keys() >= {"ttl", "inputTokens"}
    }
    return {"cache_creation_token_details": told} if told else {}


def _thought(more: object) -> int | None:
    match more:
        case {"usage": {"output_tokens_details": {"thinking_tokens": int(tokens)}}}:
            return tokens
    return None


def _call(use: Mapping[str, Any], names: Mapping[str, str]) -> Wire:
    name = use.get("name")
    arguments = use.get("input")
    text = arguments if isinstance(arguments, str) else jsonbytes.dumps(arguments or {}).decode()
    return {
        "id": use.get("toolUseId"),
        "type": "function",
        "function": {"name": names.get(str(name), name), "arguments": text},
    }


def _cite(message: Wire, cited: Mapping[str, Any], texts: list[str]) -> None:
    start = sum(map(len, texts))
    texts += [row["text"] for row in cited.get("content") or () if isinstance(row.get("text"), str)]
    end = sum(map(len, texts))
    for citation in cited.get("citations") or ():
        message.setdefault("annotations", []).append(annotation_of(citation, start, end))
    _add(message, "provider_specific_fields", "citationsContent", dict(cited))


def _add(message: Wire, group: str, name: str, value: object) -> None:
    message.setdefault(group, {}).setdefault(name, []).append(value)
