"""The chunks of a stream, kept as JSON: what all have in common once."""

from __future__ import annotations

import json
from collections.abc import Iterator

from genai_integrations.calls.wire import END, Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import jsonbytes

_OWN = frozenset(("choices", "usage"))
"""What a chunk has of its own; an id, a model and a time are the stream's."""


class Pieces:
    """The chunks of one stream, as they came. Only one thread at a time adds, and any may read."""

    def __init__(self) -> None:
        self._head: Wire | None = None
        self._rows: list[bytes] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, chunk: Wire) -> None:
        """Take the next chunk, which is not kept itself."""
        self._rows.append(_written(self._thin(chunk)))

    def chunk(self, at: int) -> Wire:
        """The chunk at a place, the caller's own."""
        return thick(self._head or {}, jsonbytes.loads(self._rows[at]))

    def entry(self) -> Wire:
        """All of them, as JSON's values."""
        return {"head": self._head or {}, "rows": list(map(jsonbytes.loads, self._rows))}

    def _thin(self, chunk: Wire) -> object:
        shared = {name: value for name, value in chunk.items() if name not in _OWN}
        if self._head is None and "choices" in chunk:
            self._head = shared
        if shared != self._head or "choices" not in chunk:
            return chunk
        return [chunk[name] for name in ("choices", "usage") if name in chunk]


def chunks_of_entry(entry: Wire) -> Iterator[Wire]:
    """The chunks that `Pieces.entry` holds."""
    for row in entry["rows"]:
        yield thick(entry["head"], row)


def thick(head: Wire, row: Wire | list[object]) -> Wire:
    """A chunk as it came, of what it has of its own and what all have."""
    if isinstance(row, dict):
        return row or END
    return {**head, **dict(zip(("choices", "usage"), row, strict=False))}


def _written(row: object) -> bytes:
    try:
        return jsonbytes.dumps(row)
    except ConfigurationError:
        # A number that is none: readers get it as it came, and such a stream is not kept.
        return json.dumps(row).encode()
