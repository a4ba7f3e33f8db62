"""A transport that writes down what another one sends and gets."""

from __future__ import annotations

import asyncio
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
            entry.write(error=error)
            raise
        entry.write(reply=reply)
        return reply

    async def asend(self, call: WireCall, idle: float) -> Wire:
        """As the transport does."""
        entry = _Entry(call, self._path)
        try:
            reply = await self._transport.asend(call, idle)
        except GenAIError as error:
            await asyncio.to_thread(entry.write, error=error)
            raise
        except asyncio.CancelledError:
            if entry.seconds() >= idle * _TIMED_OUT:
                entry.write(error=RequestTimeoutError(f"no answer within {idle:g} s"))
            raise
        # Now, because what is given may be changed while a thread writes.
        await asyncio.to_thread(entry.write, reply=jsonbytes.loads(jsonbytes.dumps(reply)))
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
        self._is_open = True
        self._mask = masker(call.connection)
        try:
            # Now, because the one who asks may change what he gave.
            self._form = orjson.Fragment(jsonbytes.dumps(call_of(call, self._mask)))
        except ConfigurationError:
            self._is_open = False

    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def add(self, chunk: Wire) -> None:
        """The next chunk of a stream; written at once, because readers change it."""
        try:
            row = jsonbytes.dumps([self._ms(), self._mask(chunk)])
        except ConfigurationError:
            # A number that is none: a tape cannot have it.
            self._is_open = False
        else:
            self._chunks.append(orjson.Fragment(row))

    def end(self, error: GenAIError | None = None, *, was_left: bool = False) -> None:
        """A stream is over."""
        self._write(
            {
                "chunks": self._chunks,
                **({"was_left": True} if was_left else {}),
                **self._told(error),
            }
        )

    def write(self, reply: Wire | None = None, error: GenAIError | None = None) -> None:
        """An answer, or what came instead."""
        self._write(self._told(error) if error else {"reply": self._mask(reply)})

    def _told(self, error: GenAIError | None) -> dict[str, Any]:
        return {"error": failure_of(error, self._mask)} if error else {}

    def _write(self, row: dict[str, Any]) -> None:
        if not self._is_open:
            return
        self._is_open = False
        try:
            line = line_of({"call": self._form, "ms": self._ms(), **row})
        except ConfigurationError:
            # It was no JSON, so the attempt has told that itself.
            return
        append(self._path, line)

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
            self._entry.end()
            raise
        except GenAIError as error:
            self._entry.end(error)
            raise
        self._entry.add(chunk)
        return chunk

    def close(self) -> None:
        """Stop; what came is written."""
        self._chunks.close()
        self._entry.end(was_left=True)


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
            await asyncio.to_thread(self._entry.end)
            raise
        except GenAIError as error:
            await asyncio.to_thread(self._entry.end, error)
            raise
        self._entry.add(chunk)
        return chunk

    async def aclose(self) -> None:
        """Stop; what came is written."""
        await self._chunks.aclose()
        await asyncio.to_thread(self._entry.end, was_left=True)
