"""Pieces of a stream that are there at once, sent at once.

Writing a piece costs more than making it. A provider's packet often holds many of them, so every piece that can be had
without waiting is joined to the one before, and nothing waits that could be sent.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any

MOST_PIECES = 64
"""In one burst: a source that never waits must leave the loop to others."""


async def pump(pieces: AsyncGenerator[bytes], write: Callable[[bytes], Awaitable[None]]) -> None:
    """Write every piece of a stream, those that are there at once together.

    Whatever ends it, the stream is closed before it returns.
    """
    bursts = _Bursts(pieces)
    try:
        while (data := await bursts.next()) is not None:
            try:
                await write(data)
            except BaseException as error:
                # Where the task is cancelled while it writes, whoever waits in the stream must hear of it.
                await bursts.end(error)
                raise
    finally:
        await pieces.aclose()


class _Bursts:
    """A stream of pieces, and the step towards its next piece, which may wait while others are written."""

    def __init__(self, pieces: AsyncGenerator[bytes]) -> None:
        self._pieces = pieces
        self._step: Any = None
        self._waits_for: Any = None
        self._is_over = False
        self._error: BaseException | None = None

    @types.coroutine
    def next(self) -> Generator[Any, Any, bytes | None]:
        """What is there, at least one piece; None at the end. An error comes after what was there before it."""
        ready: list[bytes] = []
        while not self._is_over and len(ready) < MOST_PIECES:
            if self._step is None:
                self._step = self._pieces.__anext__()
                piece = self._advance(self._step.send, None)
            elif ready:
                # The step waits, and what is ready need not.
                return b"".join(ready)
            else:
                piece = yield from self._resumed()
            if piece is not None:
                ready.append(piece)
        if ready:
            # It has not waited for anything, so the loop gets a turn here.
            yield
            return b"".join(ready)
        if self._error is not None:
            raise self._error
        return None

    @types.coroutine
    def end(self, error: BaseException) -> Generator[Any, Any, None]:
        """Tell the step that waits, if one does, and see it to its end."""
        if self._step is not None:
            told = error if isinstance(error, asyncio.CancelledError) else asyncio.CancelledError()
            self._advance(self._step.throw, told)
        while self._step is not None:
            yield from self._resumed()

    def _resumed(self) -> Generator[Any, Any, bytes | None]:
        """Wait for what the step waits for, then let it go on."""
        try:
            value = yield self._waits_for
        except BaseException as error:  # noqa: BLE001  the step's own affair
            return self._advance(self._step.throw, error)
        return self._advance(self._step.send, value)

    def _advance(self, resume: Callable[[Any], Any], value: Any) -> bytes | None:
        """Run the step as far as it comes: its piece, or None where it waits or the stream is over."""
        try:
            self._waits_for = resume(value)
        except StopIteration as done:
            self._step = None
            piece: bytes = done.value
            return piece
        except StopAsyncIteration:
            self._step, self._is_over = None, True
        except BaseException as error:  # noqa: BLE001  raised when it is its turn
            self._step, self._is_over, self._error = None, True, error
        return None
