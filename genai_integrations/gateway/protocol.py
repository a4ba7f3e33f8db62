"""HTTP as uvicorn reads it with httptools, with bounds for what nobody else bounds: heads, silences and slow readers."""

from __future__ import annotations

import asyncio
from typing import Any, Self, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from genai_integrations.gateway.heads import HeadFirst
from genai_integrations.gateway.upgrades import Parser

MOST_HEAD = 64 << 10
"""Bytes of a request's line and headers."""

HEAD_TIME = 15.0
"""Seconds in which they must have arrived, from their first byte on."""

STALL_TIME = 60.0
"""Seconds for which a client may take nothing of an answer that is ready for it."""

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 22\r\nconnection: close\r\n\r\n"
    b"the headers are large\r\n"
)


class _UpToTheEnd(int):
    """In place of a `Content-Length`: the body ends with the connection.

    HTTP/1.0 knows no chunks, and uvicorn sends them all the same. Source: RFC 9112, 6.1.
    """

    def __lt__(self, other: int) -> bool:
        return False

    def __sub__(self, other: int) -> Self:
        return self


class BoundedProtocol(HttpToolsProtocol):
    """One connection of a client."""

    _head = 0
    _in_head = True
    _got_body = False
    _piece = 0
    _ended = 0
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser: Parser = Parser(self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came: it may be silent as long as one that has been answered."""
        self._heads = HeadFirst(transport, self.loop)
        self._is_closing = transport.is_closing
        super().connection_made(cast("asyncio.Transport", self._heads))
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._stop("_head_timer")
        self._stop("_stall_timer")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on. What came so far of a head is counted, since the parser keeps an endless line and says nothing."""
        ended, was_in_head = self._ended, self._in_head
        self._got_body = False
        self._piece = len(data)
        super().data_received(data)
        if self._is_closing():
            return
        if not self._in_head:
            if not was_in_head:
                self._count_frames(len(data))
            return
        # A piece that ended a request was its body: what began behind it is counted from the next piece on.
        self._head = self._head + len(data) if ended == self._ended else 0
        if self._head > MOST_HEAD:
            self._refuse_head()
        elif self._head and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIME, self.transport.abort)

    def _count_frames(self, size: int) -> None:
        """Count pieces that bring nothing of a body: the trailers behind its last chunk are kept as a head is."""
        self._head = 0 if self._got_body else self._head + size
        if self._head > MOST_HEAD:
            self._refuse_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        # What has come by now is more than the head, or as much.
        is_large = self._head + self._piece > MOST_HEAD
        self._head = 0
        if self._head_timer is not None:
            self._stop("_head_timer")
        if is_large and sum(map(_size, self.headers)) > MOST_HEAD:
            self._refuse_head()
            return
        self._heads.expect_head()
        super().on_headers_complete()
        if self.scope["http_version"] != "1.1":
            self.cycle.chunked_encoding = False
            self.cycle.expected_content_length = _UpToTheEnd()

    def on_message_complete(self) -> None:
        """The request is whole, and what follows is the head of another one."""
        if self.parser.has_offer():
            # Its body comes yet.
            return
        self._in_head = True
        self._ended += 1
        if not self._is_closing():
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._got_body = True
        if not self._is_closing():
            super().on_body(body)

    def pause_writing(self) -> None:
        """The client takes less than it is given."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALL_TIME, self.transport.abort)

    def resume_writing(self) -> None:
        """It took some."""
        self._stop("_stall_timer")
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came for a while. A client that does not take the end of an answer would never be closed in peace."""
        if not self.transport.is_closing():
            end: Any = self.transport.close
            if self.transport.get_write_buffer_size():
                end = self.transport.abort
            end()

    def _refuse_head(self) -> None:
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _stop(self, name: str) -> None:
        timer = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)


def _size(row: tuple[bytes, bytes]) -> int:
    """Bytes of one header."""
    return len(row[0]) + len(row[1])
