"""A transport that writes down what another one sends and gets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Any, Self

import orjson

from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire, WireCall
from genai_integrations.errors import ConfigurationError, GenAIError, RequestTimeoutError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.protocol import Transport
from genai_integrations.transports.tape.failures import failure_of
from genai_integrations.transports.tape.file import append
from genai_integrations.transports.tape.form import call_of, line_of
from genai_integrations.transports.tape.masking import masker

_TIMED_OUT = 0.9
"""Share of its time after which an attempt that is cancelled has most likely run out of it."""


class Recorder:
    """Performs attempts through another transport, and appends each to a file of JSON lines.

    Secrets are not written: keys, headers, addresses, and what looks like one of them in a text.

    Args:
        transport: Does the work.
        path: The tape; made, with its folder, for the first attempt.
    """

    def __init__(self, transport: Transport, path: str | os.PathLike[str]) -> None:
        self._transport = transport
        self._path = Path(path)
        # All that is only handed through.
        self.is_ready, self.is_aready = transport.is_ready, transport.is_aready
        self.prepare, self.aprepare = transport.prepare, transport.aprepare
        self.close, self.aclose = transport.close, transport.aclose

    def __repr__(self) -> str:
        return f"Recorder({str(self._path)!r})"

    def send(self, call: WireCall, patience: Patience) -> Wire:
        """As the transport does."""
        entry = _Entry(call, self._path)
        try:
            reply = self._transport.send(call, patience)
        except GenAIError as error:
            entry.end(error=error)
            raise
        entry.end(reply=reply)
        return reply

    async def asend(self, call: WireCall, idle: float) -> Wire:
        """As the transport does."""
        entry = _Entry(call, self._path)
        try:
            reply = await self._transport.asend(call, idle)
        except GenAIError as error:
            await entry.aend(error=error)
            raise
        except asyncio.CancelledError:
            if entry.seconds() >= idle * _TIMED_OUT:
                entry.end(error=RequestTimeoutError(f"no answer within {idle:g} s"))
            raise
        await entry.aend(reply=reply)
        return reply

    def stream(self, call: WireCall, patience: Patience) -> Chunks:
        """As the transport does."""
        return _RecordedChunks(self._transport.stream(call, patience), _Entry(call, self._path))

    def astream(self, call: WireCall, idle: float) -> AsyncChunks:
        """As the transport does."""
        chunks = self._transport.astream(call, idle)
        return _AsyncRecordedChunks(chunks, _Entry(call, self._path))


class _Entry:
    """One attempt, to be written once when it is over."""

    def __init__(self, call: WireCall, path: Path) -> None:
        self._path = path
        self._began = time.monotonic()
        self._chunks: list[orjson.Fragment] = []
        self._mask = masker(call.connection)
        # Whoever takes it out writes the line: a stream may be read by one thread and closed by another.
        self._open: list[orjson.Fragment] = []
        with contextlib.suppress(ConfigurationError):
            # Now, because the one who asks may change what he gave.
            self._open.append(orjson.Fragment(jsonbytes.dumps(call_of(call, self._mask))))

    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def add(self, chunk: Wire) -> None:
        """The next chunk of a stream; written at once, because readers change it."""
        try:
            row = jsonbytes.dumps([self._ms(), self._mask(chunk)])
        except ConfigurationError:
            # A number that is none: a tape cannot have it.
            self._open.clear()
        else:
            self._chunks.append(orjson.Fragment(row))

    def end(self, **told: Any) -> None:
        """It is over; see `_line`."""
        if line := self._line(**told):
            append(self._path, line)

    async def aend(self, **told: Any) -> None:
        """As `end`, without blocking the loop."""
        if line := self._line(**told):
            await asyncio.to_thread(append, self._path, line)

    def _line(
        self,
        *,
        reply: Wire | None = None,
        error: GenAIError | None = None,
        is_stream: bool = False,
        was_left: bool = False,
    ) -> bytes | None:
        """What is written of it; None if that has been done, or it is no JSON.

        Args:
            reply: The whole answer.
            error: What came instead, or broke a stream.
            is_stream: Whether it came in chunks.
            was_left: Whether a stream's reader left before its end.
        """
        try:
            row: dict[str, Any] = {"call": self._open.pop(), "ms": self._ms()}
        except IndexError:
            return None
        if reply is not None:
            row["reply"] = self._mask(reply)
        if is_stream:
            row["chunks"] = self._chunks
        if was_left:
            row["was_left"] = True
        if error is not None:
            row["error"] = failure_of(error, self._mask)
        try:
            return line_of(row)
        except ConfigurationError:
            return None

    def _ms(self) -> float:
        return round(self.seconds() * 1000, 1)


class _RecordedChunks:
    def __init__(self, chunks: Chunks, entry: _Entry) -> None:
        self._chunks = chunks
        self._next = iter(chunks)
        self._entry = entry

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Wire:
        try:
            chunk = next(self._next)
        except StopIteration:
            self._entry.end(is_stream=True)
            raise
        except GenAIError as error:
            self._entry.end(is_stream=True, error=error)
            raise
        self._entry.add(chunk)
        return chunk

    def close(self) -> None:
        """Stop; what came is written."""
        self._chunks.close()
        self._entry.end(is_stream=True, was_left=True)


class _AsyncRecordedChunks:
    def __init__(self, chunks: AsyncChunks, entry: _Entry) -> None:
        self._chunks = chunks
        self._next = aiter(chunks).__anext__
        self._entry = entry

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Wire:
        try:
            chunk = await self._next()
        except StopAsyncIteration:
            await self._entry.aend(is_stream=True)
            raise
        except GenAIError as error:
            await self._entry.aend(is_stream=True, error=error)
            raise
        self._entry.add(chunk)
        return chunk

    async def aclose(self) -> None:
        """Stop; what came is written."""
        await self._chunks.aclose()
        await self._entry.aend(is_stream=True, was_left=True)
