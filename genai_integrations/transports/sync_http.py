"""HTTP for threads: urllib3, with time-outs that bound the whole answer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from http.client import RemoteDisconnected
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
)
from urllib3.exceptions import (
    TimeoutError as PoolTimeoutError,
)
from urllib3.response import BaseHTTPResponse

from genai_integrations.connections.origins import is_unsafe_address
from genai_integrations.errors import (
    APIConnectionError,
    CallError,
    RequestTimeoutError,
    UntrustedHostError,
)
from genai_integrations.transports.endpoint import Endpoint
from genai_integrations.transports.network import (
    CONNECT_TIMEOUT,
    END_OF_BODY,
    PIECE,
    drop_sockets_after_fork,
    proxy_for,
    tls_context,
    without_frames,
)

_BROKEN = (RemoteDisconnected, ConnectionResetError, BrokenPipeError, ConnectionAbortedError)


class Patience:
    """How long one answer may still take.

    Until the first content there is a moment by which it must have come; from then on each wait is bounded
    by `idle`, and everything by `limit`.

    Args:
        first: Seconds to the first content, or to the whole answer where it is not streamed.
        idle: Seconds between two pieces after that.
        limit: Moment (of `time.monotonic`) at which the whole call ends; None for never.
    """

    __slots__ = ("_first", "_until", "idle", "limit")

    def __init__(self, first: float, idle: float, limit: float | None = None) -> None:
        self._first = first
        self._until: float | None = time.monotonic() + first
        self.idle = idle
        self.limit = limit

    def content_began(self) -> None:
        """The first content is there."""
        self._until = None

    def left(self) -> float:
        """Seconds that the next wait may take.

        Raises:
            RequestTimeoutError: None are left.
        """
        until = self._until
        if until is None:
            if self.limit is None:
                return self.idle
            left = min(self.idle, self.limit - time.monotonic())
        else:
            left = until - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> RequestTimeoutError:
        """What to raise when time is up."""
        if self._until is None:
            return RequestTimeoutError(f"the stream stalled for {self.idle:g} s")
        return RequestTimeoutError(f"no answer within {self._first:g} s")


class SyncHttp:
    """Posts to endpoints. Safe for threads; a forked child starts with no connections."""

    def __init__(self, connections_per_host: int = 100) -> None:
        self._per_host = connections_per_host
        self._pools: dict[str, HTTPConnectionPool] = {}
        drop_sockets_after_fork(self)

    def post(self, endpoint: Endpoint, body: bytes, patience: Patience) -> BaseHTTPResponse:
        """Send and return the answer with its body unread.

        Raises:
            CallError: No answer came.
        """
        while True:
            try:
                return self._post(endpoint, body, patience.left())
            except UntrustedHostError as error:
                raise without_frames(error) from None
            except HTTPError as error:
                if _was_stale(error):
                    # The server closed an idle connection while the request was on its way: each turn
                    # discards one such connection, so the last turn uses a new one.
                    continue
                raise translated(error, patience) from without_frames(error)

    def abandon(self) -> Any:
        """Forget all connections without closing them."""
        pools, self._pools = self._pools, {}
        return pools

    def close(self) -> None:
        """Close all idle connections."""
        for pool in self.abandon().values():
            pool.close()

    def _post(self, endpoint: Endpoint, body: bytes, seconds: float) -> BaseHTTPResponse:
        pool = self._pools.get(endpoint.origin) or self._new_pool(endpoint.origin)
        return pool.urlopen(
            "POST",
            endpoint.path,
            body,
            endpoint.latin_headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=min(seconds, CONNECT_TIMEOUT), read=seconds),
        )

    def _new_pool(self, origin: str) -> HTTPConnectionPool:
        proxy = proxy_for(origin)
        context = tls_context() if origin.startswith("https") else None
        manager = (
            urllib3.ProxyManager(proxy, maxsize=self._per_host, ssl_context=context)
            if proxy
            else urllib3.PoolManager(maxsize=self._per_host, ssl_context=context)
        )
        if not proxy:
            manager.pool_classes_by_scheme = _POOL_CLASSES
        return self._pools.setdefault(origin, manager.connection_from_url(origin))


def read_all(response: BaseHTTPResponse, patience: Patience) -> bytes:
    """The whole body.

    Raises:
        CallError: It did not come whole, or not in time.
    """
    return b"".join(read_pieces(response, patience))


def read_pieces(response: BaseHTTPResponse, patience: Patience) -> Generator[bytes]:
    """The body as it arrives.

    Raises:
        CallError: It broke off, or did not come in time.
    """
    try:
        while True:
            _wait_at_most(response, patience.left())
            piece = response.read1(PIECE)
            if not piece:
                return
            yield piece
    except HTTPError as error:
        raise translated(error, patience) from without_frames(error)
    finally:
        response.close()


def finish(response: BaseHTTPResponse) -> None:
    """After the last event: take the end of the body too, so that the connection can be used again."""
    with contextlib.suppress(HTTPError):
        _wait_at_most(response, END_OF_BODY)
        response.read1(PIECE)


def translated(error: HTTPError, patience: Patience) -> CallError:
    """Our error for one of urllib3's."""
    reason = error.args[1] if isinstance(error, ProtocolError) and len(error.args) > 1 else error
    if isinstance(error, (NewConnectionError, NameResolutionError)):
        return APIConnectionError(f"cannot connect: {_words(error)}")
    if isinstance(error, PoolTimeoutError) or isinstance(reason, TimeoutError):
        return patience.error()
    return APIConnectionError(f"the connection broke: {_words(reason)}")


def _words(error: BaseException) -> str:
    text = str(error).rpartition("Failed to ")[2] if "Failed to " in str(error) else str(error)
    return f"{text or type(error).__name__}"[:200]


def _was_stale(error: HTTPError) -> bool:
    reason = error.args[1] if isinstance(error, ProtocolError) and len(error.args) > 1 else None
    return isinstance(reason, _BROKEN) and getattr(reason, "on_reused_connection", False)


def _wait_at_most(response: BaseHTTPResponse, seconds: float) -> None:
    connection = response.connection
    sock = getattr(connection, "sock", None)
    if sock is not None:
        sock.settimeout(seconds)


class _Guarded:
    """Counts a connection's requests, and looks at whom it is connected to before anything is sent."""

    requests_sent = 0

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        address = sock.getpeername()[0]
        if is_unsafe_address(address):
            sock.close()
            raise UntrustedHostError(
                f"the provider's host leads to {address}, a link-local or metadata address"
            )
        return sock

    def request(self, *args: Any, **options: Any) -> None:
        self.requests_sent += 1
        try:
            super().request(*args, **options)  # type: ignore[misc]
        except _BROKEN as error:
            self._mark(error)
            raise

    def getresponse(self) -> Any:
        try:
            return super().getresponse()  # type: ignore[misc]
        except _BROKEN as error:
            self._mark(error)
            raise

    def _mark(self, error: OSError) -> None:
        error.on_reused_connection = self.requests_sent > 1  # type: ignore[attr-defined]


class _Connection(_Guarded, HTTPConnection):
    pass


class _SecureConnection(_Guarded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOL_CLASSES: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _SecurePool}
