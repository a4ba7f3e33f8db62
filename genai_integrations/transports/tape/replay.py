"""A transport that gives what was recorded, and asks nobody."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

from genai_integrations.calls.wire import END, Wire, WireCall, has_content
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.providers import Dialect, provider_named
from genai_integrations.errors import ReplayError, RequestTimeoutError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.secret import Secret
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.tape.failures import failure
from genai_integrations.transports.tape.file import read
from genai_integrations.transports.tape.form import Call, call_of, mark_of
from genai_integrations.transports.tape.nearest import why_not


class _Row(NamedTuple):
    line: int
    call: Call
    data: dict[str, Any]


class Replay:
    """Gives the answers of a tape, streams as streams and errors as errors, in the order in which they came.

    Each recorded attempt is given once. Whatever is not on the tape, or is asked more often than it was recorded, ends
    the call with a `ReplayError` that names the nearest recorded call and where the two differ.

    Args:
        path: The tape.
        timed: Whether answers and pieces take as long as they did; default they come at once.

    Attributes:
        connections: Those that were asked, each with the models it was asked for, and without keys.

    Raises:
        ConfigurationError: There is no such tape, or it is of another version.
    """

    def __init__(self, path: str | os.PathLike[str], *, timed: bool = False) -> None:
        self._path = Path(path)
        self._timed = timed
        self._rows = [_Row(line, data["call"], data) for line, data in read(self._path)]
        self._left: dict[bytes, deque[_Row]] = {}
        for row in self._rows:
            self._left.setdefault(mark_of(row.call), deque()).append(row)
        self.connections = _connections(row.call for row in self._rows)

    def __repr__(self) -> str:
        return f"Replay({str(self._path)!r})"

    def is_ready(self, call: WireCall) -> bool:  # noqa: ARG002  the protocol's
        """It always is."""
        return True

    is_aready = is_ready

    def prepare(self, call: WireCall, ends: float | None) -> None:
        """There is nothing to load."""

    async def aprepare(self, call: WireCall, ends: float | None) -> None:
        """There is nothing to load."""

    def send(self, call: WireCall, patience: Patience) -> Wire:
        """The next recorded answer.

        Raises:
            ReplayError: There is none.
        """
        row = self._next(call)
        if self._timed:
            _sleep(row.data["ms"] / 1000, patience)
        return _answer(row)

    async def asend(self, call: WireCall, idle: float) -> Wire:  # noqa: ARG002  the protocol's
        """As `send`."""
        row = self._next(call)
        if self._timed:
            await asyncio.sleep(row.data["ms"] / 1000)
        return _answer(row)

    def stream(self, call: WireCall, patience: Patience) -> ReplayedChunks:
        """The next recorded stream. Raises as `send`, when it is read."""
        return ReplayedChunks(lambda: self._steps(call), patience if self._timed else None)

    def astream(self, call: WireCall, idle: float) -> AsyncReplayedChunks:  # noqa: ARG002  the protocol's
        """As `stream`."""
        return AsyncReplayedChunks(lambda: self._steps(call), timed=self._timed)

    def close(self) -> None:
        """There is nothing to forget."""

    async def aclose(self) -> None:
        """There is nothing to forget."""

    def _next(self, call: WireCall) -> _Row:
        asked = call_of(call)
        left = self._left.get(mark_of(asked))
        with contextlib.suppress(IndexError):
            if left is not None:
                return left.popleft()
        what = f"{asked['connection']}/{asked['model']} ({asked['operation']})"
        if left is not None:
            times = sum(mark_of(row.call) == mark_of(asked) for row in self._rows)
            raise ReplayError(
                f"{what} was recorded {times} times in {self._path}, and is asked once more: record it again"
            )
        why = why_not(asked, ((row.line, row.call) for row in self._rows))
        raise ReplayError(
            f"{what} is not on the tape {self._path}: {why}; if it is right, record it"
        )

    def _steps(self, call: WireCall) -> Iterator[tuple[float, Wire]]:
        """The chunks of a stream, each with the seconds after which it came; then how it ended."""
        row = self._next(call)
        shown = False
        for ms, chunk in row.data.get("chunks", ()):
            shown = shown or has_content(chunk)
            # `END` is known by its identity.
            yield ms / 1000, chunk or END
        if "error" in row.data:
            raise failure(row.data["error"])
        if row.data.get("was_left"):
            if not shown:
                raise RequestTimeoutError("no answer in the time that was recorded")
            raise ReplayError(
                f"line {row.line} of {self._path} ends here, where its reader had left: record it again"
            )


class ReplayedChunks:
    """A recorded stream, for a `for` loop."""

    def __init__(
        self, steps: Callable[[], Iterator[tuple[float, Wire]]], patience: Patience | None
    ) -> None:
        self._make = steps
        self._patience = patience
        self._steps: Iterator[tuple[float, Wire]] | None = None
        self._is_closed = threading.Event()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Wire:
        if self._is_closed.is_set():
            raise StopIteration
        if self._steps is None:
            self._began = time.monotonic()
            self._steps = self._make()
        at, chunk = next(self._steps)
        if self._patience is not None:
            _sleep(self._began + at - time.monotonic(), self._patience, self._is_closed)
        return chunk

    def close(self) -> None:
        """Stop. A thread that waits for a chunk is let go."""
        self._is_closed.set()


class AsyncReplayedChunks:
    """As `ReplayedChunks`, for an `async for` loop."""

    def __init__(self, steps: Callable[[], Iterator[tuple[float, Wire]]], *, timed: bool) -> None:
        self._make = steps
        self._timed = timed
        self._steps: Iterator[tuple[float, Wire]] | None = None
        self._is_closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Wire:
        if self._is_closed:
            raise StopAsyncIteration
        if self._steps is None:
            self._began = time.monotonic()
            self._steps = self._make()
        try:
            at, chunk = next(self._steps)
        except StopIteration:
            raise StopAsyncIteration from None
        if self._timed:
            await asyncio.sleep(max(self._began + at - time.monotonic(), 0.0))
        return chunk

    async def aclose(self) -> None:
        """Stop."""
        self._is_closed = True


def _answer(row: _Row) -> Wire:
    if "error" in row.data:
        raise failure(row.data["error"])
    reply: Wire = jsonbytes.loads(jsonbytes.dumps(row.data["reply"]))
    return reply


def _sleep(seconds: float, patience: Patience, end: threading.Event | None = None) -> None:
    """Let the recorded time pass, within the caller's.

    Raises:
        RequestTimeoutError: That was shorter.
    """
    left = patience.left()
    (end or threading.Event()).wait(max(min(seconds, left), 0.0))
    if seconds > left:
        raise patience.error()


def _connections(calls: Iterator[Call]) -> list[Connection]:
    """Connections that need no key, in the order in which they were asked."""
    firsts: dict[str, Call] = {}
    models: dict[str, dict[str, None]] = {}
    for call in calls:
        # The first one is as the program gave it; a later one may be as OpenAI's newer API is spoken to.
        firsts.setdefault(call["connection"], call)
        models.setdefault(call["connection"], {})[call["model"]] = None
    return [
        Connection(
            name,
            provider,
            Secret("replayed"),
            custom_models=tuple(models[name]),
            dialect=cast("Dialect | None", first["dialect"]),
        )
        for name, first in firsts.items()
        if (provider := provider_named(first["provider"])) is not None
    ]
