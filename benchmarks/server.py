"""A provider that costs its caller nothing but the wire: every answer is made before the first request.

Raw asyncio on purpose, so that the server keeps up with the fastest client on the other core. It answers in
OpenAI's and in Anthropic's dialect. Under `/burst` a stream comes as one write, under `/drip` as one write
and one HTTP chunk for each event.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Sequence
from typing import Any, cast

CHUNKS = 200
"""Chunks with content in every stream."""

_WORDS = ("The ", "quick ", "brown ", "fox ", "jumps ", "over ", "the ", "lazy ", "dog", ". ")
_TEXT = "".join(_WORDS[at % len(_WORDS)] for at in range(60))
_USAGE = {
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
}
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


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _head(framing: str, kind: str) -> bytes:
    rows = {"content-type": kind, **_HEADERS}
    lines = "".join(f"{name}: {value}\r\n" for name, value in rows.items())
    return f"HTTP/1.1 200 OK\r\n{lines}{framing}\r\n\r\n".encode()


def _whole(value: Any) -> list[bytes]:
    body = _json(value)
    return [_head(f"content-length: {len(body)}", "application/json") + body]


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _stream(events: Sequence[bytes], *, drip: bool) -> list[bytes]:
    head = _head("transfer-encoding: chunked", "text/event-stream; charset=utf-8")
    if drip:
        return [head, *map(_framed, events), b"0\r\n\r\n"]
    return [head + _framed(b"".join(events)) + b"0\r\n\r\n"]


def _openai_reply() -> dict[str, Any]:
    message = {"role": "assistant", "content": _TEXT, "refusal": None, "annotations": []}
    return {
        "id": "chatcmpl-BenchmarkBenchmarkBenchmark00",
        "object": "chat.completion",
        "created": 1795262400,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }


def _openai_events() -> list[bytes]:
    head = {**_openai_reply(), "object": "chat.completion.chunk"}

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: %b\n\n" % _json({**head, "choices": [choice], "usage": None})

    words = [event({"content": _WORDS[at % len(_WORDS)]}) for at in range(CHUNKS)]
    usage = b"data: %b\n\n" % _json({**head, "choices": [], "usage": _USAGE})
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
    reply = _anthropic_reply()
    opened = {**reply, "content": [], "stop_reason": None, "usage": {**reply["usage"]}}
    rows: list[dict[str, Any]] = [
        {"type": "message_start", "message": opened},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": _WORDS[at % len(_WORDS)]},
            }
            for at in range(CHUNKS)
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": CHUNKS},
        },
        {"type": "message_stop"},
    ]
    return [b"event: %b\ndata: %b\n\n" % (row["type"].encode(), _json(row)) for row in rows]


def _answers() -> dict[tuple[bool, bool, bool], list[bytes]]:
    """What to write, by whether it is Anthropic's dialect, a stream, and dripped."""
    found = {}
    for anthropic, reply, events in (
        (False, _openai_reply(), _openai_events()),
        (True, _anthropic_reply(), _anthropic_events()),
    ):
        for drip in (False, True):
            found[anthropic, False, drip] = _whole(reply)
            found[anthropic, True, drip] = _stream(events, drip=drip)
    return found


class _Provider(asyncio.Protocol):
    """One connection. Requests come one after the other, as no client here pipelines."""

    def __init__(self, answers: dict[tuple[bool, bool, bool], list[bytes]]) -> None:
        self._answers = answers
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._dripping: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = bytes(self._received).partition(b"\r\n\r\n")
        if not gap or len(body) < _length(head):
            return
        self._received.clear()
        path = head.split(b" ", 2)[1]
        streams = b'"stream":true' in body or b'"stream": true' in body
        self._write(self._answers[b"/messages" in path, streams, path.startswith(b"/drip")])

    def _write(self, pieces: list[bytes]) -> None:
        if len(pieces) > 1:
            task = asyncio.ensure_future(self._drip(pieces))
            self._dripping.add(task)
            task.add_done_callback(self._dripping.discard)
        elif self._transport:
            self._transport.write(pieces[0])

    async def _drip(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            if self._transport is None or self._transport.is_closing():
                return
            self._transport.write(piece)
            await asyncio.sleep(0)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def _serve() -> None:
    answers = _answers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Provider(answers), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
