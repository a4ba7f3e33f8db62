"""An HTTP answer for event loops: its head, and its body, with its framing, taken in as the bytes come."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache
from http.client import HTTPException, IncompleteRead

from genai_integrations.errors import APIConnectionError, CallError, RequestTimeoutError
from genai_integrations.transports.http.async_connection import Connection
from genai_integrations.transports.http.heads import LARGEST_HEAD, REFUSED, TOO_LARGE, read_head
from genai_integrations.transports.http.packing import Unpacking

_END_OF_HEAD = re.compile(rb"\n\r?\n")
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?")
"""The line before a chunk: its bytes, and what a server adds to that (RFC 9112, 7.1)."""

_LONGEST_SIZE = 4096
"""Bytes of such a line."""

_MOST_WAITING = 1 << 18
"""Bytes that wait for a reader; the server is held up from there on."""

_EARLY = 0.001
"""Seconds that a timer may be early."""


class AsyncAnswer:
    """The answer to one request. Informational ones before it (100 Continue, 103 Early Hints) are passed over.

    Args:
        connection: Where it comes from.
        idle: Seconds that the server may be silent while it is waited for.
        done: Called once when the answer is closed, with the connection, and `usable`: whether that can be used again.
        has_body: Whether a good one has a body; that to CONNECT has none.

    Attributes:
        status: HTTP status; 0 before the head is there.
        headers: By lower-case name.
        packed: What unpacks the body; None if it is not packed, or nobody has looked.
        is_whole: Whether the end of the body has come.
        closes: Whether the connection ends with it.
    """

    __slots__ = (
        "_body", "_connection", "_done", "_ends_chunk", "_failure", "_has_body", "_heard", "_idle",
        "_is_clean", "_is_held", "_kept", "_left", "_loop", "_size", "_take", "_timer", "_waiter", "closes", "headers",
        "is_whole", "packed", "status",
    )  # fmt: skip

    def __init__(
        self,
        connection: Connection,
        idle: float,
        done: Callable[..., None],
        *,
        has_body: bool = True,
    ) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.packed: Unpacking | None = None
        self.is_whole = False
        self._connection: Connection | None = connection
        self._idle = idle
        self._done = done
        self._has_body = has_body
        self._loop = asyncio.get_running_loop()
        # A function and no method of its own, which would be a cycle.
        self._take: Callable[[AsyncAnswer, bytes], bytes] = AsyncAnswer._take_head
        self._kept = b""
        self._body: list[bytes] = []
        self._size = self._left = 0
        self._ends_chunk = self._is_held = self.closes = False
        self._is_clean = True
        self._failure: CallError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0
        connection.answer = self

    async def begun(self) -> None:
        """Wait for the head.

        Raises:
            CallError: It is none, or too large; the connection broke, or the server was silent.
        """
        while not self.status:
            if self._failure is not None:
                raise self._failure
            await self._woken()

    async def piece(self) -> bytes:
        """All of the body that has come since this was asked last, at least one byte; none at its end.

        Raises:
            CallError: Its framing is none; the connection broke, or the server was silent.
        """
        while not self._body:
            if self._failure is not None:
                raise self._failure
            if self.is_whole:
                return b""
            await self._woken()
        return self._taken()

    def whole(self, most: int) -> bytes | None:
        """The whole body, if all of it is there, not packed, and no more than so many bytes; else None."""
        if not self.is_whole or self._size > most or self.packed is not None:
            return None
        return self._taken()

    def close(self) -> None:
        """Be done with the answer, whether or not it was read to its end. Who waits for more of it is let go."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.answer = None
        if self._timer is not None:
            self._timer.cancel()
        if not self.is_whole:
            self._fail(HTTPException("the answer was closed"))
        self._done(
            connection,
            usable=self.is_whole and self._is_clean and not (self.closes or self._is_held),
        )

    def feed(self, data: bytes) -> None:
        """Bytes have come."""
        self._heard = self._loop.time()
        try:
            while data and self._failure is None:
                data = self._take(self, data)
        except HTTPException as error:
            self._fail(error)
        if self.is_whole or self._body or self.status:
            self._wake()

    def lost(self, error: Exception | None) -> None:
        """The connection is gone: the end of a body whose length nobody told."""
        self.closes = True
        if self._take is AsyncAnswer._take_rest and error is None:
            self._ended()
            self._wake()
        elif not self.is_whole:
            self._fail(error or _cut(self))

    def _taken(self) -> bytes:
        body, self._body, self._size = self._body, [], 0
        if self._is_held and self._connection is not None:
            self._is_held = False
            self._connection.transport.resume_reading()
        return body[0] if len(body) == 1 else b"".join(body)

    def _woken(self) -> asyncio.Future[None]:
        """To be awaited: something has come, or failed."""
        self._waiter = self._loop.create_future()
        # One timer for many waits: it looks for itself how long ago the server was heard.
        self._heard = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._idle, self._look)
        return self._waiter

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        left = self._heard + self._idle - self._loop.time()
        if left > _EARLY:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._fail(TimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        """Tell whoever reads, after what has come before."""
        self._failure = self._failure or translated(error, self._idle)
        self._is_clean = False
        self._wake()

    def _take_head(self, data: bytes) -> bytes:
        place = max(len(self._kept) - 2, 0)
        kept = self._kept = self._kept + data if self._kept else data
        end = _END_OF_HEAD.search(kept, place)
        if end is None:
            if len(kept) > LARGEST_HEAD:
                raise HTTPException(TOO_LARGE)
            return b""
        self._kept = b""
        head = read_head(kept[: end.start()])
        if head.is_final:
            self.status, self.headers, self.closes = head.status, head.headers, head.closes
            self._begin_body(head.length, is_chunked=head.is_chunked)
            assert self._connection is not None  # noqa: S101  who has bytes has a connection
            # A server may answer before it has read everything, and then reads no more.
            self._connection.let_go()
        return kept[end.end() :]

    def _begin_body(self, length: int | None, *, is_chunked: bool) -> None:
        if length == 0 or not (self._has_body or self.status >= REFUSED):
            self._ended()
        elif is_chunked:
            self._take = AsyncAnswer._take_chunks
        elif length is None:
            self._take = AsyncAnswer._take_rest
        else:
            self._left = length
            self._take = AsyncAnswer._take_body

    def _take_body(self, data: bytes) -> bytes:
        left = self._left = self._left - len(data)
        if left > 0:
            self._put(data)
            return b""
        self._ended()
        if left == 0:
            self._put(data)
            return b""
        self._put(data[:left])
        return data[left:]

    def _take_rest(self, data: bytes) -> bytes:
        self._put(data)
        return b""

    def _take_chunks(self, data: bytes) -> bytes:
        """One loop, and no function for each of its steps: this runs for every chunk of every stream."""
        if self._kept:
            data, self._kept = self._kept + data, b""
        at, size, left, pieces = 0, len(data), self._left, []
        try:
            while at < size:
                if left:
                    piece = data[at : at + left]
                    at += len(piece)
                    left -= len(piece)
                    pieces.append(piece)
                    continue
                end = data.find(b"\n", at)
                if end < 0:
                    self._keep_line(data[at:])
                    return b""
                line, at = data[at:end], end + 1
                if not self._ends_chunk:
                    left = _size_in(line)
                    if not left:
                        self._take = AsyncAnswer._take_trailers
                        break
                    self._ends_chunk = True
                elif line in _LINE_ENDS:
                    self._ends_chunk = False
                else:
                    raise HTTPException("a chunk is longer than was said")
        finally:
            # What came before a chunk that is none counts.
            self._left = left
            if pieces:
                self._put(b"".join(pieces))
        return data[at:]

    def _keep_line(self, begun: bytes) -> None:
        if len(begun) > _LONGEST_SIZE:
            raise HTTPException("the line before a chunk is too long")
        self._kept = begun

    def _take_trailers(self, data: bytes) -> bytes:
        """Lines of a head behind the last chunk, up to an empty one; nobody wants them."""
        data, self._kept = self._kept + data, b""
        line, end, rest = data.partition(b"\n")
        if not end:
            self._kept = data
        elif line in (b"\r", b""):
            self._ended()
        else:
            self._left += len(line)
        if self._left + len(self._kept) > LARGEST_HEAD:
            raise HTTPException(TOO_LARGE)
        return rest

    def _take_surplus(self, _data: bytes) -> bytes:
        """Bytes behind the end belong to no answer, so they would be taken for the next one's."""
        self._is_clean = False
        return b""

    def _put(self, piece: bytes) -> None:
        self._body.append(piece)
        self._size += len(piece)
        if self._size > _MOST_WAITING and not self._is_held and self._connection is not None:
            self._is_held = True
            self._connection.transport.pause_reading()

    def _ended(self) -> None:
        self.is_whole = True
        self._take = AsyncAnswer._take_surplus


_LINE_ENDS = (b"\r", b"")


@lru_cache(1024)
def _size_in(line: bytes) -> int:
    """The bytes of a chunk."""
    # Also where it came at once, or a server could fill the memory with what is remembered here.
    found = _SIZE.fullmatch(line) if len(line) <= _LONGEST_SIZE else None
    if found is None:
        raise HTTPException("a chunk's size is not a number")
    return int(found[1], 16)


def translated(error: Exception, idle: float) -> CallError:
    """Our error for what breaks a connection.

    Args:
        error: What was raised.
        idle: Seconds that the server may be silent.
    """
    if isinstance(error, TimeoutError):
        return RequestTimeoutError(f"the server was silent for {idle:g} s")
    return APIConnectionError(f"the connection broke: {str(error) or type(error).__name__}"[:200])


def _cut(answer: AsyncAnswer) -> HTTPException:
    """The error for a connection that ended in the midst of an answer."""
    if not answer.status:
        return HTTPException("the server closed it without an answer")
    return IncompleteRead(b"")
