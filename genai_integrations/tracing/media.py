"""Pictures and files in a span: uploaded apart, once each, with a reference in their place, as the SDK does it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_integrations.tracing.record import Record

_START = "langfuse.observation."
_FIELDS = ("input", "output", "metadata")

_DATA_URI = re.compile(
    r'(?<=")data:([\w.+/-]+)(?:;[\w.+=-]+)*;base64,([A-Za-z0-9+/_=-]+)(?=")|'
    r"\Adata:([\w.+/-]+)(?:;[\w.+=-]+)*;base64,([A-Za-z0-9+/_=-]+)\Z"
)
"""A text of JSON that is one data URI, or a text that is one itself."""

_OTHER_ALPHABET = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Medium:
    """One picture or file.

    Attributes:
        kind: Its content type.
        content: Its bytes.
        trace_id: The trace that has it.
        span_id: The observation that has it.
        field: `input`, `output` or `metadata`.
    """

    kind: str
    content: bytes
    trace_id: str
    span_id: str
    field: str

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.content)

    @property
    def hash(self) -> str:
        """What Langfuse tells it by: SHA-256 as base64."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()

    @property
    def name(self) -> str:
        """Its id, which the server derives from the hash in the same way."""
        return self.hash.replace("+", "-").replace("/", "_")[:22]

    @property
    def reference(self) -> str:
        """What stands in its place."""
        return f"@@@langfuseMedia:type={self.kind}|id={self.name}|source=base64_data_uri@@@"


def take_media(record: Record) -> Iterator[Medium]:
    """Replace every data URI of a span by its reference, and give what was taken out."""
    for key, value in record.attributes.items():
        if type(value) is not str or "data:" not in value or not key.startswith(_START):
            continue
        field = key.removeprefix(_START).partition(".")[0]
        if field in _FIELDS:
            found: list[Medium] = []
            # A key that is there keeps its place, so the loop may go on.
            record.attributes[key] = _DATA_URI.sub(_replacing(record, field, found), value)
            yield from found


def _replacing(record: Record, field: str, found: list[Medium]) -> Callable[[re.Match[str]], str]:
    trace_id = f"{record.context.trace_id:032x}"
    span_id = f"{record.context.span_id:016x}"

    def replaced(match: re.Match[str]) -> str:
        kind, text = match[1] or match[3], match[2] or match[4]
        try:
            content = base64.b64decode(text.translate(_OTHER_ALPHABET))
        except binascii.Error:
            return match[0]
        medium = Medium(kind, content, trace_id, span_id, field)
        found.append(medium)
        return medium.reference

    return replaced
