"""Streams that have shown their first content: from here on nothing falls over silently."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, Self

from genai_integrations.calls.assembly import Assembly
from genai_integrations.calls.reply import Chunk, Reply
from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Wire, finish_reasons, has_content
from genai_integrations.errors import (
    ConfigurationError,
    GenAIError,
    InvalidReplyError,
    StreamInterruptedError,
)
from genai_integrations.routing.flow import Flow
from genai_integrations.routing.steps import Ending, Hand
from genai_integrations.routing.tally import Tally
from genai_integrations.runtime.network import without_frames
from genai_integrations.transports.chunks import is_running

Resume = Callable[[Flow, Ending], Reply | Hand | None]
"""Tells a flow how its stream ended, and gives what the driver brings of it: another stream, or nothing."""

AsyncResume = Callable[[Flow, Ending], Awaitable[Reply | Hand | None]]
"""As `Resume`."""


MOST_EMPTY = 10_000
"""Chunks before the first content that are held back; a server that sends no other would fill the memory."""


def is_decisive(chunk: Wire) -> bool:
    """Whether a chunk shows that the stream works: content, or a proper end without any."""
    return has_content(chunk) or any(finish_reasons(chunk))


def no_content(chunks: int) -> InvalidReplyError:
    """The error for a stream that is over, or given up, after so many chunks of which none was decisive."""
    if chunks == MOST_EMPTY:
        return InvalidReplyError(f"the stream has no content in its first {chunks} chunks")
    return InvalidReplyError("the stream ended before its first content")


class _Reading:
    """How far a stream has been read. A loop over a stream holds this and not the stream, so both end with the loop.

    Args:
        flow: The call's.
        hand: The stream.
        nothing: What there is to come of a stream that is all in `hand.held`.

    Attributes:
        rest: The chunks to come.
        is_closed: The caller is done with it.
        is_over: It came to its end, or broke and no other follows.
    """

    def __init__(self, flow: Flow, hand: Hand, nothing: Callable[[], Any]) -> None:
        self.route = hand.route
        self.recovers = hand.recovers
        self.is_closed = self.is_over = False
        self._nothing = nothing
        self.go_on_with(flow, hand)

    def go_on_with(self, flow: Flow, hand: Hand) -> None:
        """Read this stream from now on, and no other."""
        self.held = hand.held
        self.is_past_held = False
        self.rest: Any = self._nothing() if hand.rest is None else hand.rest
        self._tally = Tally(hand.answers)
        self._assembly = Assembly() if hand.assemble else None
        self.passes = self._passing()
        # Whoever takes it out has the stream's end to tell: it is told once, whatever thread comes first.
        self._flow = [flow]

    def __del__(self) -> None:
        """A stream that nobody has read is over, too."""
        self.leave()

    def taken(self) -> Flow:
        """The flow of the call, for the loop that has come to the stream's end."""
        return self._flow.pop()

    def restarted(self) -> Chunk:
        """The chunk that says that all before it is to be dropped, with the names that those after it have."""
        names = ("id", "object", "created", "model")
        first = next(iter(self.held), {})
        kept = {name: first[name] for name in names if name in first}
        return Chunk({**kept, "choices": [], "restarted": True})

    def interrupted(self, error: GenAIError) -> StreamInterruptedError:
        """The error for a stream that broke."""
        reason = getattr(error, "message", str(error))
        interrupted = StreamInterruptedError(f"the stream broke after its first content: {reason}")
        interrupted.partial_text = self._tally.text
        # Before it is raised: the flow wants to know what broke it.
        interrupted.__cause__ = without_frames(error)
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
        tally = self._tally
        reply = self._assembly.wire(tally.usage) if self._assembly is not None else None
        text = "" if is_whole else tally.text
        return Ending(tally.usage, reply, error, is_whole, tally.model, tally.tier, text)

    def last_chunk(self) -> Wire | None:
        """The chunk to add, with the usage."""
        return self._tally.last_chunk() if self._tally.usage else None

    def ready(self) -> list[Wire]:
        """The chunks that are there behind the one that was read last."""
        ready = getattr(self.rest, "ready", None) if self.is_past_held else None
        return list(filter(self.passes, ready())) if ready is not None else []

    def _passing(self) -> Callable[[Wire], bool]:
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

    def __init__(self, flow: Flow, hand: Hand, resume: Resume) -> None:
        self._reading = _Reading(flow, hand, _nothing)
        self._chunks = (_recovering if hand.recovers else _chunks)(self._reading, resume)

    @property
    def route(self) -> Route:
        """Every attempt; usage and time are complete when the stream is."""
        return self._reading.route

    @property
    def recovers(self) -> bool:
        """Whether it may restart: `stream_recovery="restart"`."""
        return self._reading.recovers

    @property
    def text(self) -> Generator[str]:
        """Only the pieces of text: what the first choice says, or why it refuses. Reads the chunks, as a loop does.

        Raises:
            ConfigurationError: The stream may restart, which pieces of text cannot show.
        """
        _check_text(self._reading)
        return _texts(self._chunks)

    def __iter__(self) -> Generator[Chunk]:
        return self._chunks

    def __next__(self) -> Chunk:
        return next(self._chunks)

    def close(self) -> None:
        """Stop, and let the provider know by closing the connection. A thread that reads gets the end."""
        self._reading.is_closed = True
        self._reading.rest.close()
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

    def __init__(self, flow: Flow, hand: Hand, resume: AsyncResume) -> None:
        self._reading = _Reading(flow, hand, _anothing)
        self._chunks = (_arecovering if hand.recovers else _achunks)(self._reading, resume)

    @property
    def route(self) -> Route:
        """Every attempt; usage and time are complete when the stream is."""
        return self._reading.route

    @property
    def recovers(self) -> bool:
        """Whether it may restart: `stream_recovery="restart"`."""
        return self._reading.recovers

    @property
    def text(self) -> AsyncGenerator[str]:
        """As `ReplyStream.text`, for an `async for` loop."""
        _check_text(self._reading)
        return _atexts(self._chunks)

    def __aiter__(self) -> AsyncGenerator[Chunk]:
        return self._chunks

    async def __anext__(self) -> Chunk:
        return await anext(self._chunks)

    async def arrived(self) -> list[Wire]:
        """In place of a loop, for code that passes chunks on: all that are there, at least one, as dicts; none at the end."""
        chunk = await anext(self._chunks, None)
        return [] if chunk is None else [chunk.wire, *self._reading.ready()]

    async def aclose(self) -> None:
        """Stop, and let the provider know by closing the connection. A task that reads gets the end."""
        self._reading.is_closed = True
        await self._reading.rest.aclose()
        if not is_running(self._chunks):
            await self._chunks.aclose()
            self._reading.leave()

    close = aclose  # OpenAI's name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def _check_text(reading: _Reading) -> None:
    if reading.recovers:
        raise ConfigurationError(
            "a stream with stream_recovery='restart' may start again, which its text alone does not show: read its "
            "chunks and drop what came before one that is restarted, or give this call stream_recovery=None"
        )


