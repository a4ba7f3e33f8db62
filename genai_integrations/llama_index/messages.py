"""LlamaIndex messages to OpenAI's wire shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    CitationBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from genai_integrations.calls.attachments import shown_by_users
from genai_integrations.calls.extras import give_back
from genai_integrations.errors import ConfigurationError
from genai_integrations.llama_index.blocks import Part, mark_cached, parts_of

Wire = dict[str, Any]

_ROLES = {MessageRole.CHATBOT: "assistant", MessageRole.MODEL: "assistant"}
"""Roles whose name on the wire differs."""

_TOOL_ROLES = (MessageRole.TOOL, MessageRole.FUNCTION)


def to_wire(messages: Sequence[ChatMessage]) -> list[Wire]:
    """Convert a conversation; the messages stay as they are.

    Raises:
        ConfigurationError: A block cannot be sent; the text says which message has it.
    """
    wire = [_message(at, message, messages[at - 1 : at]) for at, message in enumerate(messages)]
    return shown_by_users(wire)


async def ato_wire(messages: Sequence[ChatMessage]) -> list[Wire]:
    """As `to_wire`; files are read in a thread."""
    if any(getattr(block, "path", None) for row in messages for block in row.blocks):
        return await asyncio.to_thread(to_wire, messages)
    return to_wire(messages)


def _message(at: int, message: ChatMessage, before: Sequence[ChatMessage]) -> Wire:
    try:
        content = _content(message)
    except ConfigurationError as error:
        raise ConfigurationError(f"messages[{at}] cannot be sent: {error}") from error
    wire: Wire = {"role": _ROLES.get(message.role, message.role.value), "content": content}
    extra = message.additional_kwargs
    if message.role in _TOOL_ROLES:
        _copy(extra, wire, "tool_call_id")
    else:
        _add_calls(message, wire)
        give_back(extra, wire)
        _add_thoughts(message, wire, in_loop="tool_calls" in wire or _is_result(before))
    _copy(extra, wire, "name")
    return wire


def _copy(source: Mapping[str, Any], target: Wire, name: str) -> None:
    if source.get(name) is not None:
        target[name] = source[name]


def _content(message: ChatMessage) -> str | list[Part]:
    blocks = message.blocks
    if len(blocks) == 1 and isinstance(blocks[0], TextBlock):
        return blocks[0].text
    parts: list[Part] = []
    for block in blocks:
        if isinstance(block, CachePoint):
            if parts:
                parts[-1] = mark_cached(parts[-1], block)
        elif not isinstance(block, (ThinkingBlock, ToolCallBlock)) and not _is_said(block, message):
            parts.extend(parts_of(block))
    if all(part.keys() == {"type", "text"} for part in parts):
        # One text for all, joined as `ChatMessage.content` is: every server takes that.
        return "\n".join(part["text"] for part in parts)
    return parts


def _is_said(block: Any, message: ChatMessage) -> bool:
    """Whether it is a citation of words that the message itself has."""
    if not isinstance(block, CitationBlock) or not isinstance(block.cited_content, TextBlock):
        return False
    return block.cited_content.text in (message.content or "")


def _add_calls(message: ChatMessage, wire: Wire) -> None:
    calls = [_tool_call(block) for block in message.blocks if isinstance(block, ToolCallBlock)]
    calls = calls or [_foreign(call) for call in message.additional_kwargs.get("tool_calls") or ()]
    if calls:
        wire["tool_calls"] = calls
        wire["content"] = wire["content"] or None


def _is_result(messages: Sequence[ChatMessage]) -> bool:
    return any(message.role in _TOOL_ROLES for message in messages)


def _add_thoughts(message: ChatMessage, wire: Wire, *, in_loop: bool) -> None:
    """Hand back what the provider gave with its thoughts; without, some refuse the results of tools."""
    for block in message.blocks:
        if isinstance(block, ThinkingBlock):
            _copy(block.additional_information, wire, "thinking_blocks")
            if in_loop:
                # DeepSeek wants these around the calls of tools only.
                _copy(block.additional_information, wire, "reasoning_content")


def _tool_call(block: ToolCallBlock) -> Wire:
    arguments = block.tool_kwargs
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return _call(block.tool_call_id, block.tool_name, text)


def _foreign(given: Any) -> Wire:
    """A call as another integration left it in `additional_kwargs`: in OpenAI's form, or Anthropic's."""
    call: Mapping[str, Any] = given if isinstance(given, Mapping) else given.model_dump()
    if "function" in call:
        function = call["function"]
        return _call(call.get("id"), function.get("name"), function.get("arguments"))
    arguments = call.get("input") or call.get("args") or {}
    return _call(call.get("id"), call.get("name"), json.dumps(arguments, ensure_ascii=False))


def _call(number: str | None, name: str | None, arguments: str | None) -> Wire:
    function = {"name": name or "", "arguments": arguments or "{}"}
    return {"id": number, "type": "function", "function": function}
