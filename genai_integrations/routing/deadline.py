"""Waits in event loops that have a bound."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from genai_integrations.calls.wire import AsyncChunks, Wire
from genai_integrations.errors import RequestTimeoutError
from genai_integrations.transports.chunks import SteppedChunks


@contextlib.asynccontextmanager
async def within(seconds: float) -> AsyncGenerator[None]:
    """A block that ends with `RequestTimeoutError` when it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise RequestTimeoutError(f"no answer within {seconds:g} s") from None


def chunks_until(ends: float, chunks: AsyncChunks) -> SteppedChunks:
    """The chunks, with each wait bounded by a moment of `time.monotonic`."""

    async def step(following: Callable[[], Awaitable[Wire]]) -> Wire:
        async with within(max(ends - time.monotonic(), 0.0)):
            return await following()

    return SteppedChunks(chunks, step)
