"""What the server answers, in each dialect: made before the first request, so that answering costs nothing.

Shapes and sizes are those of the providers' documentation; texts are the same in all, so that a chunk is a word.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

CHUNKS = 200
"""Chunks with content in every stream."""

_WORDS = ("The ", "quick ", "brown ", "fox ", "jumps ", "over ", "the ", "lazy ", "dog", ". ")
_TEXT = "".join(_WORDS[at % len(_WORDS)] for at in range(60))
_DELTAS = [_WORDS[at % len(_WORDS)] for at in range(CHUNKS)]
_HEADERS = {
    "date": "Sat, 21 Nov 2026 12:00:00 GMT",
    "connection": "keep-alive",
    "access-control-expose-headers": "X-Request-ID",
    "openai-organization": "org-0123456789abcdef",
    "openai-processing-ms": "412",
    "openai-project": "proj_0123456789abcdefghijklmn",
    "openai-version": "2020-10-01",
    "x-envoy-upstream-service-time": "430",
    "x-ratelimit-limit-requests": "30000",
    "x-ratelimit-limit-tokens": "150000000",
    "x-ratelimit-remaining-requests": "29999",
    "x-ratelimit-remaining-tokens": "149999967",
    "x-ratelimit-reset-requests": "2ms",
    "x-ratelimit-reset-tokens": "0s",
    "x-request-id": "req_0123456789abcdef0123456789abcdef",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "cf-cache-status": "DYNAMIC",
    "x-content-type-options": "nosniff",
    "server": "cloudflare",
    "cf-ray": "9f0123456789abcd-ICN",
}

Answer = list[bytes]
"""What to write, one after the other."""


def answers() -> dict[tuple[str, bool, bool], Answer]:
    """By the dialect, whether it is a stream, and whether it is dripped."""
    found = {}
    for dialect, (reply, events, kind) in _SPOKEN.items():
        for drip in (False, True):
            found[dialect, False, drip] = _whole(reply())
            found[dialect, True, drip] = _stream(events(), kind, drip=drip)
    return found


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _head(framing: str, kind: str) -> bytes:
    rows = {"content-type": kind, **_HEADERS}
    lines = "".join(f"{name}: {value}\r\n" for name, value in rows.items())
    return f"HTTP/1.1 200 OK\r\n{lines}{framing}\r\n\r\n".encode()


def _whole(value: Any) -> Answer:
    body = _json(value)
    return [_head(f"content-length: {len(body)}", "application/json") + body]


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _stream(events: Sequence[bytes], kind: str, *, drip: bool) -> Answer:
    head = _head("transfer-encoding: chunked", kind)
    if drip:
        return [head, *map(_framed, events), b"0\r\n\r\n"]
    return [head + _framed(b"".join(events)) + b"0\r\n\r\n"]


def _named(rows: Sequence[dict[str, Any]]) -> list[bytes]:
    return [b"event: %b\ndata: %b\n\n" % (row["type"].encode(), _json(row)) for row in rows]


def _openai_reply() -> dict[str, Any]:
    message = {"role": "assistant", "content": _TEXT, "refusal": None, "annotations": []}
    return {
        "id": "chatcmpl-BenchmarkBenchmarkBenchmark00",
        "object": "chat.completion",
        "created": 1795262400,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 42,
            "completion_tokens": CHUNKS,
            "total_tokens": 42 + CHUNKS,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }


def _openai_events() -> list[bytes]:
    head = {**_openai_reply(), "object": "chat.completion.chunk"}
    counted = head["usage"]

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: %b\n\n" % _json({**head, "choices": [choice], "usage": None})

    words = [event({"content": word}) for word in _DELTAS]
    usage = b"data: %b\n\n" % _json({**head, "choices": [], "usage": counted})
    first = event({"role": "assistant", "content": "", "refusal": None})
    return [first, *words, event({}, "stop"), usage, b"data: [DONE]\n\n"]


def _anthropic_reply() -> dict[str, Any]:
    return {
        "id": "msg_01Benchmark",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": _TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 42,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": CHUNKS,
            "service_tier": "standard",
        },
    }


def _anthropic_events() -> list[bytes]:
    opened = {**_anthropic_reply(), "content": [], "stop_reason": None}
    block = {"type": "content_block_delta", "index": 0}
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    return _named(
        [
            {"type": "message_start", "message": opened},
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "text", "text": ""},
            },
            *({**block, "delta": {"type": "text_delta", "text": word}} for word in _DELTAS),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": ending, "usage": {"output_tokens": CHUNKS}},
            {"type": "message_stop"},
        ]
    )


def _responses_reply() -> dict[str, Any]:
    text = {"type": "output_text", "annotations": [], "logprobs": [], "text": _TEXT}
    message = {
        "id": "msg_0123456789abcdef",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [text],
    }
    return {
        "id": "resp_0123456789abcdef",
        "object": "response",
        "created_at": 1795262400,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": "gpt-4o-mini-2024-07-18",
        "output": [message],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 42,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": CHUNKS,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 42 + CHUNKS,
        },
        "user": None,
    }


def _responses_events() -> list[bytes]:
    done = _responses_reply()
    begun = {**done, "status": "in_progress", "output": [], "usage": None}
    message = done["output"][0]
    text = message["content"][0]
    place = {"item_id": message["id"], "output_index": 0, "content_index": 0}
    rows = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**message, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": {**text, "text": ""}},
        *(
            {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []}
            for word in _DELTAS
        ),
        {"type": "response.output_text.done", **place, "text": _TEXT, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": text},
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.completed", "response": done},
    ]
    return _named([{**row, "sequence_number": number} for number, row in enumerate(rows)])


def _gemini_reply(text: str = _TEXT, finish: str | None = "STOP") -> dict[str, Any]:
    candidate: dict[str, Any] = {
        "content": {"parts": [{"text": text}], "role": "model"},
        "index": 0,
    }
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 42,
            "candidatesTokenCount": CHUNKS,
            "totalTokenCount": 42 + CHUNKS,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 42}],
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "0123456789abcdefghijkl",
    }


def _gemini_events() -> list[bytes]:
    rows = [_gemini_reply(word, None) for word in _DELTAS[:-1]]
    return [b"data: %b\r\n\r\n" % _json(row) for row in (*rows, _gemini_reply(_DELTAS[-1]))]


def _bedrock_reply() -> dict[str, Any]:
    return {
        "metrics": {"latencyMs": 412},
        "output": {"message": {"content": [{"text": _TEXT}], "role": "assistant"}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 42, "outputTokens": CHUNKS, "totalTokens": 42 + CHUNKS},
    }


def _bedrock_events() -> list[bytes]:
    usage = _bedrock_reply()["usage"]
    block = {"contentBlockIndex": 0, "p": "abcdefghijklmnopqrstuvwxyz"}
    return [
        _message("messageStart", {"p": "abcdefghijkl", "role": "assistant"}),
        *(_message("contentBlockDelta", {**block, "delta": {"text": word}}) for word in _DELTAS),
        _message("contentBlockStop", block),
        _message("messageStop", {"p": "abcdefghijkl", "stopReason": "end_turn"}),
        _message("metadata", {"metrics": {"latencyMs": 412}, "p": "abcdef", "usage": usage}),
    ]


def _message(kind: str, value: dict[str, Any]) -> bytes:
    """One message of AWS's event stream: smithy.io, "Amazon Event Stream Specification"."""
    rows = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", 7, len(text))
        + text.encode()
        for name, text in rows.items()
    )
    payload = _json(value)
    lengths = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    message = lengths + struct.pack("!I", crc32(lengths)) + headers + payload
    return message + struct.pack("!I", crc32(message))


_SSE = "text/event-stream; charset=utf-8"
_SPOKEN: dict[str, tuple[Callable[[], Any], Callable[[], list[bytes]], str]] = {
    "openai": (_openai_reply, _openai_events, _SSE),
    "anthropic": (_anthropic_reply, _anthropic_events, _SSE),
    "responses": (_responses_reply, _responses_events, _SSE),
    "gemini": (_gemini_reply, _gemini_events, _SSE),
    "bedrock": (_bedrock_reply, _bedrock_events, "application/vnd.amazon.eventstream"),
}
