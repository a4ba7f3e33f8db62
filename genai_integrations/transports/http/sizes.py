"""How much of an answer is taken."""

from __future__ import annotations

from genai_integrations.errors import InvalidReplyError
from genai_integrations.settings import answer_limits


class Collected:
    """The pieces of a whole answer, which may be only so large."""

    __slots__ = ("_most", "_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._most = answer_limits().body

    def add(self, piece: bytes) -> None:
        """Take one more.

        Raises:
            InvalidReplyError: Together they are too large.
        """
        self._size += len(piece)
        if self._size > self._most:
            raise InvalidReplyError(too_large("the answer", self._most, "GENAI_MAX_BODY_BYTES"))
        self._pieces.append(piece)

    def whole(self) -> bytes:
        """All of them."""
        return b"".join(self._pieces)


def too_large(what: str, most: int, variable: str) -> str:
    """What to say of something that is larger than allowed."""
    return f"{what} is larger than {most} bytes: if that is right, set {variable}"
