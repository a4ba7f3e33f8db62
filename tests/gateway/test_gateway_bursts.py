"""Pieces of a stream that are there at once are sent at once, and nothing waits that could be sent."""

from __future__ import annotations

import asyncio

import pytest

from genai_integrations.gateway.bursts import MOST_PIECES, pump


class Sent:
    """Takes what is written."""

    def __init__(self):
        self.bursts = []

    async def write(self, data):
        self.bursts.append(data)


async def test_what_is_there_is_joined():
    """All that comes without waiting is one write, and what waits does not hold it back."""
    gate = asyncio.Event()

    async def pieces():
        yield b"a"
        yield b"b"
        await gate.wait()
        yield b"c"
        yield b"d"

    sent = Sent()

    async def write(data):
        await sent.write(data)
        gate.set()

    await pump(pieces(), write)

    assert sent.bursts == [b"ab", b"cd"]


async def test_a_source_that_never_waits_leaves_the_loop_to_others():
    """After so many pieces others have their turn."""
    turns = []

    async def pieces():
        for _ in range(3 * MOST_PIECES):
            yield b"."

    async def other():
        while True:
            turns.append(len(sent.bursts))
            await asyncio.sleep(0)

    sent = Sent()
    beside = asyncio.create_task(other())
    await pump(pieces(), sent.write)
    beside.cancel()

    assert [len(row) for row in sent.bursts] == [MOST_PIECES] * 3
    assert len(set(turns)) > 2


async def test_a_stream_of_nothing():
    """Nothing is written."""

    async def pieces():
        for piece in ():
            yield piece

    sent = Sent()
    await pump(pieces(), sent.write)

    assert sent.bursts == []


@pytest.mark.parametrize("waits", [True, False])
async def test_an_error_comes_after_what_was_there(waits):
    """What came before it is written first, and the stream is closed."""
    closed = []

    async def pieces():
        try:
            yield b"a"
            if waits:
                await asyncio.sleep(0)
            raise ValueError("broke")
        finally:
            closed.append(True)

    sent = Sent()
    with pytest.raises(ValueError, match="broke"):
        await pump(pieces(), sent.write)

    assert sent.bursts == [b"a"]
    assert closed == [True]


@pytest.mark.parametrize("where", ["waiting", "writing"])
async def test_a_cancellation_reaches_the_stream(where):
    """Whether the task waits for a piece or writes one, whoever waits in the stream is cancelled, and ends in order."""
    seen, reached = [], asyncio.Event()

    async def pieces():
        try:
            yield b"a"
            if where == "waiting":
                reached.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)
            seen.append("cleaned up")
            raise

    async def write(_data):
        if where == "writing":
            reached.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(pump(pieces(), write))
    await reached.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert seen == ["cancelled", "cleaned up"]


async def test_a_write_that_fails_ends_the_stream():
    """The error comes out, and the stream is not left open behind it."""
    seen = []

    async def pieces():
        try:
            yield b"a"
            await asyncio.Event().wait()
        finally:
            seen.append("closed")

    async def write(_data):
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await pump(pieces(), write)

    assert seen == ["closed"]


async def test_a_time_out_within_the_stream():
    """One that a step of the stream has set for itself ends that step, as if the stream were read piece by piece."""

    async def pieces():
        yield b"a"
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            yield b"late"

    sent = Sent()
    await pump(pieces(), sent.write)

    assert sent.bursts == [b"a", b"late"]
