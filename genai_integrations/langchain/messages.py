"""LangChain messages to OpenAI's wire shape."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.block_translators.openai import convert_to_openai_data_block
from langchain_core.messages.content import is_data_content_block

from genai_integrations.errors import ConfigurationError

Wire = dict[str, Any]

_ROLES: dict[type[BaseMessage], str] = {
    HumanMessage: "user",
    SystemMessage: "system",
    AIMessage: "assistant",
    ToolMessage: "tool",
    FunctionMessage: "function",
}

_NOT_SENT = frozenset(("tool_use", "tool_call", "invalid_tool_call", "reasoning", "thinking"))
"""Blocks of an assistant's content that the wire has elsewhere, or does not take back."""


def to_wire(messages: Sequence[BaseMessage]) -> list[Wire]:
    """Convert a conversation.

    Raises:
        ConfigurationError: A message cannot be sent; the text says which.
    """
    return [_message(at, message) for at, message in enumerate(messages)]


def _message(at: int, message: BaseMessage) -> Wire:
    wire: Wire = {"role": _role(at, message), "content": _content(message.content)}
    if message.name:
        wire["name"] = message.name
    if isinstance(message, AIMessage):
        _add_tool_calls(wire, message)
    elif isinstance(message, ToolMessage):
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _role(at: int, message: BaseMessage) -> str:
    if isinstance(message, ChatMessage):
        return message.role
    for kind, role in _ROLES.items():
        if isinstance(message, kind):
            # `developer` is a system message that says so, as langchain-openai reads it too.
            return str(message.additional_kwargs.get("__openai_role__", role))
    raise ConfigurationError(
        f"messages[{at}] is a {type(message).__name__}, which no model takes: use HumanMessage, "
        "AIMessage, SystemMessage, ToolMessage or ChatMessage"
    )


def _content(content: str | list[Any]) -> str | list[Any]:
    if isinstance(content, str):
        return content
    parts = (_part(block) for block in content)
    return [part for part in parts if part is not None]


def _part(block: str | Wire) -> Wire | None:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if block.get("type") in _NOT_SENT:
        return None
    return convert_to_openai_data_block(block) if is_data_content_block(block) else block


def _add_tool_calls(wire: Wire, message: AIMessage) -> None:
    calls = [
        _tool_call(call["id"], call["name"], json.dumps(call["args"], ensure_ascii=False))
        for call in message.tool_calls
    ]
    calls += [
        _tool_call(call["id"], call["name"] or "", call["args"] or "")
        for call in message.invalid_tool_calls
    ]
    if calls:
        wire["tool_calls"] = calls
        wire["content"] = wire["content"] or None


def _tool_call(identity: str | None, name: str, arguments: str) -> Wire:
    return {
        "id": identity,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
