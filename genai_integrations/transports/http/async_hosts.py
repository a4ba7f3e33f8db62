"""Connections of one event loop: opened with care, kept while they are idle, never used again when in doubt."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiohappyeyeballs import start_connection

from genai_integrations.errors import APIConnectionError
from genai_integrations.runtime.network import (
    IDLE_AGE,
    IDLE_IN_ALL,
    IDLE_PER_HOST,
    NO_SUCH_PROXY,
    proxy_at,
    tls_context,
)
from genai_integrations.transports.http.async_answer import AsyncAnswer
from genai_integrations.transports.http.async_connection import Connection, Place
from genai_integrations.transports.http.names import Address, looking_up, refuse_unsafe

_PORTS = {"http": 80, "https": 443}

_NEXT_ADDRESS = 0.25
"""Seconds after which a name's next address is tried beside the one before (RFC 8305)."""

_KNOWN_FOR = 60.0
"""Seconds for which a name's addresses are known."""

_MOST_WAYS = 1024
"""Ways that are remembered: a program that makes names up cannot fill the memory."""


class Way:
    """How requests to one origin go.

    Args:
        place: The origin, and the proxy's address with the password if there is one.

    Attributes:
        name: What the header `Host` says.
        forwarded: What stands before the path where a proxy forwards requests, else nothing.
        headers: What such a proxy is told.

    Raises:
        APIConnectionError: The proxy is of no kind that we can use.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        origin = urlsplit(place[0])
        # A dot at the end is the root of all names, which no certificate has.
        self._host = (origin.hostname or "").rstrip(".")
        self._port = origin.port or _PORTS[origin.scheme]
        self._is_secure = origin.scheme == "https"
        self._target = _ascii(origin.netloc if origin.port else f"{origin.netloc}:{self._port}")
        self._proxy = None if place[1] is None else proxy_at(place[1])
        if place[1] is not None and self._proxy is None:
            raise APIConnectionError(NO_SUCH_PROXY)
        self._authorization = self._proxy.headers if self._proxy else {}
        is_usual = self._port == _PORTS[origin.scheme]
        self.name = self._target.rpartition(":")[0] if is_usual else self._target
        forwards = self._proxy is not None and not self._is_secure
        self.forwarded = f"http://{self.name}" if forwards else ""
        self.headers: Mapping[str, str] = self._authorization if forwards else {}
        self._looked_up: tuple[Future[list[Address]], float] | None = None

    async def open(self, lost: Callable[[Connection], None]) -> Connection:
        """A new connection.

        Args:
            lost: Told when it is gone while it is idle.

        Raises:
            OSError: The host or the proxy cannot be reached, or a certificate is not good.
            APIConnectionError: The proxy refuses.
            UntrustedHostError: The host leads where no provider is.
        """
        if self._is_secure:
            # What cannot be trusted is told before anybody is connected to.
            tls_context()
        new = partial(Connection, self._place, lost)
        if self._proxy is None:
            return await self._reached(new, self._host, self._port, is_secure=self._is_secure)
        scheme, host, port, _ = self._proxy
        connection = await self._reached(new, host, port, is_secure=scheme == "https")
        if self._is_secure:
            try:
                await self._tunnel(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    async def _reached(
        self, new: Callable[[], Connection], host: str, port: int, *, is_secure: bool
    ) -> Connection:
        """A connection to the origin, or to its proxy."""
        found = await self._addresses(host, port)
        looked_up = self._looked_up
        try:
            if self._proxy is None:
                for *_, address in found:
                    refuse_unsafe(str(address[0]))
            return await _connected(new, found, host if is_secure else None)
        except BaseException:
            # The host may have moved: whoever comes next looks again.
            if self._looked_up is looked_up:
                self._looked_up = None
            raise

    async def _addresses(self, host: str, port: int) -> list[Address]:
        """Where a host is. Who asks while it is looked up waits for the same thread."""
        known, now = self._looked_up, time.monotonic()
        if known is None or known[1] < now or (known[0].done() and known[0].exception()):
            known = self._looked_up = looking_up(host, port), now + _KNOWN_FOR
        return await asyncio.wrap_future(known[0])

    async def _tunnel(self, connection: Connection) -> None:
        """Have a proxy lead the connection through, and encrypt what goes through it."""
        target = self._target
        head = f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self._authorization.items())
        answer = AsyncAnswer(connection, _FOR_EVER, _keep, has_body=False)
        connection.transport.write(f"{head}\r\n".encode())
        await answer.begun()
        answer.close()
        if not 200 <= answer.status < 300:
            raise APIConnectionError(f"the proxy cannot connect there (HTTP {answer.status})")
        connection.transport = await asyncio.get_running_loop().start_tls(
            connection.transport, connection, tls_context(), server_hostname=self._host
        )


class Pool:
    """One loop's connections."""

    def __init__(self) -> None:
        self._ways: dict[Place, Way] = {}
        self._idle: dict[Place, dict[Connection, float]] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def way(self, place: Place) -> Way:
        """How requests go there."""
        known = self._ways.get(place)
        if known is None:
            if len(self._ways) >= _MOST_WAYS:
                self._ways.clear()
            known = self._ways[place] = Way(place)
        return known

    def idle(self, place: Place) -> Connection | None:
        """The connection used last that can be used again; None if there is none."""
        kept = self._idle.get(place)
        while kept:
            connection, since = kept.popitem()
            self._count -= 1
            if since > time.monotonic() - IDLE_AGE and connection.is_quiet():
                return connection
            connection.close()
        return None

    def put_back(self, connection: Connection, *, usable: bool) -> None:
        """Take a connection that is no longer in use: to keep it, if it can be used again."""
        kept = self._idle.get(connection.place, {})
        is_full = len(kept) >= IDLE_PER_HOST
        if not usable or is_full or self._is_closed or not connection.is_open:
            connection.close()
            return
        if self._count >= IDLE_IN_ALL:
            self._close_oldest()
        kept[connection] = time.monotonic()
        self._idle[connection.place] = kept
        self._count += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_AGE, self._look)

    def _close_oldest(self) -> None:
        """Make room: hosts that nobody asks any more must not keep the others from theirs."""
        kept = min(filter(None, self._idle.values()), key=lambda kept: next(iter(kept.values())))
        oldest = next(iter(kept))
        del kept[oldest]
        self._count -= 1
        oldest.close()

    def lost(self, connection: Connection) -> None:
        """An idle connection is gone."""
        if self._idle.get(connection.place, {}).pop(connection, None) is not None:
            self._count -= 1

    def forget(self) -> None:
        """Let go of what a closed loop has left, for which asyncio has no public way; its sockets go with it."""
        for connection in self._taken():
            transport = connection.transport
            sock = getattr(transport, "_sock", None)
            if sock is not None:
                sock.close()
                transport._sock = None  # noqa: SLF001  else its finaliser warns of it

    async def close(self) -> None:
        """Close what is idle, and keep nothing any more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for connection in self._taken():
            connection.close()
        # A transport lets go of its socket in the next turn of its loop; an encrypted one, in the one after.
        for _ in range(2):
            await asyncio.sleep(0)

    def _taken(self) -> list[Connection]:
        kept, self._idle, self._count = self._idle, {}, 0
        return [connection for row in kept.values() for connection in row]

    def _look(self) -> None:
        """Close what has been idle for too long."""
        oldest, self._timer = time.monotonic() - IDLE_AGE, None
        for kept in self._idle.values():
            for connection in [row for row, since in kept.items() if since <= oldest]:
                del kept[connection]
                self._count -= 1
                connection.close()
        self._idle = {place: kept for place, kept in self._idle.items() if kept}
        if self._idle:
            first = min(since for kept in self._idle.values() for since in kept.values())
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(first - oldest, _SHORTEST), self._look)


_FOR_EVER = 3600.0
"""Seconds: the time for connecting is bounded as a whole."""

_SHORTEST = 1.0


async def _connected(
    new: Callable[[], Connection], found: list[Address], secured_for: str | None
) -> Connection:
    """A connection to the first of the addresses that answers, encrypted for a name if one is given."""
    loop = asyncio.get_running_loop()
    sock = await start_connection(
        found, happy_eyeballs_delay=_NEXT_ADDRESS, interleave=1, loop=loop
    )
    tls: Any = {"ssl": tls_context(), "server_hostname": secured_for} if secured_for else {}
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        _, connection = await loop.create_connection(new, sock=sock, **tls)
    except BaseException:
        sock.close()
        raise
    return connection


def _keep(_connection: Connection, *, usable: bool) -> None:
    """Nothing: the connection goes on."""


def _ascii(name: str) -> str:
    """A host as the wire has it."""
    if not name.isascii():
        with contextlib.suppress(UnicodeError):
            return name.encode("idna").decode()
    return name
