"""The head of an answer and its body in one packet: writing to a socket is the dearest thing that an answer takes."""

from __future__ import annotations

import asyncio
from typing import Any


class HeadFirst:
    """A transport that keeps an answer's head back until its body is written, which follows in the same turn of the loop.

    Where none follows, the head goes out in the next turn. All else is the transport's own.

    Args:
        transport: The connection's.
        loop: Whose turns count.
    """

    __slots__ = ("_expects_head", "_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._expects_head = False
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def expect_head(self) -> None:
        """What is written next is the head of an answer."""
        self._expects_head = True

    def write(self, data: bytes) -> None:
        """Write, behind a head that was kept back."""
        if self._expects_head:
            self._expects_head = False
            self._head = data
            self._loop.call_soon(self._flush)
        elif self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Close, once all is written."""
        self._flush()
        self._transport.close()

    def get_write_buffer_size(self) -> int:
        """Bytes that are not sent yet."""
        return self._transport.get_write_buffer_size() + len(self._head)

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
