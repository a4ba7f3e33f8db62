"""Anthropic's message as a reply in OpenAI's shape."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import ContentFilteredError, InvalidReplyError
from genai_integrations.transports.anthropic.forms import ANSWER, is_answered_by_tool
from genai_integrations.transports.anthropic.tools import ToolNames
from genai_integrations.transports.anthropic.usage import usage_of

CONTENT = "anthropic_content"
"""Under this name in `provider_specific_fields` are all blocks of an answer, where OpenAI's shape has no room for some
of them or for their order: to be sent back as they came."""

_PLAIN = {"thinking": 0, "redacted_thinking": 0, "text": 1, "tool_use": 2}
"""Blocks that OpenAI's shape has room for, by their order there."""

_BESIDE = ("container", "context_management", "stop_details")
"""What a message says beside its blocks."""

_REFUSED = "refusal"
_ANSWERED = 200


def reply_of(answer: object, call: WireCall) -> Wire:
    """A whole message as a reply.

    Raises:
        ContentFilteredError: The model refuses, without a word of an answer.
        InvalidReplyError: It is no message, or says nothing.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("content"), list):
        raise InvalidReplyError("the server's answer is not a message of Anthropic's")
    blocks = [block for block in answer["content"] if isinstance(block, Mapping)]
    told = answer.get("usage") or {}
    reason = answer.get("stop_reason") or "end_turn"
    if not blocks:
        check_said(reason, answer.get("stop_details"), told)
    message = _message(blocks, call)
    kept = fields_of(answer)
    if needs_whole(blocks):
        kept[CONTENT] = blocks
    if cited := [cited_in(block) for block in blocks if block.get("citations")]:
        kept["citations"] = cited
    if kept:
        message["provider_specific_fields"] = kept
    choice = {"index": 0, "message": message, "finish_reason": finish_of(reason, message, call)}
    reply = {**head_of(answer, "chat.completion"), "choices": [choice]}
    return {**reply, "usage": usage_of(told)} if told else reply


def head_of(message: Mapping[str, Any], kind: str) -> Wire:
    """What a reply, or each chunk of one, has beside its choices."""
    head: Wire = {
        "id": message.get("id"),
        "object": kind,
        "created": int(time.time()),
        "model": message.get("model"),
    }
    tier = (message.get("usage") or {}).get("service_tier")
    return {**head, "service_tier": tier} if tier else head


def check_said(reason: object, details: object, told: Mapping[str, Any]) -> None:
    """What an answer without a word means; one for which something was generated is a good one.

    Source: platform.claude.com, "Handling stop reasons": an empty answer may end a turn behind the results of tools.

    Raises:
        ContentFilteredError: The model refuses.
        InvalidReplyError: Nothing was generated.
    """
    if reason == _REFUSED:
        words = details.get("explanation") if isinstance(details, Mapping) else None
        detail = f": {' '.join(words.split())[:300]}" if isinstance(words, str) else ""
        raise ContentFilteredError(f"the model refuses to answer{detail}", status=_ANSWERED)
    if reason == "end_turn" and not told.get("output_tokens"):
        raise InvalidReplyError("the provider answered with nothing")


def finish_of(reason: object, message: Mapping[str, Any], call: WireCall) -> object:
    """The stop reason; an answer that came as a call has just stopped."""
    if reason == "tool_use" and not message.get("tool_calls") and is_answered_by_tool(call.body):
        return "stop"
    return reason


def fields_of(said: Mapping[str, Any]) -> Wire:
    """What a message, or the event that ends one, says beside."""
    return {name: said[name] for name in _BESIDE if said.get(name)}


def needs_whole(blocks: Iterable[Mapping[str, Any]]) -> bool:
    """Whether something of the blocks would be lost in OpenAI's shape."""
    last = 0
    for block in blocks:
        place = _PLAIN.get(str(block.get("type")))
        caller = block.get("caller")
        is_direct = not isinstance(caller, Mapping) or caller.get("type") == "direct"
        if place is None or place < last or block.get("citations") or not is_direct:
            return True
        last = place
    return False


def cited_in(block: Mapping[str, Any]) -> list[Wire]:
    """The citations of a text, each with the text that it supports, as LiteLLM has them."""
    return [
        {**citation, "supported_text": block.get("text", "")} for citation in block["citations"]
    ]


def annotations_of(block: Mapping[str, Any], start: int) -> list[Wire]:
    """The pages of the web that a text cites, in OpenAI's form.

    Args:
        block: The text's.
        start: Where in the whole answer it begins, in characters.
    """
    found = []
    for citation in block.get("citations") or ():
        if citation.get("url"):
            place = {"start_index": start, "end_index": start + len(block.get("text") or "")}
            page = {"url": citation["url"], "title": citation.get("title") or ""}
            found.append({"type": "url_citation", "url_citation": {**page, **place}})
    return found


def _message(blocks: Sequence[Mapping[str, Any]], call: WireCall) -> Wire:
    """OpenAI's message of the blocks that it has room for."""
    texts: list[str] = []
    length = 0
    notes: list[Wire] = []
    calls: list[Wire] = []
    names = ToolNames(call.body.get("tools"))
    as_answer = is_answered_by_tool(call.body)
    for block in blocks:
        kind = block.get("type")
        text = block.get("text") or "" if kind == "text" else ""
        if kind == "tool_use" and as_answer and block.get("name") == ANSWER:
            text = json.dumps(block.get("input"), ensure_ascii=False)
        elif kind == "tool_use":
            calls.append(_call(block, names))
        notes += annotations_of(block, length)
        texts.append(text)
        length += len(text)
    message: Wire = {"role": "assistant", "content": "".join(texts) or None}
    if calls:
        message["tool_calls"] = calls
    if notes:
        message["annotations"] = notes
    return {**message, **_thoughts(blocks)}


def _call(block: Mapping[str, Any], names: ToolNames) -> Wire:
    arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
    function = {"name": names.given(str(block.get("name"))), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _thoughts(blocks: Iterable[Mapping[str, Any]]) -> Wire:
    found = [dict(row) for row in blocks if row.get("type") in ("thinking", "redacted_thinking")]
    if not found:
        return {}
    text = "".join(row.get("thinking") or "" for row in found)
    told: Wire = {"thinking_blocks": found}
    return {**told, "reasoning_content": text} if text else told
