"""LlamaIndex messages to OpenAI's wire shape, and replies back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    ChatResponse,
    ContentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.reply import Chunk

Wire = dict[str, Any]

_ROLES = {MessageRole.CHATBOT: "assistant", MessageRole.MODEL: "assistant"}
"""Roles whose name on the wire differs."""


def to_wire(messages: Sequence[ChatMessage]) -> list[Wire]:
    """Convert a conversation.

    Raises:
        ConfigurationError: A block cannot be sent; the text says which message has it.
    """
    return [_message(at, message) for at, message in enumerate(messages)]


def _message(at: int, message: ChatMessage) -> Wire:
    parts: list[Wire] = []
    calls: list[Wire] = []
    for block in message.blocks:
        if isinstance(block, ToolCallBlock):
            calls.append(_tool_call(block))
        elif not isinstance(block, ThinkingBlock):
            parts.append(_part(at, block))
    wire: Wire = {"role": _ROLES.get(message.role, message.role.value), "content": _joined(parts)}
    calls = calls or message.additional_kwargs.get("tool_calls") or []
    if calls:
        wire["tool_calls"] = calls
        wire["content"] = wire["content"] or None
    for name in ("tool_call_id", "name"):
        if name in message.additional_kwargs:
            wire[name] = message.additional_kwargs[name]
    return wire


def _joined(parts: list[Wire]) -> str | list[Wire]:
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _part(at: int, block: ContentBlock) -> Wire:
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text}
    if isinstance(block, ImageBlock):
        return {"type": "image_url", "image_url": {"url": _image_url(block)}}
    if isinstance(block, AudioBlock):
        data = block.resolve_audio(as_base64=True).read().decode()
        return {"type": "input_audio", "input_audio": {"data": data, "format": block.format}}
    raise ConfigurationError(
        f"messages[{at}] has a {type(block).__name__}, which cannot be sent yet"
    )


def _image_url(block: ImageBlock) -> str:
    if block.url and not block.image:
        return str(block.url)
    data = block.resolve_image(as_base64=True).read().decode()
    return f"data:{block.image_mimetype or 'image/png'};base64,{data}"


def _tool_call(block: ToolCallBlock) -> Wire:
    arguments = block.tool_kwargs
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {
        "id": block.tool_call_id,
        "type": "function",
        "function": {"name": block.tool_name, "arguments": text},
    }


def blocks_of(text: str, reasoning: str, calls: Sequence[Wire]) -> list[ContentBlock]:
    """The blocks of an answer: what was thought, what was said, which tools are called."""
    blocks: list[ContentBlock] = []
    if reasoning:
        blocks.append(ThinkingBlock(content=reasoning))
    if text or not calls:
        blocks.append(TextBlock(text=text))
    blocks += [
        ToolCallBlock(
            tool_call_id=call.get("id"),
            tool_name=call["function"].get("name") or "",
            tool_kwargs=call["function"].get("arguments") or "{}",
        )
        for call in calls
    ]
    return blocks


def counts(usage: Wire | None) -> dict[str, Any]:
    """Token counts where LlamaIndex's own counter looks for them."""
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {name: usage[name] for name in names if name in usage} if usage else {}


def chat_response(reply: Chunk) -> ChatResponse:
    """A whole reply."""
    message = reply.wire["choices"][0].get("message") or {}
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    blocks = blocks_of(message.get("content") or "", reasoning, message.get("tool_calls") or ())
    return ChatResponse(
        message=ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks),
        raw=reply,
        additional_kwargs=counts(reply.wire.get("usage")),
    )


class Growing:
    """An answer that grows chunk by chunk; what was handed out before never changes."""

    def __init__(self) -> None:
        self._text = ""
        self._reasoning = ""
        self._calls: dict[int, Wire] = {}

    def add(self, chunk: Chunk) -> ChatResponse:
        """Take in a chunk and return the answer as far as it is known."""
        choices = chunk.wire.get("choices")
        delta = (choices[0].get("delta") or {}) if choices else {}
        text = delta.get("content") or ""
        reasoning = delta.get("reasoning_content") or delta.get("reasoning") or ""
        self._text += text
        self._reasoning += reasoning
        for call in delta.get("tool_calls") or ():
            self._grow(call)
        extra = counts(chunk.wire.get("usage"))
        if reasoning:
            extra["thinking_delta"] = reasoning
        calls = [self._calls[at] for at in sorted(self._calls)]
        blocks = blocks_of(self._text, self._reasoning, calls)
        return ChatResponse(
            message=ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks),
            delta=text,
            raw=chunk,
            additional_kwargs=extra,
        )

    def _grow(self, part: Wire) -> None:
        at = part.get("index") or 0
        known = self._calls.setdefault(at, {"id": None, "function": {"name": "", "arguments": ""}})
        function = part.get("function") or {}
        known["id"] = part.get("id") or known["id"]
        known["function"] = {
            "name": known["function"]["name"] + (function.get("name") or ""),
            "arguments": known["function"]["arguments"] + (function.get("arguments") or ""),
        }
