"""A stream that several callers read, each from its beginning, while it comes.

Whoever is the first to want the next chunk fetches it, and the others find it: nobody waits for one who reads slowly or
has stopped, and the last who leaves ends the stream.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any, Generic, Self, TypeVar

from genai_integrations.cache.pieces import Pieces
from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire
from genai_integrations.errors import GenAIError, InvalidReplyError
from genai_integrations.runtime.cancelling import end_task
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.single_flight import own_copy

QUIET = 5.0
"""Seconds without a chunk after which nobody joins a stream: its readers may have stopped, and its server gone."""

C = TypeVar("C", Chunks, AsyncChunks)
_OVER = StopIteration()


class _Shared(Generic[C]):
    """What both kinds have.

    Attributes:
        pieces: The chunks so far.
        by: Who gives it.
        is_kept: Whether one of the readers has kept the answer.
    """

    def __init__(self, held: Sequence[Wire], rest: C, by: list[str]) -> None:
        self.by = by
        self.pieces = Pieces()
        for chunk in held:
            self.pieces.add(chunk)
        self.is_kept = False
        self._rest: C = rest
        self._end: GenAIError | StopIteration | None = None
        self._came_at = time.monotonic()
        self._readers = 0
        self._renew()
        after_fork_in_child(self._renew)

    @property
    def is_lively(self) -> bool:
        """Whether it is whole, or its last chunk is a moment old, so that somebody may join."""
        if self._end is not None:
            return self._end is _OVER
        return time.monotonic() - self._came_at < QUIET

    def enter(self) -> None:
        """One more reads."""
        with self._lock:
            self._readers += 1

    def left(self) -> bool:
        """One reads no more; whether that was the last one."""
        with self._lock:
            self._readers -= 1
            return self._readers == 0

    def came(self, chunk: Wire) -> None:
        self.pieces.add(chunk)
        self._came_at = time.monotonic()

    def ended(self, error: BaseException) -> None:
        """Take note of how it ended. What ends one reader alone is an error to the others."""
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self._end = _OVER
        elif isinstance(error, GenAIError):
            self._end = error
        else:
            self._end = InvalidReplyError("the call that read this stream was interrupted")

    def _renew(self) -> None:
        # Reentrant, because a finaliser leaves, too.
        self._lock = threading.RLock()


class SharedStream(_Shared[Chunks]):
    """For threads."""

    def chunk(self, at: int) -> Wire:
        """The chunk at a place, fetched if it is the next one.

        Raises:
            StopIteration: There is none.
            GenAIError: The stream broke.
        """
        if at < len(self.pieces):
            return self.pieces.chunk(at)
        with self._fetching:
            if at < len(self.pieces):
                return self.pieces.chunk(at)
            if isinstance(self._end, StopIteration):
                raise StopIteration
            if isinstance(self._end, GenAIError):
                raise own_copy(self._end)
            return self._fetched()

    def leave(self) -> None:
        """One reads no more."""
        if self.left():
            self._rest.close()

    def _fetched(self) -> Wire:
        try:
            chunk: Wire = next(self._rest)
        except BaseException as error:
            self.ended(error)
            raise
        self.came(chunk)
        return chunk

    def _renew(self) -> None:
        super()._renew()
        self._fetching = threading.Lock()


class AsyncSharedStream(_Shared[AsyncChunks]):
    """For the tasks of one event loop."""

    _task: asyncio.Task[None] | None = None

    async def chunk(self, at: int) -> Wire:
        """As `SharedStream.chunk`; `StopAsyncIteration` where there is none."""
        while at >= len(self.pieces):
            if isinstance(self._end, StopIteration):
                raise StopAsyncIteration
            if isinstance(self._end, GenAIError):
                raise own_copy(self._end)
            if self._task is None:
                # A task of its own: one reader that is cancelled must not end the stream of the others.
                self._task = asyncio.create_task(self._fetch())
            await asyncio.shield(self._task)
        return self.pieces.chunk(at)

    async def leave(self) -> None:
        """One reads no more."""
        if not self.left():
            return
        if self._task is not None:
            await end_task(self._task)
        await self._rest.aclose()

    async def _fetch(self) -> None:
        try:
            self.came(await anext(self._rest))
        except asyncio.CancelledError as error:
            self.ended(error)
            # Here too: the last reader may be cancelled before this is over.
            await self._rest.aclose()
            raise
        except BaseException as error:  # noqa: BLE001  every reader gets it
            self.ended(error)
        finally:
            self._task = None


class Reading:
    """One reader's place in a shared stream.

    Args:
        shared: The stream.
        at: How many chunks the reader has already.
    """

    __slots__ = ("_at", "_is_over", "shared")

    def __init__(self, shared: SharedStream, at: int = 0) -> None:
        self.shared = shared
        self._at = at
        self._is_over = False
        shared.enter()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Wire:
        if self._is_over:
            raise StopIteration
        chunk = self.shared.chunk(self._at)
        self._at += 1
        return chunk

    def close(self) -> None:
        """Leave; the stream ends with the last reader."""
        if not self._is_over:
            self._is_over = True
            self.shared.leave()

    def __del__(self) -> None:
        # A stream that nobody has read is left, too.
        self.close()


class AsyncReading:
    """As `Reading`, in an event loop."""

    __slots__ = ("_at", "_is_over", "shared")

    def __init__(self, shared: AsyncSharedStream, at: int = 0) -> None:
        self.shared = shared
        self._at = at
        self._is_over = False
        shared.enter()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Wire:
        if self._is_over:
            raise StopAsyncIteration
        chunk = await self.shared.chunk(self._at)
        self._at += 1
        return chunk

    async def aclose(self) -> None:
        """Leave; the stream ends with the last reader."""
        if not self._is_over:
            self._is_over = True
            await self.shared.leave()


def shared_stream(
    held: Sequence[Wire], rest: Any, by: list[str]
) -> SharedStream | AsyncSharedStream:
    """A stream that has shown its first content, for several readers.

    Args:
        held: Its chunks up to that.
        rest: Those to come; asynchronous under the async driver.
        by: Who gives it.
    """
    if hasattr(rest, "aclose"):
        return AsyncSharedStream(held, rest, by)
    return SharedStream(held, rest, by)


def reading(shared: SharedStream | AsyncSharedStream, at: int = 0) -> Reading | AsyncReading:
    """A reader's place in it."""
    if isinstance(shared, AsyncSharedStream):
        return AsyncReading(shared, at)
    return Reading(shared, at)