def _texts(chunks: Generator[Chunk]) -> Generator[str]:
    for chunk in chunks:
        if piece := chunk.text:
            yield piece


async def _atexts(chunks: AsyncGenerator[Chunk]) -> AsyncGenerator[str]:
    async for chunk in chunks:
        if piece := chunk.text:
            yield piece


def _nothing() -> Generator[Wire]:
    yield from ()


async def _anothing() -> AsyncGenerator[Wire]:
    for chunk in _nothing():
        yield chunk


def _recovering(reading: _Reading, resume: Resume) -> Generator[Chunk]:
    """The chunks of one stream after the other, as long as they break and another follows."""
    while not reading.is_over:
        yield from _chunks(reading, resume)
        if not reading.is_over:
            yield reading.restarted()


def _chunks(reading: _Reading, resume: Resume) -> Generator[Chunk]:
    passes = reading.passes
    with contextlib.closing(reading.rest) as rest:
        try:
            for chunk in reading.held:
                if passes(chunk):
                    yield Chunk(chunk)
            for chunk in rest:
                if passes(chunk):
                    yield Chunk(chunk)
            reading.check_end()
        except GenAIError as error:
            _go_on(reading, error, resume)
            return
        except BaseException:
            reading.leave()
            raise
    reading.is_over = True
    resume(reading.taken(), reading.ending(is_whole=True))
    if last := reading.last_chunk():
        yield Chunk(last)


def _go_on(reading: _Reading, error: GenAIError, resume: Resume) -> None:
    """After a break: raise, or have another stream to read, unless it was closed."""
    reading.is_over = True
    if reading.is_closed:
        reading.leave()
        return
    interrupted, flow = reading.interrupted(error), reading.taken()
    hand = resume(flow, reading.ending(interrupted))
    if not isinstance(hand, Hand):
        raise interrupted
    reading.go_on_with(flow, hand)
    if reading.is_closed:
        # By another thread, while this one was waiting for the new stream.
        reading.rest.close()
        reading.leave()
        return
    reading.is_over = False


async def _arecovering(reading: _Reading, resume: AsyncResume) -> AsyncGenerator[Chunk]:
    while not reading.is_over:
        async with contextlib.aclosing(_achunks(reading, resume)) as chunks:
            async for chunk in chunks:
                yield chunk
        if not reading.is_over:
            yield reading.restarted()


async def _achunks(reading: _Reading, resume: AsyncResume) -> AsyncGenerator[Chunk]:
    passes = reading.passes
    async with contextlib.aclosing(reading.rest) as rest:
        try:
            for chunk in reading.held:
                if passes(chunk):
                    yield Chunk(chunk)
            reading.is_past_held = True
            ready = getattr(rest, "ready", _nothing)
            async for chunk in rest:
                if passes(chunk):
                    yield Chunk(chunk)
                # Often several have come at once, and those behind the first need not be waited for.
                for behind in ready():
                    if passes(behind):
                        yield Chunk(behind)
            reading.check_end()
        except GenAIError as error:
            await _ago_on(reading, error, resume)
            return
        except BaseException:
            reading.leave()
            raise
    reading.is_over = True
    await resume(reading.taken(), reading.ending(is_whole=True))
    if last := reading.last_chunk():
        yield Chunk(last)


async def _ago_on(reading: _Reading, error: GenAIError, resume: AsyncResume) -> None:
    """As `_go_on`."""
    reading.is_over = True
    if reading.is_closed:
        reading.leave()
        return
    interrupted, flow = reading.interrupted(error), reading.taken()
    hand = await resume(flow, reading.ending(interrupted))
    if not isinstance(hand, Hand):
        raise interrupted
    reading.go_on_with(flow, hand)
    if reading.is_closed:
        # By another task, while this one was waiting for the new stream.
        await reading.rest.aclose()
        reading.leave()
        return
    reading.is_over = False
