"""A provider behind gateways: it answers at once, in a burst, or ten times a second, by the model's name.

`plain` is a whole answer; `burst` a stream of 200 chunks in one write; `drip` one of 30 chunks, ten a second. Whatever is
not a chat completion is taken and thrown away, as what a gateway tells Langfuse. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import resource
from typing import cast

import uvloop

BURST, DRIP, PAUSE = 200, 30, 0.1


def _chunk(delta: dict[str, str], end: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": end}
    row = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**row, "choices": [choice]}).encode() + b"\n\n"


def _chunks(count: int) -> list[bytes]:
    first, last = _chunk({"role": "assistant", "content": ""}), _chunk({}, "stop")
    usage = {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": count + 5}
    told = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    end = b"data: " + json.dumps({**told, "choices": [], "usage": usage}).encode() + b"\n\n"
    words = [_chunk({"content": " word"}) for _ in range(count - 2)]
    return [first, *words, last + end + b"data: [DONE]\n\n"]


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"
_MESSAGE = {"role": "assistant", "content": "Hello! How can I help you today?"}
_REPLY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14},
    }
).encode()
_PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_REPLY),
    _REPLY,
)
_THROWN_AWAY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
_BURST = _STREAM + b"".join(map(_framed, _chunks(BURST))) + _END
_DRIPS = [*map(_framed, _chunks(DRIP))]


class _Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = bytes(self._received).partition(b"\r\n\r\n")
        if not gap or len(body) < _length(head) or self._transport is None:
            return
        self._received.clear()
        if b"chat/completions" not in head.partition(b"\r\n")[0]:
            self._transport.write(_THROWN_AWAY)
        elif b'"drip"' in body:
            self._transport.write(_STREAM)
            self._drip(0)
        else:
            self._transport.write(_BURST if b'"burst"' in body else _PLAIN)

    def _drip(self, at: int) -> None:
        if self._transport is None:
            return
        self._transport.write(_DRIPS[at] + (_END if at == DRIP - 1 else b""))
        if at < DRIP - 1:
            asyncio.get_running_loop().call_later(PAUSE, self._drip, at + 1)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


async def _serve() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Provider, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
