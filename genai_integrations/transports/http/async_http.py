"""HTTP for event loops: aiohttp, with one session for each running loop."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import socket
import ssl
import time
import weakref
from collections.abc import AsyncGenerator, Awaitable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from genai_integrations.connections.origins import is_unsafe_address
from genai_integrations.errors import (
    APIConnectionError,
    CallError,
    RequestTimeoutError,
    UntrustedHostError,
)
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.network import (
    CONNECT_TIMEOUT,
    END_OF_BODY,
    IDLE_AGE,
    IDLE_IN_ALL,
    IDLE_PER_HOST,
    NO_SUCH_PROXY,
    is_readable,
    tls_context,
    without_frames,
)
from genai_integrations.settings import answer_limits
from genai_integrations.transports.http.endpoint import Endpoint, reached
from genai_integrations.transports.http.names import looking_up
from genai_integrations.transports.http.packing import unpacking
from genai_integrations.transports.http.sizes import answer_too_large

if TYPE_CHECKING:
    from genai_integrations.calls.wire import Times

_HEADER_LIMIT = 131072
"""Bytes of one header line, and number of headers: other clients take as much."""


_LARGE = 1 << 20
"""Bytes of a body above which aiohttp sends piece by piece, so that others have their turn, and warns of one piece."""

_FIRST_FINAL = 200
"""Statuses below announce another answer, which aiohttp waits for, or, with 101, another protocol."""


class AsyncHttp:
    """Posts to endpoints from any event loop. Time-outs of the first answer are the caller's.

    A loop has one session, which all who post in it share. It belongs to the loop and is closed with it, by an
    asynchronous generator parked there: `asyncio.run` closes those when it ends. It knows no key.

    A request is written once, as `SyncHttp` says.
    """

    def __init__(self) -> None:
        self._sessions: dict[asyncio.AbstractEventLoop, _Session] = {}
        # Before aiohttp's own finalisers, which would complain of what nobody has closed.
        weakref.finalize(self, _forget_all, self._sessions)
        after_fork_in_child(self.abandon)

    async def post(
        self, endpoint: Endpoint, body: bytes, idle: float, times: Times | None = None
    ) -> aiohttp.ClientResponse:
        """Send and return the answer with its body unread.

        Args:
            endpoint: Where to.
            body: Encoded request.
            idle: Seconds that the socket may be silent.
            times: Takes how long the connection and the head took.

        Raises:
            CallError: No answer came.
        """
        session = self._sessions.get(asyncio.get_running_loop()) or await self._new_session()
        if endpoint.proxy and not endpoint.proxy.startswith(("http://", "https://")):
            raise APIConnectionError(NO_SUCH_PROXY)
        try:
            posted = session.post(endpoint, body, idle)
            response = await (posted if times is None else _timed(posted, times))
        except UntrustedHostError as error:
            raise without_frames(error) from None
        except (aiohttp.ClientError, OSError) as error:
            raise translated(error, idle, endpoint) from without_frames(error)
        if response.status < _FIRST_FINAL:
            # The connection speaks something else from here on.
            response.close()
            raise APIConnectionError(
                f"the server does not go on in HTTP/1: it switched (HTTP {response.status})"
            )
        return response

    async def session(self) -> aiohttp.ClientSession:
        """The running loop's aiohttp session, for a library that sends by itself."""
        known = self._sessions.get(asyncio.get_running_loop()) or await self._new_session()
        return known.client

    def forget_closed_loops(self) -> None:
        """Close what loops have left open that were closed without shutting down their generators."""
        # A copy of the keys, because other threads' loops come and go.
        for loop in list(self._sessions):
            if loop.is_closed() and (session := self._sessions.pop(loop, None)):
                session.forget()

    def abandon(self) -> object:
        """In a forked child: forget all sessions without closing them."""
        sessions = list(self._sessions.items())
        self._sessions.clear()
        return sessions

    async def _new_session(self) -> _Session:
        self.forget_closed_loops()
        loop = asyncio.get_running_loop()
        session = self._sessions[loop] = _Session()
        await session.park()
        return session


