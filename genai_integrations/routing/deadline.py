"""Waits in event loops that have a bound."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator

from genai_integrations.calls.wire import AsyncChunks, Wire
from genai_integrations.errors import RequestTimeoutError


@contextlib.asynccontextmanager
async def within(seconds: float) -> AsyncGenerator[None]:
    """A block that ends with `RequestTimeoutError` when it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise RequestTimeoutError(f"no answer within {seconds:g} s") from None


class ChunksUntil:
    """Chunks, with each wait bounded by a moment.

    No generator: one that is closed before its first chunk would not run, and so would close nothing.

    Args:
        ends: Moment of `time.monotonic` at which the call is over.
        chunks: Where they come from; closed with this.
    """

    def __init__(self, ends: float, chunks: AsyncChunks) -> None:
        self._ends = ends
        self._chunks = chunks
        self._next = aiter(chunks).__anext__

    def __aiter__(self) -> AsyncIterator[Wire]:
        return self

    async def __anext__(self) -> Wire:
        async with within(max(self._ends - time.monotonic(), 0.0)):
            return await self._next()

    async def aclose(self) -> None:
        """Stop, and let the provider know."""
        await self._chunks.aclose()
