"""A stream in an API's own events: written of its chunks, or relayed where the target speaks the same API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from typing import Protocol

from genai_integrations.apis.told import FIELD, told
from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Relayed, Wire
from genai_integrations.errors import GenAIError, StreamInterruptedError
from genai_integrations.routing.streams import AsyncReplyStream, ReplyStream

ONCE: Wire = {"stream_recovery": None}
"""Parameters of a call whose stream is written so: there is no word for one that begins anew, so none is paid for."""


class Writer(Protocol):
    """Writes the events of one stream."""

    def take(self, chunk: Wire) -> bytes:
        """The events that a chunk stands for; empty for none."""
        ...

    def finish(self, beside: Mapping[str, object]) -> bytes:
        """The events of the end, with what the last one has beside its own fields."""
        ...

    def broken(self, error: GenAIError, relayed: int) -> bytes:
        """The event of a stream that broke, behind so many events that were relayed."""
        ...


class _Written:
    """What is written of a stream, whoever reads it.

    Args:
        writer: Writes what is not relayed.
    """

    __slots__ = ("_made", "_relayed", "_writer")

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._relayed = 0
        self._made: list[bytes] = []

    def taken(self, chunks: Iterable[Wire]) -> bytes:
        """The events of chunks.

        Raises:
            StreamInterruptedError: The stream begins anew.
        """
        for wire in chunks:
            if isinstance(wire, Relayed):
                self._relayed += 1
                self._made.append(wire.raw)
            elif "restarted" in wire:
                # Of a gateway behind the target.
                raise StreamInterruptedError(_NO_WORD)
            elif not self._relayed:
                # The first chunk says which it is: one that is relayed stands before what was read of it.
                self._made.append(self._writer.take(wire))
        return self._taken_out()

    def broken(self, error: GenAIError) -> bytes:
        """The end of one that broke, behind what came at the same moment."""
        return self._taken_out() + self._writer.broken(error, self._relayed)

    def ended(self, route: Route) -> bytes:
        """The end of a whole one; one that was relayed has had its own."""
        return b"" if self._relayed else self._writer.finish({FIELD: told(route)})

    def _taken_out(self) -> bytes:
        made, self._made = self._made, []
        return b"".join(made)


def written(stream: ReplyStream, writer: Writer) -> Generator[bytes]:
    """The events of a stream. None of our errors comes out of it: one that breaks ends with the API's event for that."""
    own = _Written(writer)
    try:
        for chunk in stream:
            if data := own.taken((chunk.wire,)):
                yield data
    except GenAIError as error:
        yield own.broken(error)
    else:
        if data := own.ended(stream.route):
            yield data


async def awritten(stream: AsyncReplyStream, writer: Writer) -> AsyncGenerator[bytes]:
    """As `written`; what has come at once is written at once."""
    own = _Written(writer)
    try:
        while chunks := await stream.arrived():
            if data := own.taken(chunks):
                yield data
    except GenAIError as error:
        yield own.broken(error)
    else:
        if data := own.ended(stream.route):
            yield data


_NO_WORD = "the stream broke, and this API has no way to say that it begins anew: ask again"
