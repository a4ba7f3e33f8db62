"""Waits in event loops that have a bound."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType

from genai_integrations.calls.wire import AsyncChunks, Wire
from genai_integrations.errors import RequestTimeoutError
from genai_integrations.transports.chunks import SteppedChunks


class Within:
    """An `async with` block that ends with `RequestTimeoutError` when it takes longer.

    A class, because a generator as a context manager would cost twice as much, in every call.

    Args:
        seconds: How long it may take.
    """

    __slots__ = ("_seconds", "_timeout")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, traceback)
            if not isinstance(error, TimeoutError):
                return
        except TimeoutError:
            pass
        raise RequestTimeoutError(f"no answer within {self._seconds:g} s") from None


def chunks_until(ends: float, chunks: AsyncChunks) -> SteppedChunks:
    """The chunks, with each wait bounded by a moment of `time.monotonic`."""

    async def step(following: Callable[[], Awaitable[Wire]]) -> Wire:
        async with Within(max(ends - time.monotonic(), 0.0)):
            return await following()

    return SteppedChunks(chunks, step)
