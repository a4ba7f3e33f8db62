"""Answers that a server packed though it was asked not to: unpacked piece by piece, and never more than is sane."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from genai_integrations.errors import InvalidReplyError
from genai_integrations.runtime.network import PIECE

_GZIP_OR_ZLIB = 47
"""What `zlib` calls the two together."""
_ZLIB, _GZIP = 0x8, 0xF
"""The low halves of their first bytes."""

_UNDERSTOOD = ("gzip", "x-gzip", "deflate")

_SUSPICIOUS = 8 << 20
"""Bytes from which on it is asked how well they were packed."""
_MOST_TIMES = 200
"""Times that a body may grow by then. JSON of words grows by ten, a picture's base64 hardly."""


def unpacking(headers: Mapping[str, str]) -> Unpacking | None:
    """What unpacks the body of an answer with these headers; None if it is not packed."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return None
    return Unpacking("" if encoding in _UNDERSTOOD else encoding)


class Unpacking:
    """Unpacks gzip of any number of members, and deflate with or without the head that its standard wants.

    Args:
        foreign: The name of an encoding that is neither, and not understood.

    Attributes:
        given: Bytes that came of it so far.
    """

    def __init__(self, foreign: str = "") -> None:
        self._foreign = foreign
        self._inner: Any = None
        self._packed = b""
        self._is_full = False
        self._taken = self.given = 0

    def feed(self, packed: bytes) -> None:
        """Take the next bytes; what was there before must have been unpacked.

        Raises:
            InvalidReplyError: They are packed in a way that was not asked for, and is not understood.
        """
        if self._foreign:
            # Not before: of a refusal without a body it does not matter how that is packed.
            raise InvalidReplyError(
                f"the answer is encoded as {self._foreign!r}, which was not asked for"
            )
        self._packed = packed
        self._taken += len(packed)

    def piece(self) -> bytes:
        """The next unpacked bytes, not many at once; none if it takes more packed ones.

        Raises:
            InvalidReplyError: They are not packed so, or grow as only a bomb does.
        """
        while self._packed or self._is_full:
            if self._inner is None:
                self._inner = zlib.decompressobj(_window(self._packed))
            try:
                piece: bytes = self._inner.decompress(self._packed, PIECE)
            except zlib.error:
                raise InvalidReplyError("the answer is not packed as its head says") from None
            # Where the piece is full, more of it may wait inside, without any bytes left to feed.
            self._is_full = len(piece) == PIECE and not self._inner.eof
            self._packed = self._inner.unused_data or self._inner.unconsumed_tail
            if self._inner.eof:
                self._inner = None
            if piece:
                self._check_growth(len(piece))
                return piece
        return b""

    def check_end(self) -> None:
        """The body is over.

        Raises:
            InvalidReplyError: In the midst of what was packed.
        """
        if self._inner is not None:
            raise InvalidReplyError("the packed answer was cut short")

    def _check_growth(self, size: int) -> None:
        self.given += size
        if self.given > _SUSPICIOUS and self.given > _MOST_TIMES * self._taken:
            raise InvalidReplyError(
                f"the packed answer grows more than {_MOST_TIMES} times: it is not read further"
            )


def _window(data: bytes) -> int:
    """How `zlib` is to read what begins so. The low half of zlib's first byte is 8; of a bare block it never is."""
    return _GZIP_OR_ZLIB if data[0] & 0x0F in (_ZLIB, _GZIP) else -zlib.MAX_WBITS
