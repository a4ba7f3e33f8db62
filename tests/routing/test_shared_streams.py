"""A stream that several tasks read, and who leaves it."""

from __future__ import annotations

import asyncio

import pytest

from genai_integrations.routing.shared_streams import AsyncReading, AsyncSharedStream


class _Stubborn:
    """A stream whose fetching takes a while to end when it is cancelled."""

    def __init__(self):
        self.began, self.is_told, self.may_end = (asyncio.Event() for _ in range(3))
        self.is_closed = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.is_told.set()
            await self.may_end.wait()

    async def aclose(self):
        self.is_closed = True


class _StubbornGenerator(_Stubborn):
    """The same as a generator, which cannot be closed while it runs."""

    def __init__(self):
        super().__init__()
        self._chunks = self._made()
        self.aclose = self._chunks.aclose

    def __anext__(self):
        return anext(self._chunks)

    async def _made(self):
        try:
            yield await super().__anext__()
        finally:
            self.is_closed = True


@pytest.mark.parametrize("kind", [_Stubborn, _StubbornGenerator])
def test_who_is_cancelled_while_leaving_is_cancelled(kind):
    """The fetching that is ended for it is cancelled, too, and must not be taken for it; the stream is closed."""

    async def play():
        stream = kind()
        reading = AsyncReading(AsyncSharedStream([], stream, ["seoul"]))
        reader = asyncio.create_task(anext(reading))
        await stream.began.wait()
        leaver = asyncio.create_task(reading.aclose())
        await stream.is_told.wait()
        leaver.cancel()
        await asyncio.sleep(0)
        stream.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        await asyncio.wait((reader,))
        return leaver.cancelled(), stream.is_closed

    assert asyncio.run(play()) == (True, True)
