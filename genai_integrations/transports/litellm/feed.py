"""Chunks on their way from one event loop to whoever reads them elsewhere, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from genai_integrations.calls.wire import Wire
from genai_integrations.runtime.cancelling import end_task

_MOST = 32
"""Chunks that wait for their reader at most; then the stream is not read on."""


_reading: set[asyncio.Task[None]] = set()
"""Those at work. A loop holds its tasks weakly, so one in a cycle of garbage would be destroyed before its end."""


class Feed:
    """Reads a stream ahead, so that a hop between threads carries all that has come since the last one.

    The first hop carries one chunk, so it is not late; each may carry twice as many as the one before.

    Args:
        chunks: The stream. Everything here runs in its loop.
    """

    def __init__(self, chunks: AsyncGenerator[Wire]) -> None:
        self._chunks = chunks
        self._items: list[Wire] = []
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._most = 1
        self._reading: asyncio.Task[None] | None = None

    async def batch(self) -> list[Wire]:
        """The next chunks, at least one; none at the end. Raises what the stream raises, after its chunks."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
            _reading.add(self._reading)
            self._reading.add_done_callback(self._ended)
        await self._some.wait()
        items, self._items = self._items, []
        if not self._reading.done():
            self._some.clear()
        elif not items and not self._reading.cancelled():
            self._reading.result()
        self._most = min(2 * self._most, _MOST)
        self._room.set()
        return items

    async def close(self) -> None:
        """Stop reading and close the stream; whoever waits for a batch gets the end."""
        if self._reading is not None and self._reading.get_loop() is not asyncio.get_running_loop():
            # In a forked child: the stream is the parent's, and so is what its loop watches.
            return
        if self._reading is not None:
            await end_task(self._reading)
        await self._chunks.aclose()

    def _ended(self, reading: asyncio.Task[None]) -> None:
        _reading.discard(reading)
        self._some.set()

    async def _read(self) -> None:
        try:
            async for chunk in self._chunks:
                self._items.append(chunk)
                if len(self._items) == 1:
                    self._some.set()
                if len(self._items) >= self._most:
                    self._room.clear()
                    await self._room.wait()
        finally:
            # Here too: who closes may be cancelled before this is over.
            await self._chunks.aclose()
