"""A provider that costs its caller nothing but the wire: it answers in each dialect what was made beforehand.

Raw asyncio on purpose, so that the server keeps up with the fastest client on the other core. Under `/burst` a stream
comes as one write, under `/drip` as one write and one HTTP chunk for each event.
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from answers import Answer, answers

_BY_PATH = (
    (b"/messages", "anthropic"),
    (b"/responses", "responses"),
    (b"enerateContent", "gemini"),
    (b"/converse", "bedrock"),
)
"""What gives a dialect away; `streamGenerateContent` has a capital."""

_STREAMS = (b"/converse-stream", b":streamGenerateContent")
"""Paths of streams, where the body does not say it."""


class _Provider(asyncio.Protocol):
    """One connection. Requests come one after the other, as no client here pipelines."""

    def __init__(self, prepared: dict[tuple[str, bool, bool], Answer]) -> None:
        self._answers = prepared
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
        dialect = next((name for part, name in _BY_PATH if part in path), "openai")
        streams = any(part in path for part in _STREAMS) or (
            b'"stream":true' in body or b'"stream": true' in body
        )
        self._write(self._answers[dialect, streams, path.startswith(b"/drip")])

    def _write(self, pieces: Answer) -> None:
        if len(pieces) > 1:
            task = asyncio.ensure_future(self._drip(pieces))
            self._dripping.add(task)
            task.add_done_callback(self._dripping.discard)
        elif self._transport:
            self._transport.write(pieces[0])

    async def _drip(self, pieces: Answer) -> None:
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
    prepared = answers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Provider(prepared), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
