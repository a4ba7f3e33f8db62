"""Messages of AWS's binary event stream."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from zlib import crc32

CONTENT_TYPE = "application/vnd.amazon.eventstream"
"""What a stream of these messages is called in HTTP."""

_PRELUDE = 12
_CHECKSUM = 4
_STRING = 7


def event_frame(kind: str, value: Mapping[str, object]) -> bytes:
    """One event, such as `contentBlockDelta`."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, encoded(value))


def exception_frame(kind: str, message: str) -> bytes:
    """An error in the middle of a stream, such as `throttlingException`."""
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, encoded({"message": message}))


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Any message: lengths and their checksum, headers that are all texts, payload, checksum of it all."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    total = _PRELUDE + len(block) + len(payload) + _CHECKSUM
    lengths = struct.pack("!II", total, len(block))
    message = lengths + struct.pack("!I", crc32(lengths)) + block + payload
    return message + struct.pack("!I", crc32(message))


def encoded(value: object) -> bytes:
    """JSON as Bedrock sends it: compact, in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _header(name: str, value: str) -> bytes:
    key, data = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(data)) + data
