"""A chat completion as a response.

Source: OpenAI, "API reference", "The response object".
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from genai_integrations.apis.carried import kept_of, sealed, sealed_thought
from genai_integrations.apis.said import Block, beside, blocks_of, first_choice
from genai_integrations.calls.wire import Wire
from genai_integrations.transports.openai.responses.output import KEPT

_ECHOED: Mapping[str, object] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, and what stands there for what was left out."""

_INCOMPLETE: Mapping[object, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}


def response_of(wire: Mapping[str, Any], body: Mapping[str, Any]) -> Wire:
    """The response that a reply is.

    Args:
        wire: The reply.
        body: What was asked, as the caller wrote it.
    """
    choice = first_choice(wire)
    message: Wire = choice.get("message") or {}
    head = head_of(wire, body)
    kept = beside(message, KEPT)
    output = kept if isinstance(kept, list) else output_of(message, head["id"])
    logprobs = (choice.get("logprobs") or {}).get("content")
    if logprobs and not isinstance(kept, list):
        _add_logprobs(output, logprobs)
    return ended(head, output, choice.get("finish_reason"), wire.get("usage"))


def head_of(wire: Mapping[str, Any], body: Mapping[str, Any]) -> Wire:
    """A response that has just begun."""
    echoed = {
        name: body[name] if body.get(name) is not None else value for name, value in _ECHOED.items()
    }
    made = wire.get("created")
    identity = str(wire.get("id") or uuid.uuid4().hex)
    return {
        "id": identity if identity.startswith("resp_") else f"resp_{identity}",
        "object": "response",
        "created_at": made if isinstance(made, int) else int(time.time()),
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": wire.get("model") or body.get("model"),
        "output": [],
        "previous_response_id": None,
        "service_tier": wire.get("service_tier") or "default",
        "store": False,
        "usage": None,
        **echoed,
    }


def ended(head: Wire, output: list[Wire], finish: object, usage: object) -> Wire:
    """The response at its end.

    Args:
        head: As it began.
        output: Its items.
        finish: The finish reason of the chat.
        usage: The tokens of the chat.
    """
    why = _INCOMPLETE.get(finish) if isinstance(finish, str) else None
    return {
        **head,
        "status": "incomplete" if why else "completed",
        "completed_at": None if why else int(time.time()),
        "incomplete_details": {"reason": why} if why else None,
        "output": output,
        "usage": usage_of(usage),
    }


def output_of(message: Mapping[str, Any], identity: str) -> list[Wire]:
    """The items of a whole message: thoughts, what was said, and the calls.

    Args:
        message: The chat's.
        identity: Of the response; ids of items are made of it.
    """
    blocks = blocks_of(message)
    items = [item_of(block, item_id(block, identity)) for block in blocks]
    kept = kept_of(message)
    return [sealed_item(kept, len(items), identity), *items] if kept else items


def sealed_item(kept: Mapping[str, object], number: int, identity: str) -> Wire:
    """A thought of which nothing can be read, that holds what another provider wants back."""
    own = item_id(Block("thought", number=number), identity)
    return {"id": own, "type": "reasoning", "summary": [], "encrypted_content": sealed(kept)}


_PREFIXES: Mapping[str, str] = {"call": "fc", "custom": "ctc", "sealed": "rs", "thought": "rs"}


def item_id(block: Block, identity: str) -> str:
    """The id of an item."""
    return (
        f"{_PREFIXES.get(block.kind, 'msg')}{OURS}{identity.removeprefix('resp_')}_{block.number}"
    )


OURS = "_genai_"
"""In ids of items that were made here: no provider knows them."""


def item_of(block: Block, identity: str, status: str = "completed") -> Wire:
    """The item that a block is, as far as it came."""
    if block.kind in ("sealed", "thought"):
        return {"id": identity, "type": "reasoning", **_thought(block)}
    if block.kind in ("call", "custom"):
        is_call = block.kind == "call"
        text = block.text or ("{}" if is_call and status == "completed" else "")
        return {
            "id": identity,
            "type": "function_call" if is_call else "custom_tool_call",
            "status": status,
            "arguments" if is_call else "input": text,
            "call_id": block.identity,
            "name": block.name,
        }
    content = [part_of(block)] if block.pieces else []
    return {
        "id": identity,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _thought(block: Block) -> Wire:
    """A thought as its summary, with the signature that a provider knows it by in what is called encrypted content."""
    if block.kind == "sealed":
        data = {"type": "redacted_thinking", "data": block.text}
        return {"summary": [], "encrypted_content": sealed_thought(data)}
    said: Wire = {"summary": [{"type": "summary_text", "text": block.text}] if block.pieces else []}
    if block.signature:
        own = {"type": "thinking", "thinking": block.text, "signature": block.signature}
        said["encrypted_content"] = sealed_thought(own)
    return said


def part_of(block: Block, *, empty: bool = False) -> Wire:
    """The part of a message that a block is; as a stream begins it, if it is to be empty."""
    text = "" if empty else block.text
    if block.kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _add_logprobs(output: list[Wire], logprobs: list[Wire]) -> None:
    for item in output:
        if item["type"] == "message":
            item["content"][0]["logprobs"] = logprobs
            return


def usage_of(told: object) -> Wire:
    """The tokens by the Responses API's names."""
    usage = told if isinstance(told, dict) else {}
    inputs, outputs = (
        found if isinstance(found := usage.get(name), dict) else {}
        for name in ("prompt_tokens_details", "completion_tokens_details")
    )
    prompt, answered = (_count(usage.get(n)) for n in ("prompt_tokens", "completion_tokens"))
    return {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": _count(inputs.get("cached_tokens")),
            "cache_write_tokens": _count(inputs.get("cache_creation_tokens")),
        },
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": _count(outputs.get("reasoning_tokens"))},
        "total_tokens": prompt + answered,
    }


def _count(number: object) -> int:
    return int(number) if isinstance(number, (int, float)) else 0
