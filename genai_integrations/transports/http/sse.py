"""Server-sent events, split from bytes as they arrive."""

from __future__ import annotations

from genai_integrations.errors import InvalidReplyError
from genai_integrations.settings import answer_limits

_BOM = b"\xef\xbb\xbf"
_PLAIN = (b"", b"message", b"error")
_WHOLE = (b"{", b"[", b"<")


class ErrorData(bytes):
    """The data of an event that the server named `error`."""

    __slots__ = ()


class WholeData(bytes):
    """A body that is no stream of events: JSON or a page, as its first character says."""

    __slots__ = ()


class SSEDecoder:
    """Splits a byte stream into the data of its events.

    Follows the WHATWG HTML standard, "Event stream interpretation": lines end with CR, LF or CRLF, comments
    start with a colon, several `data` lines are joined by LF, one byte order mark at the start is skipped.
    Works on bytes, so a character split between two pieces needs no care. The cost of an event does not
    depend on how many pieces it arrives in.

    Whether a body is a stream is seen by its first character, since servers label streams `application/json`
    and answers `text/event-stream`: no event begins with one of `{[<`. Such a body comes whole from `flush`.

    Args:
        carrying: What an event with a name of its own must have in it to be handed on: in a dialect whose events have
            no names it is a `ping` or the like without. Empty where all events count.
    """

    __slots__ = (
        "_after_cr",
        "_carrying",
        "_ends_in_lf",
        "_held",
        "_is_whole",
        "_limits",
        "_pieces",
        "_started",
    )

    def __init__(self, carrying: tuple[bytes, ...] = ()) -> None:
        self._carrying = carrying
        self._limits = answer_limits()
        self._pieces: list[bytes] = []
        self._held = 0
        self._ends_in_lf = False
        self._after_cr = False
        self._started = False
        self._is_whole = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next piece and return the data of every event that it completes.

        Raises:
            InvalidReplyError: An event, or an answer that is no stream, is too large.
        """
        if not self._started:
            piece = self._start(piece)
        if self._is_whole:
            self._hold(piece)
            return []
        if self._after_cr or b"\r" in piece:
            piece = self._normalise(piece)
        if not (b"\n\n" in piece or (self._ends_in_lf and piece[:1] == b"\n")):
            if piece:
                self._hold(piece)
                self._ends_in_lf = piece[-1:] == b"\n"
            return []
        if self._pieces:
            self._pieces.append(piece)
            piece = b"".join(self._pieces)
        *blocks, rest = piece.split(b"\n\n")
        self._pieces = [rest] if rest else []
        self._held = len(rest)
        self._ends_in_lf = rest[-1:] == b"\n"
        # Almost every event is one line, of which no function is asked.
        return [
            data
            for block in blocks
            if (
                data := block[6:]
                if block[:6] == b"data: " and b"\n" not in block
                else _data_of(block, self._carrying)
            )
            is not None
        ]

    def flush(self) -> list[bytes]:
        """The data of a last event that the server did not end with a blank line.

        The standard drops it; servers that forget the blank line after `[DONE]` are common.
        """
        block = b"".join(self._pieces)
        self._pieces = []
        if self._is_whole:
            return [WholeData(block)]
        data = _data_of(block, self._carrying)
        return [] if data is None else [data]

    def _hold(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._held += len(piece)
        if self._is_whole:
            most, variable = self._limits.body, "GENAI_MAX_BODY_BYTES"
        else:
            most, variable = self._limits.event, "GENAI_MAX_EVENT_BYTES"
        if self._held > most:
            from genai_integrations.transports.http.sizes import too_large

            raise InvalidReplyError(too_large("an event of the stream", most, variable))

    def _start(self, piece: bytes) -> bytes:
        piece = b"".join((*self._pieces, piece))
        whole = piece.removeprefix(_BOM)
        begun = whole.lstrip()
        if not begun or (len(piece) < len(_BOM) and _BOM.startswith(piece)):
            # Nothing but white space so far, which is no event.
            self._pieces = [piece] if piece else []
            return b""
        self._pieces = []
        self._started = True
        self._is_whole = begun[:1] in _WHOLE
        return whole

    def _normalise(self, piece: bytes) -> bytes:
        if piece:
            if self._after_cr:
                piece = piece.removeprefix(b"\n")
            self._after_cr = piece[-1:] == b"\r"
        return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _data_of(block: bytes, carrying: tuple[bytes, ...]) -> bytes | None:
    """The joined data lines of one event; None if it has none, or is a named one that carries nothing of an answer."""
    lines = []
    name = b""
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            name = value
        elif field == b"error":
            # llama.cpp's, and those who run it: no field of the standard.
            lines.append(value)
            name = field
    if not lines:
        # Google breaks a stream off with a bare error object, which is no event.
        return ErrorData(block) if block.lstrip()[:1] == b"{" else None
    data = b"\n".join(lines)
    if carrying and name not in _PLAIN and not any(mark in data for mark in carrying):
        return None
    return ErrorData(data) if name == b"error" else data