_times: ContextVar[Times | None] = ContextVar("genai_times", default=None)
"""Of the request that the task makes just now: the connector is the session's, and knows of none."""


async def _timed(posted: Awaitable[aiohttp.ClientResponse], times: Times) -> aiohttp.ClientResponse:
    token = _times.set(times)
    try:
        response = await posted
    finally:
        _times.reset(token)
    times.answered()
    return response


class _Session:
    """One loop's connections."""

    def __init__(self) -> None:
        self.client = _client()
        self._keeper = self._keep()
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def post(self, endpoint: Endpoint, body: bytes, idle: float) -> aiohttp.ClientResponse:
        return await self.client.post(
            yarl.URL(endpoint.url, encoded=True),
            data=io.BytesIO(body) if len(body) > _LARGE else body,
            headers=endpoint.headers,
            allow_redirects=False,
            proxy=endpoint.proxy,
            ssl=tls_context() if endpoint.origin.startswith("https") else True,
            timeout=self._timeout(idle),
        )

    async def park(self) -> None:
        """Leave a generator in the loop that closes the session when the loop shuts down."""
        await anext(self._keeper)

    def forget(self) -> None:
        """Let go of what a closed loop has left; its sockets go with it."""
        connector = self.client.connector
        self.client.detach()
        if connector:
            _close_without_loop(connector)

    async def _keep(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self.client.close()

    def _timeout(self, idle: float) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get(idle)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(sock_connect=min(idle, CONNECT_TIMEOUT), sock_read=idle)
            if len(self._timeouts) < _MOST_TIMEOUTS:
                self._timeouts[idle] = timeout
        return timeout


def _forget_all(sessions: dict[asyncio.AbstractEventLoop, _Session]) -> None:
    """At the interpreter's end: close what loops have left open that do not run any more."""
    for loop, session in list(sessions.items()):
        if not loop.is_running():
            session.forget()


_MOST_TIMEOUTS = 64


def _close_without_loop(connector: aiohttp.BaseConnector) -> None:
    """Close a connector and its idle sockets after their loop, for which aiohttp has no public way."""
    for connections in list(getattr(connector, "_conns", {}).values()):
        for protocol, *_ in list(connections):
            transport: Any = getattr(protocol, "transport", None)
            sock = getattr(transport, "_sock", None)
            if sock is not None:
                sock.close()
                transport._sock = None  # noqa: SLF001  else its finaliser warns of it
    close = getattr(connector, "_close", None)
    with contextlib.suppress(RuntimeError):
        if close is not None:
            close()


def _client() -> aiohttp.ClientSession:
    connector = _Connector(
        limit=0,
        keepalive_timeout=IDLE_AGE,
        resolver=_GuardedResolver(),
        socket_factory=_guarded_socket,
        ttl_dns_cache=60,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        # By ourselves, with limits.
        auto_decompress=False,
        max_field_size=_HEADER_LIMIT,
        max_line_size=_HEADER_LIMIT,
        max_headers=_HEADER_LIMIT,
    )


async def read_pieces(response: aiohttp.ClientResponse, idle: float) -> AsyncGenerator[bytes]:
    """The body as it arrives, unpacked.

    Raises:
        CallError: It broke off, or stalled, or is packed in a way that is not understood.
    """
    content = response.content
    try:
        packed = unpacking(response.headers)
        while piece := await content.readany():
            if packed is None:
                yield piece
                continue
            packed.feed(piece)
            while piece := packed.piece():
                yield piece
        if packed is not None:
            packed.check_end()
    except (aiohttp.ClientError, OSError) as error:
        raise translated(error, idle) from without_frames(error)
    finally:
        # Gives the connection back if the body was read to its end, closes it otherwise.
        response.release() if content.is_eof() else response.close()


async def finish(response: aiohttp.ClientResponse) -> None:
    """After the last event: take the end of the body too, so that the connection can be used again."""
    if not response.content.is_eof():
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with asyncio.timeout(END_OF_BODY):
                await response.content.readany()


async def read_all(response: aiohttp.ClientResponse, idle: float) -> bytes:
    """The whole body.

    Raises:
        CallError: It did not come whole, or is too large.
    """
    most, size, taken = answer_limits().body, 0, []
    content = response.content
    is_here = content.is_eof() and content.exception() is None and content.total_bytes <= most
    if is_here and "content-encoding" not in response.headers:
        # All of it came with the head, as short answers do.
        whole = content.read_nowait()
        response.release()
        return whole
    async with contextlib.aclosing(read_pieces(response, idle)) as pieces:
        async for piece in pieces:
            size += len(piece)
            if size > most:
                raise answer_too_large(most)
            taken.append(piece)
    return b"".join(taken)


def translated(error: Exception, idle: float, endpoint: Endpoint | None = None) -> CallError:
    """Our error for one of aiohttp's.

    Args:
        error: What it raised.
        idle: Seconds that the server may be silent.
        endpoint: Who was to be connected to; None after that.
    """
    address = reached(endpoint) if endpoint else None
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        seconds = min(idle, CONNECT_TIMEOUT)
        return APIConnectionError(f"cannot connect within {seconds:g} s", address=address)
    if isinstance(error, TimeoutError):
        return RequestTimeoutError(f"the server was silent for {idle:g} s")
    if isinstance(error, aiohttp.ClientConnectorError):
        return APIConnectionError(f"cannot connect: {_words(error.os_error)}", address=address)
    words = str(error)
    if isinstance(error, aiohttp.ClientResponseError):
        # Its own text names the address.
        words = f"{error.status}, {error.message}"
    return APIConnectionError(f"the connection broke: {words or type(error).__name__}"[:200])


def _words(error: OSError) -> str:
    """What the operating system, or TLS, says; asyncio's texts for the former have the address in them."""
    is_systems = type(error) is not ssl.SSLError and not isinstance(
        error, (ssl.SSLCertVerificationError, socket.gaierror)
    )
    return os.strerror(error.errno) if is_systems and error.errno else str(error)


class _Connector(aiohttp.TCPConnector):
    """Keeps no more idle connections than it should, and gives none that must not be used again."""

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol: Any = connection.protocol
            if not getattr(protocol, "genai_used", False):
                protocol.genai_used = True
                return connection
            if _is_quiet(protocol):
                return connection
            connection.close()

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:
        since = time.monotonic()
        try:
            return await super()._create_connection(req, traces, timeout)
        finally:
            if (times := _times.get()) is not None:
                times.connected(since)

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        kept = self._conns
        is_full = (
            len(kept.get(key, ())) >= IDLE_PER_HOST or sum(map(len, kept.values())) >= IDLE_IN_ALL
        )
        super()._release(key, protocol, should_close=should_close or is_full)


def _is_quiet(protocol: Any) -> bool:
    """Whether nothing came over an idle connection that nobody asked for, and the server has not closed it.

    The loop may not have come round to reading it yet, so the socket itself is asked.
    """
    sock = protocol.transport.get_extra_info("socket")
    return not protocol.should_close and sock is not None and not is_readable(sock.fileno())


class _GuardedResolver(AbstractResolver):
    """Refuses a name if one of its addresses is unsafe, whichever would answer: as the other side does.

    aiohttp's own looks names up in the loop's pool of threads, whose end `asyncio.run` waits for.
    """

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        found = await asyncio.wrap_future(looking_up(host, port))
        rows = [row for row in found if family in (socket.AF_UNSPEC, row[0])]
        for *_, address in rows:
            _refuse(str(address[0]))
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=address[1],
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in rows
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _refuse(address: str) -> None:
    if is_unsafe_address(address):
        raise UntrustedHostError(
            f"the provider's host leads to {address}, a link-local or metadata address"
        )


def _guarded_socket(info: Any) -> socket.socket:
    family, kind, protocol, _, address = info
    _refuse(address[0])
    return socket.socket(family=family, type=kind, proto=protocol)
