"""Spans as the body of an OTLP export, written down directly.

OpenTelemetry's encoder makes an object of each attribute first, which took ten times as long, and as long as the rest of
recording a call. The fields and their numbers are those of opentelemetry-proto 1, `trace/v1/trace.proto`,
`common/v1/common.proto` and `resource/v1/resource.proto`, which may be added to and never change.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_integrations.tracing.record import Record

_INTERNAL = b"\x30\x01"
"""The kind of a span."""

_HAS_REMOTE, _REMOTE = 0x100, 0x200
"""Flags: it is known whether the parent is another process's, and it is."""

_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5


def export(
    records: Sequence[Record],
    resource: Mapping[str, object],
    scope: tuple[str, str],
    about: Mapping[str, object],
) -> bytes:
    """The body: spans of one resource and one scope.

    Args:
        records: The spans.
        resource: Attributes of the program.
        scope: Name and version of the library that writes.
        about: Attributes of the same.
    """
    name, version = scope
    library = _text(1, name) + _text(2, version) + _attributes(3, about)
    spans = b"".join([_bytes(2, _span(record)) for record in records])
    return _bytes(1, _bytes(1, _attributes(1, resource)) + _bytes(2, _bytes(1, library) + spans))


def _span(record: Record) -> bytes:
    context, parent = record.context, record.parent
    flags = _HAS_REMOTE if parent is None or not parent.is_remote else _HAS_REMOTE | _REMOTE
    state = ",".join([f"{key}={value}" for key, value in (context.trace_state or {}).items()])
    parts = [
        _bytes(1, context.trace_id.to_bytes(16, "big")),
        _bytes(2, context.span_id.to_bytes(8, "big")),
        _text(3, state) if state else b"",
        b"" if parent is None else _bytes(4, parent.span_id.to_bytes(8, "big")),
        _text(5, record.name),
        _INTERNAL,
        _tag(7, _FIXED_64) + struct.pack("<Q", record.began),
        _tag(8, _FIXED_64) + struct.pack("<Q", record.ended),
        _attributes(9, record.attributes),
        _bytes(15, _status(record)),
        _tag(16, _FIXED_32) + struct.pack("<I", flags),
    ]
    return b"".join(parts)


def _status(record: Record) -> bytes:
    """Empty for one of which nobody said how it went."""
    status = record.status
    if status is None:
        return b""
    code = status.status_code.value
    return _text(2, status.description or "") + (_tag(3, _VARINT) + _varint(code) if code else b"")


def _attributes(field: int, values: Mapping[str, object]) -> bytes:
    tag = _tag(field, _LENGTH)
    made = []
    for key, value in values.items():
        # One loop, and the usual kind of value without a function: most of an export is this.
        if type(value) is str:
            data = value.encode(errors="replace")
            said: bytes | None = b"\x0a" + _varint(len(data)) + data
        else:
            said = _any(value)
        if said is not None:
            pair = _key(key) + b"\x12" + _varint(len(said)) + said
            made.append(tag + _varint(len(pair)) + pair)
    return b"".join(made)


def _any(value: object) -> bytes | None:
    """A value; None for one that OTLP does not know."""
    if isinstance(value, str):
        data = _utf8(value)
        return b"\x0a" + _varint(len(data)) + data
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        return b"\x18" + _varint(value & _ALL_BITS) if -_HALF <= value < _HALF else None
    if isinstance(value, float):
        return b"\x21" + struct.pack("<d", value)
    if isinstance(value, (list, tuple)):
        rows = [said for said in map(_any, value) if said is not None]
        return _bytes(5, b"".join([_bytes(1, said) for said in rows]))
    return None


_HALF = 1 << 63
_ALL_BITS = (1 << 64) - 1


@lru_cache(1024)
def _key(name: str) -> bytes:
    return _text(1, name)


def _text(field: int, value: str) -> bytes:
    """A text field, and nothing of one that is empty, as of all fields of their usual value."""
    return _bytes(field, _utf8(value)) if value else b""


def _utf8(value: str) -> bytes:
    """A lone surrogate cannot be sent."""
    return value.encode(errors="replace")


def _bytes(field: int, data: bytes) -> bytes:
    return _tag(field, _LENGTH) + _varint(len(data)) + data


@lru_cache(64)
def _tag(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


@lru_cache(4096)
def _varint(number: int) -> bytes:
    """Seven bits in a byte, the lowest first."""
    made = bytearray()
    while number >= _ONE_BYTE:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


_ONE_BYTE = 0x80
