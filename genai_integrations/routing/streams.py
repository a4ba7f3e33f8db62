"""Streams that have shown their first content: from here on nothing falls over silently."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from types import TracebackType
from typing import Self

from genai_integrations.calls.assembly import Assembly
from genai_integrations.calls.reply import Chunk
from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire, finish_reasons, has_content
from genai_integrations.errors import GenAIError, InvalidReplyError, StreamInterruptedError
from genai_integrations.routing.flow import Flow
from genai_integrations.routing.steps import Ending, Hand
from genai_integrations.routing.tally import Tally
from genai_integrations.runtime.network import without_frames
from genai_integrations.transports.chunks import is_running


def is_decisive(chunk: Wire) -> bool:
    """Whether a chunk shows that the stream works: content, or a proper end without any."""
    return has_content(chunk) or any(finish_reasons(chunk))


def no_content() -> InvalidReplyError:
    """The error for a stream that is over before `is_decisive` held."""
    return InvalidReplyError("the stream ended before its first content")


class _Reading:
    """How far a stream has been read. A loop over a stream holds this and not the stream, so both end with the loop."""

    def __init__(self, flow: Flow, hand: Hand) -> None:
        self.held = hand.held
        self.route = hand.route
        # Whoever takes it out has the stream's end to tell: it is told once, whatever thread comes first.
        self._flow = [flow]
        self._tally = Tally(hand.answers)
        self.is_closed = False
        self._assembly = Assembly() if hand.assemble else None

    def __del__(self) -> None:
        """A stream that nobody has read is over, too."""
        self.leave()

    def taken(self) -> Flow:
        """The flow of the call, for the loop that has come to the stream's end."""
        return self._flow.pop()

    def interrupted(self, error: GenAIError) -> StreamInterruptedError:
        """The error for a stream that broke."""
        reason = getattr(error, "message", str(error))
        interrupted = StreamInterruptedError(f"the stream broke after its first content: {reason}")
        interrupted.partial_text = self._tally.text
        return interrupted

    def check_end(self) -> None:
        """Raise if the stream is over without having said so."""
        if not self._tally.is_whole:
            raise InvalidReplyError("it was cut short")

    def leave(self) -> None:
        """The caller is done with it. Nothing that takes time follows, so any thread may say it."""
        with contextlib.suppress(StopIteration, IndexError):
            self._flow.pop().send(self.ending())

    def ending(self, error: GenAIError | None = None, *, is_whole: bool = False) -> Ending:
        """What there is to tell of the stream's end."""
        reply = self._assembly.wire(self._tally.usage) if self._assembly is not None else None
        tally = self._tally
        return Ending(tally.usage, reply, error, is_whole, tally.model, tally.tier)

    def last_chunk(self) -> Wire | None:
        """The chunk to add, with the usage."""
        return self._tally.last_chunk() if self._tally.usage else None

    def passing(self) -> Callable[[Wire], bool]:
        """What each chunk goes through on its way."""
        passes, assembly = self._tally.passes, self._assembly
        if assembly is None:
            return passes

        def noted(chunk: Wire) -> bool:
            assembly.add(chunk)
            return passes(chunk)

        return noted


class ReplyStream:
    """Chunks of one answer, for a `for` loop. Close it, or use it in `with`, to stop early.

    The last chunk has no choices and carries the usage.

    Raises:
        StreamInterruptedError: While iterating, when the stream breaks; `.partial_text` has what came.
    """

    def __init__(self, flow: Flow, hand: Hand, resume: Callable[[Flow, Ending], object]) -> None:
        self._reading = _Reading(flow, hand)
        self._rest: Chunks = _nothing() if hand.rest is None else hand.rest
        self._chunks = _chunks(self._reading, self._rest, resume)

    @property
    def route(self) -> Route:
        """Every attempt; usage and time are complete when the stream is."""
        return self._reading.route

    def __iter__(self) -> Generator[Chunk]:
        return self._chunks

    def __next__(self) -> Chunk:
        return next(self._chunks)

    def close(self) -> None:
        """Stop, and let the provider know by closing the connection. A thread that reads gets the end."""
        self._reading.is_closed = True
        self._rest.close()
        try:
            self._chunks.close()
        except ValueError:
            # Another thread reads, and a generator that runs cannot be closed: it ends by itself, and leaves.
            return
        self._reading.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncReplyStream:
    """Chunks of one answer, for an `async for` loop. As `ReplyStream`."""

    def __init__(
        self, flow: Flow, hand: Hand, resume: Callable[[Flow, Ending], Awaitable[object]]
    ) -> None:
        self._reading = _Reading(flow, hand)
        self._rest: AsyncChunks = _anothing() if hand.rest is None else hand.rest
        self._chunks = _achunks(self._reading, self._rest, resume)

    @property
    def route(self) -> Route:
        """Every attempt; usage and time are complete when the stream is."""
        return self._reading.route

    def __aiter__(self) -> AsyncGenerator[Chunk]:
        return self._chunks

    async def __anext__(self) -> Chunk:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        """Stop, and let the provider know by closing the connection. A task that reads gets the end."""
        self._reading.is_closed = True
        await self._rest.aclose()
        if not is_running(self._chunks):
            await self._chunks.aclose()
            self._reading.leave()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def _nothing() -> Generator[Wire]:
    yield from ()


async def _anothing() -> AsyncGenerator[Wire]:
    for chunk in _nothing():
        yield chunk


def _chunks(
    reading: _Reading, rest: Chunks, resume: Callable[[Flow, Ending], object]
) -> Generator[Chunk]:
    passes = reading.passing()
    with contextlib.closing(rest):
        try:
            for chunk in reading.held:
                if passes(chunk):
                    yield Chunk(chunk)
            for chunk in rest:
                if passes(chunk):
                    yield Chunk(chunk)
            reading.check_end()
        except GenAIError as error:
            if reading.is_closed:
                reading.leave()
                return
            interrupted = reading.interrupted(error)
            resume(reading.taken(), reading.ending(interrupted))
            raise interrupted from without_frames(error)
        except BaseException:
            reading.leave()
            raise
    resume(reading.taken(), reading.ending(is_whole=True))
    if last := reading.last_chunk():
        yield Chunk(last)


async def _achunks(
    reading: _Reading, rest: AsyncChunks, resume: Callable[[Flow, Ending], Awaitable[object]]
) -> AsyncGenerator[Chunk]:
    passes = reading.passing()
    async with contextlib.aclosing(rest):
        try:
            for chunk in reading.held:
                if passes(chunk):
                    yield Chunk(chunk)
            async for chunk in rest:
                if passes(chunk):
                    yield Chunk(chunk)
            reading.check_end()
        except GenAIError as error:
            if reading.is_closed:
                reading.leave()
                return
            interrupted = reading.interrupted(error)
            await resume(reading.taken(), reading.ending(interrupted))
            raise interrupted from without_frames(error)
        except BaseException:
            reading.leave()
            raise
    await resume(reading.taken(), reading.ending(is_whole=True))
    if last := reading.last_chunk():
        yield Chunk(last)
