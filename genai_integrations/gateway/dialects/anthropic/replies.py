"""A chat completion as Anthropic's message.

Source: platform.claude.com, "Messages API", "Handling stop reasons" and "Prompt caching".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from genai_integrations.apis.carried import kept_of, sealed
from genai_integrations.apis.said import (
    Block,
    arguments_of,
    beside,
    blocks_of,
    first_choice,
)
from genai_integrations.calls.wire import Wire
from genai_integrations.transports.anthropic.replies import CONTENT

_REASONS: Mapping[object, str] = {
    "content_filter": "refusal",
    "function_call": "tool_use",
    "length": "max_tokens",
    "stop": "end_turn",
    "tool_calls": "tool_use",
}
_OWN_REASONS = frozenset(
    (
        "end_turn",
        "max_tokens",
        "model_context_window_exceeded",
        "pause_turn",
        "refusal",
        "stop_sequence",
        "tool_use",
    )
)
"""Words of Anthropic's, which a reply that came from a Claude still has."""

_THOUGHTS = ("thought", "sealed")


def message_of(wire: Mapping[str, Any], model: str, *, thinks: bool) -> Wire:
    """The message that a reply is.

    Args:
        wire: The reply.
        model: The name that was asked for, where the reply has none.
        thinks: Whether the caller asked for thinking. Who did not reads the first block as the answer.
    """
    choice = first_choice(wire)
    said: Wire = choice.get("message") or {}
    whole = beside(said, CONTENT)
    blocks = blocks_of(said)
    if isinstance(whole, list):
        content = whole if thinks else [row for row in whole if not _is_thought(row)]
    else:
        content = [block_of(block) for block in shown(blocks, thinks=thinks)]
        content += sealed_in(said) if thinks else ()
    reason = stop_reason(choice, calls=any(block.kind in _CALLS for block in blocks))
    return {
        **head_of(wire, model),
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage_of(wire.get("usage")),
    }


_CALLS = ("call", "custom")


def _is_thought(block: object) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    return kind in ("thinking", "redacted_thinking")


def head_of(wire: Mapping[str, Any], model: str) -> Wire:
    """What a message has before its content."""
    identity = str(wire.get("id") or uuid.uuid4().hex)
    return {
        "id": identity if identity.startswith("msg_") else f"msg_{identity}",
        "type": "message",
        "role": "assistant",
        "model": wire.get("model") or model,
    }


def shown(blocks: list[Block], *, thinks: bool) -> list[Block]:
    """The blocks that a caller is shown."""
    return blocks if thinks else [block for block in blocks if block.kind not in _THOUGHTS]


def block_of(block: Block) -> Wire:
    """A block that is whole."""
    if block.kind in _CALLS:
        return {**opening_of(block), "input": arguments_of(block)}
    if block.kind == "thought":
        return {"type": "thinking", "thinking": block.text, "signature": block.signature}
    if block.kind == "sealed":
        return {"type": "redacted_thinking", "data": block.text}
    return {"type": "text", "text": block.text}


def opening_of(block: Block) -> Wire:
    """A block as a stream begins it, empty."""
    if block.kind in _CALLS:
        return {"type": "tool_use", "id": block.identity, "name": block.name, "input": {}}
    if block.kind == "thought":
        return {"type": "thinking", "thinking": "", "signature": ""}
    if block.kind == "sealed":
        return {"type": "redacted_thinking", "data": block.text}
    return {"type": "text", "text": ""}


def sealed_in(message: Mapping[str, Any]) -> list[Wire]:
    """The block that holds what another provider wants back; none if it wants nothing."""
    kept = kept_of(message)
    return [{"type": "redacted_thinking", "data": sealed(kept)}] if kept else []


def stop_reason(choice: Mapping[str, Any], *, calls: bool) -> str:
    """Why it ended, in Anthropic's word; a call is always waited for."""
    native = choice.get("native_finish_reason")
    if isinstance(native, str) and native in _OWN_REASONS:
        return native
    reason = choice.get("finish_reason")
    if calls and reason in (None, "stop"):
        return "tool_use"
    return _REASONS.get(reason, "end_turn") if isinstance(reason, str) else "end_turn"


def usage_of(told: object) -> Wire:
    """The tokens by Anthropic's names: its input is what was neither read from a cache nor written to one."""
    usage = told if isinstance(told, dict) else {}
    details = usage.get("prompt_tokens_details")
    inputs = details if isinstance(details, dict) else {}
    read, written = (_count(inputs.get(n)) for n in ("cached_tokens", "cache_creation_tokens"))
    said: Wire = {
        "input_tokens": max(_count(usage.get("prompt_tokens")) - read - written, 0),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": _count(usage.get("completion_tokens")),
    }
    if isinstance(kinds := inputs.get("cache_creation_token_details"), dict):
        said["cache_creation"] = kinds
    outputs = usage.get("completion_tokens_details")
    thought = outputs.get("reasoning_tokens") if isinstance(outputs, dict) else None
    if isinstance(thought, int):
        said["output_tokens_details"] = {"thinking_tokens": thought}
    if isinstance(tools := usage.get("server_tool_use"), dict):
        said["server_tool_use"] = tools
    return said


def _count(number: object) -> int:
    return int(number) if isinstance(number, (int, float)) else 0
