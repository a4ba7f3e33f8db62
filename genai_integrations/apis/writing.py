"""A stream in an API's own events: written of its chunks, or relayed where the target speaks the same API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from genai_integrations.apis.told import FIELD, told
from genai_integrations.calls.wire import Relayed, Wire
from genai_integrations.errors import GenAIError, StreamInterruptedError
from genai_integrations.routing.streams import AsyncReplyStream


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


async def written(stream: AsyncReplyStream, writer: Writer) -> AsyncGenerator[bytes]:
    """The events of a stream. None of our errors comes out of it: one that breaks ends with the API's event for that."""
    relayed = 0
    try:
        while chunks := await stream.arrived():
            made = []
            for wire in chunks:
                if isinstance(wire, Relayed):
                    relayed += 1
                    made.append(wire.raw)
                elif "restarted" in wire:
                    raise StreamInterruptedError(_NO_WORD)
                elif not relayed:
                    # The first chunk says which it is: one that is relayed stands before what was read of it.
                    made.append(writer.take(wire))
            if data := b"".join(made):
                yield data
    except GenAIError as error:
        yield writer.broken(error, relayed)
    else:
        if not relayed:
            yield writer.finish({FIELD: told(stream.route)})


_NO_WORD = "the stream broke, and this API has no way to say that it begins anew: ask again"
