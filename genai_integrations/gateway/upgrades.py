"""Requests that offer to go on in another protocol, read as those that do not: HTTP leaves that to the server.

Java's client offers HTTP/2 with its first request to an address (`Upgrade: h2c`), and the parser would leave its body
unread, since it takes all behind such a head for the other protocol's. Source: RFC 9110, 7.8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httptools

if TYPE_CHECKING:
    from array import array

    Data = bytes | bytearray | memoryview[int] | array[int]

_HEAD = b"POST / HTTP/1.1\r\n%b\r\n\r\n"


class Parser(httptools.HttpRequestParser):
    """uvicorn's parser, for which an offer is a header like others.

    Args:
        protocol: Is told what is read.
    """

    def __init__(self, protocol: Any) -> None:
        super().__init__(protocol)
        self._protocol = protocol
        self._start()

    def feed_data(self, data: Data) -> None:
        """Read on."""
        while True:
            try:
                super().feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                head = self._framing()
                data = head + bytes(data[offer.args[0] :])
                # Anew: that parser has come to an end. What is behind is told by another one.
                super().__init__(_Rest(self._protocol, is_known=bool(head)))
                self._start()
            else:
                return

    def has_offer(self) -> bool:
        """Whether a body follows that is not read yet, behind a head with an offer."""
        return self.should_upgrade() and bool(self._framing())

    def _framing(self) -> bytes:
        """A head for the body that follows; empty where none does."""
        rows = [row for row in self._protocol.headers if row[0] in _FRAMES and row[1] != b"0"]
        return _HEAD % b"\r\n".join(map(b": ".join, rows)) if rows else b""

    def _start(self) -> None:
        # As uvicorn does: a request that came behind one with `Connection: close` is not told, and is no error.
        self.set_dangerous_leniencies(lenient_data_after_close=True)


_FRAMES = (b"content-length", b"transfer-encoding")


class _Rest:
    """Is told of what is behind a head with an offer: the body of that request, and all requests after it.

    Args:
        protocol: Whom it tells.
        is_known: Whether the next head was told.
    """

    def __init__(self, protocol: Any, *, is_known: bool) -> None:
        self._protocol = protocol
        self._is_known = is_known
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_message_begin(self) -> None:
        if not self._is_known:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_known:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_known:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._is_known:
            self._protocol.on_headers_complete()
        self._is_known = False
