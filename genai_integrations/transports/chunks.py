"""Streams of chunks that can be given up while somebody else reads them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from types import AsyncGeneratorType

from genai_integrations.calls.wire import AsyncChunks, Chunks, Times, Wire


class Line:
    """The way from a stream's owner to the connection that its chunks come over, once there is one."""

    __slots__ = ("_end", "_is_cut", "_process")

    def __init__(self) -> None:
        self._end: Callable[[], object] | None = None
        self._is_cut = False
        self._process = os.getpid()

    def lead_to(self, end: Callable[[], object]) -> None:
        """The answer has begun, and this ends it."""
        self._end = end
        if self._is_cut:
            end()

    def hang_up(self) -> None:
        """End the answer, now or as soon as it begins."""
        if os.getpid() != self._process:
            # A forked child's copy: the connection is the parent's, who goes on reading.
            return
        self._is_cut = True
        if self._end is not None:
            self._end()


class ClosableChunks:
    """The chunks of one answer, for a `for` loop. Any thread may close them, also while another reads.

    Args:
        chunks: Makes them; hangs up when it is closed.
        hang_up: Lets the thread go that waits in `chunks`, which then end or fail.
    """

    __slots__ = ("_chunks", "_hang_up")

    def __init__(self, chunks: Generator[Wire], hang_up: Callable[[], None]) -> None:
        self._chunks = chunks
        self._hang_up = hang_up

    def __iter__(self) -> Generator[Wire]:
        # The generator itself: a loop over it costs no call for each chunk.
        return self._chunks

    def __next__(self) -> Wire:
        return next(self._chunks)

    def close(self) -> None:
        """Stop, and let the provider know."""
        try:
            self._chunks.close()
        except ValueError:
            # Another thread is reading, and a generator that runs cannot be closed.
            self._hang_up()


class AsyncClosableChunks:
    """As `ClosableChunks`, for an `async for` loop. Any task of the loop may close them."""

    __slots__ = ("_chunks", "_hang_up")

    def __init__(self, chunks: AsyncGenerator[Wire], hang_up: Callable[[], None]) -> None:
        self._chunks = chunks
        self._hang_up = hang_up

    def __aiter__(self) -> AsyncIterator[Wire]:
        return self._chunks

    def __anext__(self) -> Awaitable[Wire]:
        return self._chunks.__anext__()

    async def aclose(self) -> None:
        """Stop, and let the provider know."""
        if is_running(self._chunks):
            # Another task is reading, and a generator that runs cannot be closed.
            self._hang_up()
        else:
            await self._chunks.aclose()


class ArrivingChunks:
    """As `AsyncClosableChunks`, of an answer whose chunks often come several at once.

    Args:
        arrivals: Makes lists of them, none of which is empty.
        hang_up: As there.
    """

    __slots__ = ("_arrivals", "_hang_up", "_ready")

    def __init__(self, arrivals: AsyncGenerator[list[Wire]], hang_up: Callable[[], None]) -> None:
        self._arrivals = arrivals
        self._hang_up = hang_up
        # The last is the next.
        self._ready: list[Wire] = []

    def __aiter__(self) -> AsyncIterator[Wire]:
        return self

    async def __anext__(self) -> Wire:
        if not self._ready:
            self._ready = (await self._arrivals.__anext__())[::-1]
        return self._ready.pop()

    def ready(self) -> list[Wire]:
        """The chunks that are there already."""
        ready, self._ready = self._ready[::-1], []
        return ready

    async def aclose(self) -> None:
        """Stop, and let the provider know."""
        if is_running(self._arrivals):
            # Another task is reading, and a generator that runs cannot be closed.
            self._hang_up()
        else:
            await self._arrivals.aclose()


async def one_by_one(arrivals: AsyncGenerator[list[Wire]]) -> AsyncGenerator[Wire]:
    """The chunks in lists of them."""
    async with contextlib.aclosing(arrivals):
        async for chunks in arrivals:
            for chunk in chunks:
                yield chunk


def is_running(chunks: AsyncGenerator[object]) -> bool:
    """Whether some task waits for the generator's next value, so that it cannot be closed."""
    return isinstance(chunks, AsyncGeneratorType) and chunks.ag_running


def timed(chunks: Generator[Wire], times: Times) -> Generator[Wire]:
    """The chunks; how long each is waited for is noted. What the reader takes in between is not the stream's time."""
    with contextlib.closing(chunks):
        while True:
            since, chunk = time.monotonic(), None
            try:
                chunk = next(chunks, None)
            finally:
                times.waited(since, chunk)
            if chunk is None:
                return
            yield chunk


async def atimed(chunks: AsyncGenerator[Wire], times: Times) -> AsyncGenerator[Wire]:
    """As `timed`."""
    async with contextlib.aclosing(chunks):
        while True:
            since, chunk = time.monotonic(), None
            try:
                chunk = await anext(chunks, None)
            finally:
                times.waited(since, chunk)
            if chunk is None:
                return
            yield chunk


Restate = Callable[[Wire], Wire]
"""Changes an answer or chunk in place, and returns it."""


def restated_stream(chunks: Chunks, restate: Restate) -> ClosableChunks:
    """The chunks, each restated."""
    return ClosableChunks(_restated(chunks, restate), chunks.close)


def _restated(chunks: Chunks, restate: Restate) -> Generator[Wire]:
    with contextlib.closing(chunks):
        for chunk in chunks:
            yield restate(chunk)


class SteppedChunks:
    """The chunks of an asynchronous stream, each taken by a step of its own: one that restates it, or bounds the wait.

    No generator: one that is closed before its first chunk would not run, and so would close nothing.

    Args:
        chunks: Where they come from; closed with this.
        step: Takes what brings the next chunk, and gives the chunk.
    """

    def __init__(
        self, chunks: AsyncChunks, step: Callable[[Callable[[], Awaitable[Wire]]], Awaitable[Wire]]
    ) -> None:
        self._chunks = chunks
        self._step = step
        self._next = aiter(chunks).__anext__

    def __aiter__(self) -> AsyncIterator[Wire]:
        return self

    def __anext__(self) -> Awaitable[Wire]:
        return self._step(self._next)

    async def aclose(self) -> None:
        """Stop, and let the provider know."""
        await self._chunks.aclose()


def arestated_stream(chunks: AsyncChunks, restate: Restate) -> SteppedChunks:
    """As `restated_stream`."""

    async def step(following: Callable[[], Awaitable[Wire]]) -> Wire:
        return restate(await following())

    return SteppedChunks(chunks, step)
