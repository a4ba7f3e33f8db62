"""HTTP for threads: urllib3, with time-outs that bound the whole answer."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Generator
from http.client import HTTPResponse, RemoteDisconnected
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
    GenAIError,
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
from genai_integrations.transports.patience import Patience

_BROKEN = (RemoteDisconnected, ConnectionResetError, BrokenPipeError, ConnectionAbortedError)


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
        pool = self._pools.get(endpoint.origin) or self._keep(
            self._new_pool(endpoint.origin), endpoint
        )
        _reading.patience = patience
        try:
            try:
                return _post(pool, endpoint, body, patience)
            except HTTPError as error:
                if not _was_stale(error):
                    raise
            # The server closed an idle connection while the request was on its way.
            return _post(self._new_pool(endpoint.origin), endpoint, body, patience)
        except GenAIError as error:
            raise without_frames(error) from None
        except HTTPError as error:
            raise translated(error, patience) from without_frames(error)
        except BaseException as error:  # noqa: BLE001  it goes on at once
            # Ctrl-C passes frames that hold the request's bytes too.
            raise error.with_traceback(None) from None

    def abandon(self) -> Any:
        """Forget all connections without closing them."""
        pools, self._pools = self._pools, {}
        return pools

    def close(self) -> None:
        """Close all idle connections."""
        for pool in self.abandon().values():
            pool.close()

    def _keep(self, pool: HTTPConnectionPool, endpoint: Endpoint) -> HTTPConnectionPool:
        return self._pools.setdefault(endpoint.origin, pool)

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
        return manager.connection_from_url(origin)


def _post(
    pool: HTTPConnectionPool, endpoint: Endpoint, body: bytes, patience: Patience
) -> BaseHTTPResponse:
    seconds = patience.left()
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
        while piece := response.read1(PIECE):
            yield piece
    except HTTPError as error:
        raise translated(error, patience) from without_frames(error)
    finally:
        response.close()


def finish(response: BaseHTTPResponse, patience: Patience) -> None:
    """After the last event: take the end of the body too, so that the connection can be used again."""
    patience.end_within(END_OF_BODY)
    with contextlib.suppress(HTTPError, RequestTimeoutError):
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


_reading = threading.local()
"""Has the `patience` of the request that this thread is about to send."""


class _PatientReader(io.RawIOBase):
    """A socket's bytes; each wait is as long as the answer may still take, for its head too."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._patience = patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._patience.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PatientSocket:
    """What `http.client` makes its file from."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_PatientReader(self._sock, self._patience))


def _patient_response(sock: socket.socket, **options: Any) -> HTTPResponse:
    return HTTPResponse(_PatientSocket(sock, _reading.patience), **options)  # type: ignore[arg-type]


class _Guarded:
    """Knows whether it is used again, and looks at whom it connects to before anything is sent."""

    response_class: Any = staticmethod(_patient_response)
    _is_used = False
    _is_reused = False
    _head: bytes | None = b""

    def connect(self) -> None:
        self._is_used = False
        super().connect()  # type: ignore[misc]

    def _new_conn(self) -> Any:
        for *_, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):  # type: ignore[attr-defined]
            _refuse(str(address[0]))
        sock = super()._new_conn()  # type: ignore[misc]
        try:
            # Once more, because a name may lead elsewhere the second time.
            _refuse(sock.getpeername()[0])
        except BaseException:
            sock.close()
            raise
        return sock

    def send(self, data: Any) -> None:
        """Head and body leave together: one system call and one packet fewer. Every request here has a body."""
        if self._head is None:
            self._head = data
        else:
            head, self._head = self._head, b""
            super().send(head + data)  # type: ignore[misc]

    def request(self, *args: Any, **options: Any) -> None:
        self._head = None
        self._is_reused = self._is_used and self.sock is not None  # type: ignore[attr-defined]
        try:
            super().request(*args, **options)  # type: ignore[misc]
        except _BROKEN as error:
            self._mark(error)
            raise
        self._is_used = True

    def getresponse(self) -> Any:
        try:
            return super().getresponse()  # type: ignore[misc]
        except _BROKEN as error:
            self._mark(error)
            raise

    def _mark(self, error: OSError) -> None:
        error.on_reused_connection = self._is_reused  # type: ignore[attr-defined]


def _refuse(address: str) -> None:
    if is_unsafe_address(address):
        raise UntrustedHostError(
            f"the provider's host leads to {address}, a link-local or metadata address"
        )


class _Connection(_Guarded, HTTPConnection):
    pass


class _SecureConnection(_Guarded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOL_CLASSES: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _SecurePool}
