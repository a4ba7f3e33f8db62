"""One request and its answer, on the bare ASGI interface: a framework's objects would cost more than the call itself."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from genai_integrations.gateway.operation import Told
from genai_integrations.gateway.refusals import Header, Refused
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.cancelling import Interruption

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"
_ID_HEADER = b"x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ONCE = ("authorization", "x-api-key", "host", "content-type", "content-length", "x-request-id")
"""Headers that must not come twice: two readers might believe a different one."""


class Exchange:
    """One request and its answer.

    Attributes:
        scope: ASGI's own.
        receive: ASGI's own.
        send: ASGI's own.
        headers: By name in lower case.
        request_id: The caller's `x-request-id` where it is a plain word, else a new one.
        id_header: Under which name the id goes back, beside `x-request-id`.
        closes: Whether the connection ends with the answer.
        has_begun: Whether a part of the answer was sent.
        told: What logs and metrics say of it.
    """

    __slots__ = (
        "_is_read",
        "closes",
        "has_begun",
        "headers",
        "id_header",
        "receive",
        "request_id",
        "scope",
        "send",
        "told",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        rows = scope["headers"]
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in rows}
        given = self.headers.get("x-request-id", "")
        is_word = _REQUEST_ID.fullmatch(given)
        # No secret, so it need not be asked of the system, which takes as long as all the rest here.
        self.request_id = given if is_word else f"req_{random.getrandbits(128):032x}"
        self.id_header = _ID_HEADER
        self.told = Told(self.request_id)
        self.closes = False
        self.has_begun = False
        self._is_read = False

    def check_headers(self) -> None:
        """Refuse a request whose headers can be read in two ways.

        Raises:
            Refused: One of them came twice.
        """
        rows = self.scope["headers"]
        if len(self.headers) == len(rows):
            return
        names = [name.decode("latin-1") for name, _ in rows]
        twice = [name for name in _ONCE if names.count(name) > 1]
        if twice:
            raise Refused(400, "repeated_header", f"the header {twice[0]} came twice: send it once")

    async def read_json(self, most: int, seconds: float) -> dict[str, Any]:
        """The body, an object in JSON.

        Args:
            most: Bytes that it may have.
            seconds: In which it must have arrived.

        Raises:
            Refused: It is too large, too slow, packed, or no object in JSON.
            ClientGone: The client left meanwhile.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            # A page in a browser may send any other kind anywhere without asking first.
            raise Refused(
                415, "unsupported_media_type", "send the header content-type: application/json"
            )
        if self.headers.get("content-encoding", "identity") != "identity":
            raise Refused(
                415, "unsupported_media_type", "send the body as it is, without content-encoding"
            )
        body = await self._read(most, seconds)
        if b"\0" in body:
            # JSON has none. UTF-16 and UTF-32, which the decoder would take, have many.
            raise Refused(400, "invalid_json", "the body is not JSON in UTF-8")
        try:
            found = jsonbytes.loads(body)
        except ValueError as error:
            raise Refused(400, "invalid_json", f"the body is not JSON: {_said(error)}") from None
        if not isinstance(found, dict):
            raise Refused(400, "invalid_json", "the body must be a JSON object")
        return found

    async def _read(self, most: int, seconds: float) -> bytes:
        if int(self.headers.get("content-length") or 0) > most:
            raise _too_large(most)
        # Not `asyncio.timeout`, which takes ten times as long where all of the body is there.
        late = Interruption()
        timer = asyncio.get_running_loop().call_later(seconds, late.make)
        try:
            message = await self._part()
            if not message.get("more_body"):
                body: bytes = message.get("body", b"")
            else:
                body = await self._rest(message, most)
        except asyncio.CancelledError:
            if not late.is_over():
                raise
            raise Refused(
                408, "request_timeout", f"the body did not arrive within {seconds:g} s"
            ) from None
        finally:
            timer.cancel()
        if len(body) > most:
            raise _too_large(most)
        self._is_read = True
        return body

    async def _rest(self, message: Message, most: int) -> bytes:
        parts, size = [message.get("body", b"")], len(message.get("body", b""))
        while message.get("more_body"):
            message = await self._part()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise _too_large(most)
        return b"".join(parts)

    async def _part(self) -> Message:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message

    async def answer(
        self,
        status: int,
        body: bytes,
        headers: Sequence[Header] = (),
        content_type: bytes = JSON,
    ) -> None:
        """The whole answer."""
        length = (b"content-length", b"%d" % len(body))
        await self.begin(status, (length, *headers), content_type)
        await self.end(body)

    async def end(self, body: bytes = b"") -> None:
        """The last part of an answer."""
        await self.send({"type": "http.response.body", "body": body})
        self.told.is_whole = True

    async def begin(
        self, status: int, headers: Sequence[Header] = (), content_type: bytes = JSON
    ) -> None:
        """The head of an answer whose body follows in parts, by `send`."""
        self.has_begun = True
        self.told.status = status
        identity = self.request_id.encode()
        rows = [(b"content-type", content_type), (_ID_HEADER, identity), *headers]
        if self.id_header != _ID_HEADER:
            rows.append((self.id_header, identity))
        if self.closes or self._leaves_a_body():
            rows.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": status, "headers": rows})

    def _leaves_a_body(self) -> bool:
        """Whether there is a body that nobody read: what is left of it would be taken for the next request."""
        if self._is_read:
            return False
        sent = self.headers.get("content-length", "0") != "0"
        return sent or "transfer-encoding" in self.headers


class ClientGone(Exception):  # noqa: N818  nobody is told of it
    """The client left before its request was whole."""


def _too_large(most: int) -> Refused:
    return Refused(413, "request_too_large", f"the body has more than {most} bytes")


def _said(error: ValueError) -> str:
    """What the decoder says; its words have the place, and nothing of the text."""
    return str(error).partition("\n")[0][:200]
