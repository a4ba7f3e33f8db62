"""Streams that have shown their first content: from here on nothing falls over silently."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from types import TracebackType
from typing import Self

from genai_integrations.errors import GenAIError, InvalidReplyError, StreamInterruptedError
from genai_integrations.network import without_frames
from genai_integrations.routing.assembly import Assembly
from genai_integrations.routing.execution import Execution
from genai_integrations.routing.reply import Chunk
from genai_integrations.routing.route import Attempt, Route
from genai_integrations.routing.tally import Tally
from genai_integrations.transports.chunks import is_running
from genai_integrations.transports.wire import (
    AsyncChunks,
    Chunks,
    Wire,
    finish_reasons,
    has_content,
)


def is_decisive(chunk: Wire) -> bool:
    """Whether a chunk shows that the stream works: content, or a proper end without any."""
    return has_content(chunk) or any(finish_reasons(chunk))


def no_content() -> InvalidReplyError:
    """The error for a stream that is over before `is_decisive` held."""
    return InvalidReplyError("the stream ended before its first content")


class _Reading:
    """How far a stream has been read. A loop over a stream holds this and not the stream, so both end with the loop."""

    def __init__(self, execution: Execution, attempt: Attempt, held: Iterable[Wire]) -> None:
        self.held = held
        self._execution = execution
        self._attempt = attempt
        self._tally = Tally(execution.request.body.get("n") or 1)
        self.is_closed = False
        self._assembly = Assembly() if execution.observed or execution.remembers else None

    def __del__(self) -> None:
        """A stream that nobody has read is over, too."""
        self.leave()

    @property
    def route(self) -> Route:
        return self._execution.route

    def interrupted(self, error: GenAIError) -> StreamInterruptedError:
        reason = getattr(error, "message", str(error))
        interrupted = StreamInterruptedError(f"the stream broke after its first content: {reason}")
        interrupted.partial_text = self._tally.text
        self._execution.broke(self._attempt, interrupted)
        self._execution.ended(self._reply(), interrupted)
        return interrupted

    def check_end(self) -> None:
        """Raise if the stream is over without having said so."""
        if not self._tally.is_whole:
            raise InvalidReplyError("it was cut short")

    def complete(self) -> Wire | None:
        """The stream is whole; the chunk to add, with the usage."""
        self._execution.completed(self._attempt, self._tally.usage)
        if self._assembly is not None and self._execution.remembers:
            self._execution.keep(self._assembly.wire(self._tally.usage))
        self.leave()
        return self._tally.last_chunk() if self._tally.usage else None

    def leave(self) -> None:
        """The caller is done with it."""
        self._execution.left(self._attempt, self._reply())

    def _reply(self) -> Wire | None:
        """The answer as far as it came, if anyone still wants to know."""
        if self._assembly is None or not self._execution.observed:
            return None
        return self._assembly.wire(self._tally.usage)

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

    def __init__(
        self,
        execution: Execution,
        attempt: Attempt,
        held: Iterable[Wire],
        rest: Chunks,
    ) -> None:
        self._reading = _Reading(execution, attempt, held)
        self._rest = rest
        self._chunks = _chunks(self._reading, rest)

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
        self,
        execution: Execution,
        attempt: Attempt,
        held: Iterable[Wire],
        rest: AsyncChunks,
    ) -> None:
        self._reading = _Reading(execution, attempt, held)
        self._rest = rest
        self._chunks = _achunks(self._reading, rest)

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


def _chunks(reading: _Reading, rest: Chunks) -> Generator[Chunk]:
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
            raise reading.interrupted(error) from without_frames(error)
        except BaseException:
            reading.leave()
            raise
    if last := reading.complete():
        yield Chunk(last)


async def _achunks(reading: _Reading, rest: AsyncChunks) -> AsyncGenerator[Chunk]:
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
            raise reading.interrupted(error) from without_frames(error)
        except BaseException:
            reading.leave()
            raise
    if last := reading.complete():
        yield Chunk(last)
