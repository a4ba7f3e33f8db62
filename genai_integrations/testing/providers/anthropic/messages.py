"""Messages in Anthropic's shape: whole, and as the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.testing.providers.anthropic.errors import dump
from genai_integrations.testing.providers.anthropic.script import WORDS, Draft
from genai_integrations.testing.providers.dialect import Piece

_FRAGMENT = 6
_DELTA_USAGE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
)


def message_of(draft: Draft, head: Mapping[str, Any], usage: Mapping[str, Any]) -> dict[str, Any]:
    """The whole message.

    Raises:
        ValueError: The arguments of a scripted tool call are no JSON, which only a stream can carry.
    """
    content = [
        {**block, "input": json.loads(block["input"] or "{}")} if "input" in block else block
        for block in draft.blocks
    ]
    return {**_message(head, usage), "content": content, **_end_of(draft), **draft.fields}


def pieces_of(draft: Draft, head: Mapping[str, object], usage: Mapping[str, object]) -> list[Piece]:
    """The message as the events of a stream, from `message_start` to `message_stop`."""
    started = {k: v for k, v in usage.items() if k != "output_tokens_details"}
    message = _message(head, {**started, "output_tokens": 1})
    pieces = [event("message_start", {"message": {**message, **draft.fields}})]
    for index, block in enumerate(draft.blocks):
        last = index == len(draft.blocks) - 1
        pieces += _block_pieces(index, block, draft.pieces, last=last)
    pieces.insert(2, event("ping", {}))
    counts = {name: usage[name] for name in _DELTA_USAGE if name in usage}
    closing = {"delta": _end_of(draft), "usage": counts}
    pieces.append(event("message_delta", closing, closing=True))
    pieces.append(event("message_stop", {}, closing=True))
    return pieces


def event(
    kind: str, fields: Mapping[str, Any], *, content: bool = False, closing: bool = False
) -> Piece:
    """One event of a stream, named twice as the API does."""
    return Piece(framed(kind, dump({"type": kind, **fields})), content, closing)


def framed(kind: str, data: bytes) -> bytes:
    """The lines of one event."""
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def _message(head: Mapping[str, object], usage: Mapping[str, object]) -> dict[str, object]:
    return {
        "model": head["model"],
        "id": head["id"],
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": usage,
    }


def _end_of(draft: Draft) -> dict[str, object]:
    details = {"type": "refusal", "category": None, "explanation": None}
    return {
        "stop_reason": draft.stop_reason,
        "stop_sequence": draft.stop_sequence,
        "stop_details": details if draft.stop_reason == "refusal" else None,
    }


def _block_pieces(
    index: int, block: Mapping[str, object], texts: Sequence[str] | None, *, last: bool
) -> Iterator[Piece]:
    opening, deltas = _parts_of(block, texts)
    at = {"index": index}
    is_call = block["type"] == "tool_use"
    yield event("content_block_start", {**at, "content_block": opening}, content=is_call)
    for delta in deltas:
        # A signature says nothing, and the first fragment of a call is empty.
        content = delta["type"] != "signature_delta" and delta.get("partial_json") != ""
        yield event("content_block_delta", {**at, "delta": delta}, content=content)
    yield event("content_block_stop", at, closing=last)


def _parts_of(
    block: Mapping[str, Any], texts: Sequence[str] | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a block opens, and the deltas that fill it."""
    match block["type"]:
        case "text":
            pieces = [text for text in texts if text] if texts else WORDS.findall(block["text"])
            return {**block, "text": ""}, [{"type": "text_delta", "text": text} for text in pieces]
        case "thinking":
            deltas = [
                {"type": "thinking_delta", "thinking": word}
                for word in WORDS.findall(block["thinking"])
            ]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {**block, "thinking": "", "signature": ""}, deltas
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            # A call without arguments has no fragment but the empty one.
            text = "" if block["input"] in {"", "{}"} else block["input"]
            fragments = [text[at : at + _FRAGMENT] for at in range(0, len(text), _FRAGMENT)]
            deltas = [
                {"type": "input_json_delta", "partial_json": each} for each in ["", *fragments]
            ]
            return {**block, "input": {}}, deltas
    return dict(block), []
