"""HTTP for event loops: aiohttp, with one session for each running loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from typing import Any

import aiohttp
import yarl

from genai_integrations.connections.origins import is_unsafe_address
from genai_integrations.errors import (
    APIConnectionError,
    CallError,
    RequestTimeoutError,
    UntrustedHostError,
)
from genai_integrations.network import (
    CONNECT_TIMEOUT,
    END_OF_BODY,
    drop_sockets_after_fork,
    proxy_for,
    tls_context,
    without_frames,
)
from genai_integrations.transports.endpoint import Endpoint

_HEADER_LIMIT = 131072
"""Bytes of one header line, and number of headers: other clients take as much."""

_reused: ContextVar[bool] = ContextVar("genai_integrations_connection_reused", default=False)


class AsyncHttp:
    """Posts to endpoints from any event loop. Time-outs of the first answer are the caller's.

    A session belongs to the loop that made it and is closed with that loop, by an asynchronous generator
    parked in it: `asyncio.run` closes those when it ends.
    """

    def __init__(self, connections_per_host: int = 0) -> None:
        self._per_host = connections_per_host
        self._sessions: dict[asyncio.AbstractEventLoop, _Session] = {}
        drop_sockets_after_fork(self)

    async def post(self, endpoint: Endpoint, body: bytes, idle: float) -> aiohttp.ClientResponse:
        """Send and return the answer with its body unread.

        Args:
            endpoint: Where to.
            body: Encoded request.
            idle: Seconds that the socket may be silent.

        Raises:
            CallError: No answer came.
        """
        session = await self._session()
        try:
            try:
                return await session.post(endpoint, body, idle)
            except (aiohttp.ClientError, OSError) as error:
                if not _was_stale(error):
                    raise
            # The server closed an idle connection while the request was on its way.
            return await session.post(endpoint, body, idle, fresh=True)
        except UntrustedHostError as error:
            raise without_frames(error) from None
        except (aiohttp.ClientError, OSError) as error:
            raise translated(error, idle) from without_frames(error)

    async def session(self) -> aiohttp.ClientSession:
        """The running loop's aiohttp session, for a library that sends by itself."""
        return (await self._session()).client

    async def aclose(self) -> None:
        """Close the running loop's connections."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session:
            await session.close()

    def forget_closed_loops(self) -> None:
        """Close what loops have left open that were closed without shutting down their generators."""
        # A copy of the keys, because other threads' loops come and go.
        for loop in list(self._sessions):
            if loop.is_closed() and (session := self._sessions.pop(loop, None)):
                session.forget()

    def abandon(self) -> Any:
        """Forget all sessions without closing them."""
        sessions, self._sessions = self._sessions, {}
        return sessions

    async def _session(self) -> _Session:
        known = self._sessions.get(asyncio.get_running_loop())
        if known is not None:
            return known
        self.forget_closed_loops()
        loop = asyncio.get_running_loop()
        session = self._sessions[loop] = _Session(self._per_host)
        await session.park()
        return session


class _Session:
    """One loop's connections."""

    def __init__(self, per_host: int) -> None:
        self.client = _client(limit_per_host=per_host)
        self._fresh: aiohttp.ClientSession | None = None
        self._keeper = self._keep()
        self._proxies: dict[str, str | None] = {}
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def post(
        self, endpoint: Endpoint, body: bytes, idle: float, *, fresh: bool = False
    ) -> aiohttp.ClientResponse:
        return await self._of(fresh=fresh).post(
            yarl.URL(endpoint.url, encoded=True),
            data=body,
            headers=endpoint.headers,
            allow_redirects=False,
            proxy=self._proxy(endpoint.origin),
            ssl=tls_context() if endpoint.origin.startswith("https") else True,
            timeout=self._timeout(idle),
        )

    async def park(self) -> None:
        """Leave a generator in the loop that closes the session when the loop shuts down."""
        await anext(self._keeper)

    async def close(self) -> None:
        await self._keeper.aclose()

    def forget(self) -> None:
        """Let go of what a closed loop has left; its sockets go with it."""
        for client in filter(None, (self.client, self._fresh)):
            connector = client.connector
            client.detach()
            if connector:
                _close_without_loop(connector)

    def _of(self, *, fresh: bool) -> aiohttp.ClientSession:
        """The client that keeps connections, or the one that never uses a connection twice."""
        if not fresh:
            return self.client
        if self._fresh is None:
            self._fresh = _client(force_close=True)
        return self._fresh

    async def _keep(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self.client.close()
            if self._fresh:
                await self._fresh.close()

    def _proxy(self, origin: str) -> str | None:
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(origin)
        return self._proxies[origin]

    def _timeout(self, idle: float) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get(idle)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(sock_connect=min(idle, CONNECT_TIMEOUT), sock_read=idle)
            if len(self._timeouts) < _MOST_TIMEOUTS:
                self._timeouts[idle] = timeout
        return timeout


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


def _client(**options: Any) -> aiohttp.ClientSession:
    connector = _Connector(limit=0, socket_factory=_guarded_socket, ttl_dns_cache=60, **options)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_field_size=_HEADER_LIMIT,
        max_line_size=_HEADER_LIMIT,
        max_headers=_HEADER_LIMIT,
    )


async def read_pieces(response: aiohttp.ClientResponse, idle: float) -> AsyncGenerator[bytes]:
    """The body as it arrives.

    Raises:
        CallError: It broke off, or stalled.
    """
    content = response.content
    try:
        while piece := await content.readany():
            yield piece
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
        CallError: It did not come whole.
    """
    try:
        return await response.read()
    except (aiohttp.ClientError, OSError) as error:
        raise translated(error, idle) from without_frames(error)
    finally:
        response.release()


def translated(error: Exception, idle: float) -> CallError:
    """Our error for one of aiohttp's."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return APIConnectionError(f"cannot connect within {min(idle, CONNECT_TIMEOUT):g} s")
    if isinstance(error, TimeoutError):
        return RequestTimeoutError(f"the server was silent for {idle:g} s")
    if isinstance(error, aiohttp.ClientConnectorError):
        return APIConnectionError(f"cannot connect: {error.os_error}")
    return APIConnectionError(f"the connection broke: {error or type(error).__name__}"[:200])


def _was_stale(error: BaseException) -> bool:
    kinds = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)
    broken = isinstance(error, kinds)
    return broken and not isinstance(error, aiohttp.ClientConnectorError) and _reused.get()


class _Connector(aiohttp.TCPConnector):
    """Says, in a context variable, whether the connection it gave had been used before."""

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        _reused.set(getattr(protocol, "genai_used", False))
        protocol.genai_used = True  # type: ignore[union-attr]
        return connection


def _guarded_socket(info: Any) -> socket.socket:
    family, kind, protocol, _, address = info
    if is_unsafe_address(address[0]):
        raise UntrustedHostError(
            f"the provider's host leads to {address[0]}, a link-local or metadata address"
        )
    return socket.socket(family=family, type=kind, proto=protocol)
