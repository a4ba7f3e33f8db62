"""LangChain messages to OpenAI's wire shape."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from genai_integrations.calls.attachments import shown_by_users
from genai_integrations.calls.extras import give_back
from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain.content import is_plain, parts

Wire = dict[str, Any]

_ROLES: dict[type[BaseMessage], str] = {
    HumanMessage: "user",
    SystemMessage: "system",
    AIMessage: "assistant",
    ToolMessage: "tool",
    FunctionMessage: "function",
}

_NAMED_ROLES = {
    "human": "user",
    "ai": "assistant",
    **{role: role for role in ("user", "assistant", "system", "developer", "tool", "function")},
}
"""Roles that a `ChatMessage` may name."""


def to_wire(messages: Sequence[BaseMessage]) -> list[Wire]:
    """Convert a conversation.

    Raises:
        ConfigurationError: A message cannot be sent; the text says which.
    """
    answered = _Answered(messages)
    wire = [_message(at, message, answered) for at, message in enumerate(messages)]
    # Only a list has pictures in it, and most conversations have none.
    return shown_by_users(wire) if any(isinstance(row["content"], list) for row in wire) else wire


class _Answered:
    """The calls that have a result, looked up only where an invalid call asks."""

    def __init__(self, messages: Iterable[BaseMessage]) -> None:
        self._messages = messages
        self._ids: frozenset[str] | None = None

    def __contains__(self, identity: str | None) -> bool:
        if self._ids is None:
            found = (row.tool_call_id for row in self._messages if isinstance(row, ToolMessage))
            self._ids = frozenset(found)
        return identity in self._ids


def _message(at: int, message: BaseMessage, answered: _Answered) -> Wire:
    role = _role(at, message)
    said = message.content
    content = said if isinstance(said, str) else parts(said, f"messages[{at}].content")
    wire: Wire = {"role": role, "content": content}
    if isinstance(message, AIMessage):
        _complete_answer(wire, message, at, answered)
    elif isinstance(message, ToolMessage):
        wire["tool_call_id"] = message.tool_call_id
        if message.status == "error":
            # Anthropic's word for it; whose API has none gets the text alone.
            wire["is_error"] = True
    if role != "user":
        wire["content"] = _flat(wire["content"], role)
    if message.name and role != "tool":
        wire["name"] = message.name
    return wire


def _role(at: int, message: BaseMessage) -> str:
    if isinstance(message, ChatMessage):
        role = _NAMED_ROLES.get(message.role)
        if role is None:
            raise ConfigurationError(
                f"messages[{at}] has the role {message.role!r}, which no model knows: "
                f"use {', '.join(_NAMED_ROLES)}"
            )
        return role
    for kind, role in _ROLES.items():
        if isinstance(message, kind):
            # `developer` is a system message that says so, as langchain-openai reads it too.
            return str(message.additional_kwargs.get("__openai_role__", role))
    raise ConfigurationError(
        f"messages[{at}] is a {type(message).__name__}, which no model takes: use HumanMessage, "
        "AIMessage, SystemMessage, ToolMessage or ChatMessage"
    )


def _flat(content: str | list[Wire] | None, role: str) -> str | list[Wire] | None:
    """Text alone is sent as text: many servers take lists of parts from users only."""
    if not isinstance(content, list) or not all(map(is_plain, content)):
        return content
    if role == "assistant" or len(content) <= 1:
        return "".join(part["text"] for part in content)
    return content


def _complete_answer(wire: Wire, message: AIMessage, at: int, answered: _Answered) -> None:
    """What an assistant's message has beside its content."""
    kept = message.additional_kwargs
    calls = [
        _call(call, f"messages[{at}].tool_calls[{n}]") for n, call in enumerate(_calls(message))
    ]
    calls += [_invalid(call) for call in message.invalid_tool_calls if call["id"] in answered]
    thinking = _thinking(message)
    if thinking:
        wire["thinking_blocks"] = thinking
    elif calls and kept.get("reasoning_content"):
        # DeepSeek wants its reasoning back with the calls that came of it, and refuses it elsewhere.
        wire["reasoning_content"] = kept["reasoning_content"]
    if calls:
        wire["tool_calls"] = calls
        wire["content"] = wire["content"] or None
    elif kept.get("function_call"):
        wire["function_call"] = kept["function_call"]
        wire["content"] = wire["content"] or None
    give_back(kept, wire)
    audio = kept.get("audio")
    if isinstance(audio, Mapping) and audio.get("id"):
        wire["audio"] = {"id": audio["id"]}


def _calls(message: AIMessage) -> list[ToolCall]:
    """Tool calls of a message, those included that only its content has."""
    calls = list(message.tool_calls)
    if not isinstance(message.content, list):
        return calls
    known = {call["id"] for call in calls}
    for block in message.content:
        if not isinstance(block, dict) or block.get("type") not in ("tool_call", "tool_use"):
            continue
        if block.get("id") not in known:
            calls.append(_from_block(block))
    return calls


def _from_block(block: dict[str, Any]) -> ToolCall:
    arguments = block.get("args", block.get("input")) or {}
    return ToolCall(name=block.get("name") or "", args=arguments, id=block.get("id"))


def _call(call: ToolCall, where: str) -> Wire:
    for key in ("name", "id"):
        if not call.get(key):
            raise ConfigurationError(f"{where} has no {key}")
    try:
        arguments = json.dumps(call["args"], ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where}.args cannot be written as JSON: {error}") from None
    return _tool_call(call["id"], call["name"], arguments)


def _invalid(call: InvalidToolCall) -> Wire:
    return _tool_call(call["id"], call["name"] or "unknown", call["args"] or "")


def _tool_call(identity: str | None, name: str, arguments: str) -> Wire:
    return {
        "id": identity,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _thinking(message: AIMessage) -> list[Wire]:
    """Reasoning that its provider signed, to be given back unchanged."""
    kept = message.additional_kwargs.get("thinking_blocks")
    if kept:
        return [{key: block[key] for key in block if key != "index"} for block in kept]
    if not isinstance(message.content, list):
        return []
    found = (_signed(block) for block in message.content if isinstance(block, dict))
    return [block for block in found if block]


def _signed(block: Mapping[str, Any]) -> Wire | None:
    """A block in Anthropic's form, from that form or from LangChain's; None if nobody signed it."""
    kind = block.get("type")
    if kind == "redacted_thinking":
        return {"type": kind, "data": block.get("data")}
    if kind == "non_standard" and isinstance(block.get("value"), Mapping):
        return _signed(block["value"])
    if kind not in ("thinking", "reasoning"):
        return None
    signature = block.get("signature") or (block.get("extras") or {}).get("signature")
    text = block.get("thinking", block.get("reasoning"))
    if not signature or not isinstance(text, str):
        return None
    return {"type": "thinking", "thinking": text, "signature": signature}
