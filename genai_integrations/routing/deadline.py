"""Waits that have a bound."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Generator
from types import TracebackType

from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire
from genai_integrations.errors import RequestTimeoutError
from genai_integrations.runtime.cancelling import Interruption
from genai_integrations.transports.chunks import ClosableChunks, SteppedChunks
from genai_integrations.transports.http.patience import AT_ONCE, DEADLINE, Patience

NO_ANSWER = "no answer within {:g} s"


class Within:
    """A `with` block of a coroutine that ends with `RequestTimeoutError` when it takes longer.

    Not `asyncio.timeout`, which takes several times as long, in every call.

    Args:
        seconds: How long it may take.
        words: What the error says, with a place for the seconds.
    """

    __slots__ = ("_late", "_seconds", "_timer", "_words")

    def __init__(self, seconds: float, words: str = NO_ANSWER) -> None:
        self._seconds = seconds
        self._words = words

    def __enter__(self) -> None:
        self._late = Interruption()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._late.make)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        is_late = self._late.is_over()
        if isinstance(error, TimeoutError) or (
            is_late and isinstance(error, asyncio.CancelledError)
        ):
            raise RequestTimeoutError(self._words.format(self._seconds)) from None


def words_of(seconds: float, ends: float | None) -> str:
    """What a wait of so many seconds says when it is over, if the call ends at that moment of `time.monotonic`."""
    is_last = ends is not None and ends - time.monotonic() <= seconds + AT_ONCE
    return DEADLINE if is_last else NO_ANSWER


def chunks_until(ends: float, chunks: AsyncChunks) -> SteppedChunks:
    """The chunks, with each wait bounded by a moment of `time.monotonic`."""

    async def step(following: Callable[[], Awaitable[Wire]]) -> Wire:
        with Within(max(ends - time.monotonic(), 0.0), DEADLINE):
            return await following()

    return SteppedChunks(chunks, step)


def prompt_stream(chunks: Chunks, patience: Patience, seconds: float) -> ClosableChunks:
    """The chunks, each of which must come in so many seconds after it is asked for.

    Args:
        chunks: Where they come from; `patience` bounds their waits.
        patience: The same.
        seconds: For each.
    """
    return ClosableChunks(_prompt(chunks, patience, seconds), chunks.close)


def _prompt(chunks: Chunks, patience: Patience, seconds: float) -> Generator[Wire]:
    with contextlib.closing(chunks):
        patience.chunk_within(seconds)
        for chunk in chunks:
            yield chunk
            # From now on, for the reader's own time is not the provider's.
            patience.chunk_within(seconds)


def aprompt_stream(chunks: AsyncChunks, seconds: float) -> SteppedChunks:
    """As `prompt_stream`."""

    async def step(following: Callable[[], Awaitable[Wire]]) -> Wire:
        with Within(seconds, "the stream stalled for {:g} s"):
            return await following()

    return SteppedChunks(chunks, step)
