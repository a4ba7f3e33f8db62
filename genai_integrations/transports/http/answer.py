"""An HTTP answer for threads: its head, and its body, with its framing."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, Protocol, cast

from genai_integrations.runtime.network import PIECE
from genai_integrations.transports.http.heads import (
    LARGEST_HEAD,
    TOO_LARGE,
    by_name,
    length_of,
    says_close,
    unfolded,
)
from genai_integrations.transports.http.packing import unpacking
from genai_integrations.transports.http.patience import Patience


class Reader(Protocol):
    """The bytes of a connection."""

    def makefile(self, mode: str, /) -> io.BufferedReader:
        """The same, buffered."""
        ...

    def stop(self) -> None:
        """Read nothing more: what is buffered by now is all there is."""
        ...

    def hang_up(self) -> None:
        """End the connection, from any thread."""
        ...


class PatientReader(io.RawIOBase):
    """A socket's bytes; each wait is as long as the answer may still take, for its head too."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience
        self._seconds = -1.0
        self._is_over = False

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What the standard library asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """As every socket."""
        return True

    def readinto(self, buffer: Any) -> int:
        """What has come, as soon as something has.

        Raises:
            TimeoutError: Nothing came in time.
            RequestTimeoutError: The answer's time was over before.
        """
        if self._is_over:
            return 0
        left = self._patience.left()
        if left != self._seconds:
            self._sock.settimeout(left)
            self._seconds = left
        return self._sock.recv_into(buffer)

    def stop(self) -> None:
        """Read nothing more: what is buffered by now is all there is."""
        self._is_over = True

    def hang_up(self) -> None:
        """End the connection, from any thread: whoever waits for its bytes is let go."""
        self._is_over = True
        # TLS in TLS, by a proxy, has the socket inside. An SSL socket's own method would have the reader take
        # encrypted bytes for plain ones.
        inner = getattr(self._sock, "socket", self._sock)
        with contextlib.suppress(OSError):
            socket.socket.shutdown(inner, socket.SHUT_RDWR)


class Answer(HTTPResponse):
    """The answer to a POST. Informational ones before it (100 Continue, 103 Early Hints) are passed over.

    Args:
        reader: The connection's bytes.
        done: Called once when the answer is closed, with `usable`: whether its body was read to its end, so
            that the connection can be used again.

    Attributes:
        status: HTTP status.
        headers: By lower-case name.
        packed: What unpacks its body; None if that is not packed.
    """

    headers: dict[str, str]  # type: ignore[assignment]  # no e-mail here

    def __init__(self, reader: Reader, done: Callable[..., None]) -> None:
        self._reader = reader
        self._done: Callable[..., None] | None = done
        self._is_whole = False
        self._is_clean = False
        # Between reading to the end, after which the connection is another's, and hanging up in another thread.
        self._lock = threading.Lock()
        super().__init__(cast(Any, reader), method="POST")

    def begin(self) -> None:
        """Read the head.

        Raises:
            http.client.HTTPException: It is none, or too large, or was cut short.
        """
        status = 0
        while status < 200:
            usual = _usual_head(self.fp)
            if usual is None:
                version, status, _ = self._read_status()  # type: ignore[attr-defined]
            else:
                version, status, lines = usual
            if not version.startswith("HTTP/1.") or status == 101:
                raise HTTPException(f"the server does not go on in HTTP/1: {version} {status}")
            head = by_name(lines) if usual else _head(self.fp)
        self.status = status
        self.headers = head
        self.chunked = head.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None if self.chunked else length_of(status, head)
        is_packed = self.length != 0 and "content-encoding" in head
        self.packed = unpacking(head) if is_packed else None
        self.will_close = says_close(version, head) or (not self.chunked and self.length is None)
        if self.length == 0:
            self._close_conn()

    def piece(self) -> bytes:
        """The next bytes of the body as they came, none at its end.

        Raises:
            http.client.IncompleteRead: The body was cut short.
        """
        if data := self.read1(PIECE):
            if self.length == 0 and self.fp:
                # Python 3.12 and older leave this to the next read.
                self._close_conn()
            return data
        if self.length:
            raise IncompleteRead(b"", self.length)
        self._is_whole = True
        return b""

    def short(self, most: int = PIECE) -> bytes | None:
        """The whole of a body that is short, of a known length and not packed; None for any other.

        Args:
            most: Bytes that still are short.

        Raises:
            http.client.IncompleteRead: It was cut short.
        """
        wanted = self.length
        if wanted is None or wanted > min(most, PIECE) or self.packed is not None:
            return None
        data: bytes = self.fp.read(wanted) if wanted else b""
        if len(data) < wanted:
            raise IncompleteRead(data, wanted - len(data))
        if wanted:
            self.length = 0
            self._close_conn()
        self._is_whole = True
        return data

    def close(self) -> None:
        """Be done with the answer, whether or not it was read to its end."""
        super().close()
        with self._lock:
            done, self._done = self._done, None
        if done is not None:
            done(usable=self._is_whole and self._is_clean and not self.will_close)

    def hang_up(self) -> None:
        """End the answer from any thread: whoever waits for its bytes is let go."""
        with self._lock:
            if self._done is not None:
                self._reader.hang_up()

    def _close_conn(self) -> None:
        # Bytes behind the end belong to no answer, so they would be taken for the next one's.
        self._reader.stop()
        self._is_clean = not self.fp.peek(1)
        super()._close_conn()  # type: ignore[misc]


def _usual_head(stream: Any) -> tuple[str, int, list[str]] | None:
    """The version, the status and the header lines, if all of the head has come and is written as most are.

    Then it is read; else nothing is.
    """
    head, end, _ = stream.peek(1).partition(b"\r\n\r\n")
    code = head[9:12]
    if not (
        end
        and head.startswith(b"HTTP/1.1 ")
        and code.isdigit()
        and code >= b"100"
        and head[12:13] in (b" ", b"\r")
        and head.count(b"\n") == head.count(b"\r\n")
        and b"\n " not in head
        and b"\n\t" not in head
    ):
        return None
    stream.read(len(head) + len(end))
    return "HTTP/1.1", int(code), head.decode("latin-1").split("\r\n")[1:]


def _head(stream: Any) -> dict[str, str]:
    """Header lines up to the empty one, by lower-case name."""
    return by_name(unfolded(_lines(stream).decode("latin-1")))


def _lines(stream: Any) -> bytes:
    """The bytes up to the empty line."""
    lines = []
    room = LARGEST_HEAD
    while (line := stream.readline(room)) not in (b"\r\n", b"\n"):
        room -= len(line)
        if line[-1:] != b"\n":
            raise HTTPException(_CUT if room else TOO_LARGE)
        lines.append(line)
    return b"".join(lines)


_CUT = "the head of the answer was cut short"
