"""AWS's binary event stream, split from bytes as they arrive.

Source: smithy.io, "Amazon Event Stream Specification". A message is 4 bytes of its whole length, 4 bytes of its headers'
length, 4 bytes of checksum of these eight, headers, payload, and 4 bytes of checksum of all before.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from zlib import crc32

from genai_integrations.errors import InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.http.sse import ErrorData, WholeData

_LENGTHS = struct.Struct("!III")
_CHECKSUM = struct.Struct("!I")
_SHORT = struct.Struct("!H")
_AROUND = _LENGTHS.size + _CHECKSUM.size
_MOST_HEADERS = 128 * 1024
_MOST_PAYLOAD = 24 * 1024 * 1024
"""The specification's limits, in bytes. Without them a broken length would be waited for until the memory is full."""

_LARGEST_FIRST = _MOST_PAYLOAD >> 24
"""The first byte of a message is that of its length; JSON and pages begin with larger ones."""

_TEXT, _BYTES = 7, 6
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of the values whose type says how long they are: booleans, integers, a time, a UUID."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_MOST_KINDS = 64


class EventStreamDecoder:
    """Splits a byte stream into JSON texts `{"<event type>": <payload>}`.

    An exception or error is `ErrorData` with `{"error": {"type": "throttlingException", "message": "..."}}`. A body that
    is no event stream comes whole from `flush`. The cost of an event does not depend on how many pieces it arrives in.
    """

    __slots__ = ("_held", "_is_whole", "_missing", "_openings", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0
        self._missing = _LENGTHS.size
        self._is_whole: bool | None = None
        # Of one kind of event the headers are the same bytes each time, and so is how its text begins.
        self._openings: dict[bytes, bytes] = {}

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take the next piece and give every event that it completes.

        Raises:
            InvalidReplyError: What follows is no message, or was changed on its way.
        """
        data = self._gathered(piece)
        if data is None:
            return
        at, length, self._missing = 0, len(data), _LENGTHS.size
        # One loop and few calls: this runs for every token.
        while length - at >= _LENGTHS.size:
            whole, headers, checksum = _LENGTHS.unpack_from(data, at)
            if crc32(data[at : at + 8]) != checksum:
                raise InvalidReplyError(_CHANGED)
            if headers > _MOST_HEADERS or not 0 <= whole - headers - _AROUND <= _MOST_PAYLOAD:
                raise InvalidReplyError("the stream has a message of an impossible length")
            if whole > length - at:
                self._missing = whole
                break
            start, end = at + _LENGTHS.size + headers, at + whole - _CHECKSUM.size
            if crc32(data[at:end]) != _CHECKSUM.unpack_from(data, end)[0]:
                raise InvalidReplyError(_CHANGED)
            block, payload = data[at + _LENGTHS.size : start], data[start:end]
            at += whole
            opening = self._openings.get(block)
            if opening is None:
                yield self._first_of_its_kind(block, payload)
            else:
                yield opening + (payload or b"{}") + b"}"
        self._held = length - at
        self._pieces = [data[at:]] if self._held else []

    def _gathered(self, piece: bytes) -> bytes | None:
        """The piece with what was held back; None if that does not complete what is waited for."""
        if self._is_whole is None and piece:
            self._is_whole = piece[0] > _LARGEST_FIRST
        if not (self._pieces or self._is_whole):
            return piece or None
        self._pieces.append(piece)
        self._held += len(piece)
        if self._is_whole or self._held < self._missing:
            return None
        return b"".join(self._pieces)

    def flush(self) -> list[bytes]:
        """The body is over: all of it if it was no event stream. A message that is cut short is dropped."""
        return [WholeData(b"".join(self._pieces))] if self._is_whole else []

    def _first_of_its_kind(self, block: bytes, payload: bytes) -> bytes:
        """The text of an event whose headers are read; of an exception, each time."""
        try:
            headers = dict(_parsed(block))
        except (struct.error, IndexError, KeyError, UnicodeDecodeError):
            raise InvalidReplyError("the stream has a message with broken headers") from None
        kind, name = headers.get(":message-type"), headers.get(":event-type", "")
        if kind == "exception":
            return _error({"type": headers.get(":exception-type", "")}, payload)
        if kind == "error":
            # Errors that no model of the service knows have no payload.
            told = {"type": headers.get(":error-code"), "message": headers.get(":error-message")}
            return _error(told, b"")
        if kind != "event" or not _NAME.fullmatch(name):
            raise InvalidReplyError("the stream has a message that is not an event")
        opening = b'{"%b":' % name.encode()
        if len(self._openings) < _MOST_KINDS:
            self._openings[block] = opening
        return opening + (payload or b"{}") + b"}"


_CHANGED = "the stream has a message with a wrong checksum"


def _parsed(block: bytes) -> Iterator[tuple[str, str]]:
    """The headers that are texts; the others are passed over."""
    at = 0
    while at < len(block):
        start = at + 1
        at = start + block[at]
        name, kind = block[start:at].decode(), block[at]
        at += 1
        if kind not in (_TEXT, _BYTES):
            at += _SIZES[kind]
            continue
        start = at + _SHORT.size
        at = start + _SHORT.unpack_from(block, at)[0]
        if kind == _TEXT:
            yield name, block[start:at].decode()
    if at != len(block):
        raise IndexError


def _error(told: dict[str, str | None], payload: bytes) -> ErrorData:
    try:
        said = jsonbytes.loads(payload or b"{}")
    except ValueError:
        said = {"message": payload.decode(errors="replace")}
    said = said if isinstance(said, dict) else {"message": str(said)}
    return ErrorData(jsonbytes.dumps({"error": {**said, **told}}))
