"""Connections to one host: opened with care, kept while they are idle, never used again when in doubt."""

from __future__ import annotations

import contextlib
import socket
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import Url, parse_url
from urllib3.util.wait import wait_for_read

from genai_integrations.errors import APIConnectionError
from genai_integrations.runtime.network import (
    IDLE_AGE,
    IDLE_PER_HOST,
    NO_SUCH_PROXY,
    proxy_at,
    tls_context,
)
from genai_integrations.transports.http.names import Address, addresses_of, refuse_unsafe


class Host:
    """One origin, and the idle connections to it. Safe for threads.

    No method takes a lock: a stream that is collected gives its connection back in whichever thread that happens,
    and that thread may be at work in here.

    Args:
        origin: `scheme://host:port`.
        proxy: Its proxy's address with the password, if there is one.
        most: Connections to keep idle.
        age: Seconds for which one is kept.
        clock: Seconds that only grow.

    Attributes:
        name: What the header `Host` says.
        forwarded: What stands before the path where a proxy forwards requests, else nothing.
        headers: What such a proxy is told.

    Raises:
        APIConnectionError: The proxy is of no kind that we can use.
    """

    def __init__(
        self,
        origin: str,
        proxy: str | None,
        *,
        most: int = IDLE_PER_HOST,
        age: float = IDLE_AGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url = parse_url(origin)
        self._proxy, self._authorization = _proxy(proxy)
        self._most = most
        self._age = age
        self._clock = clock
        self._idle: deque[_Idle] = deque()
        # Also at the interpreter's end; a socket that is collected unclosed warns.
        weakref.finalize(self, _close_all, self._idle)
        is_default = url.port == (443 if url.scheme == "https" else 80)
        self.name = str(url.host if is_default else url.netloc)
        forwards = self._proxy is not None and url.scheme == "http"
        self.forwarded = f"http://{self.name}" if forwards else ""
        self.headers: Mapping[str, str] = self._authorization if forwards else {}

    def idle(self) -> HTTPConnection | None:
        """The connection used last that can be used again; None if there is none."""
        oldest = self._clock() - self._age
        with contextlib.suppress(IndexError):
            while True:
                connection, since = self._idle.pop()
                if since > oldest and is_quiet(connection):
                    return connection
                connection.close()
        return None

    def put_back(self, connection: HTTPConnection, *, usable: bool) -> None:
        """Take a connection that is no longer in use: to keep it, if it can be used again."""
        if usable and len(self._idle) < self._most:
            self._idle.append((connection, self._clock()))
        else:
            connection.close()

    def idle_count(self) -> int:
        """How many connections are idle."""
        return len(self._idle)

    def close_idle(self, at_least: int = 0) -> None:
        """Close idle connections: those that are too old, and so many of the oldest in any case."""
        oldest = self._clock() - self._age
        with contextlib.suppress(IndexError):
            while True:
                connection, since = self._idle.popleft()
                if since > oldest and at_least <= 0:
                    # Looked at by taking it out, because another thread may take it at any moment.
                    self._idle.appendleft((connection, since))
                    return
                connection.close()
                at_least -= 1

    def open(self, seconds: float) -> HTTPConnection:
        """A new connection.

        Args:
            seconds: Time for each step of it.

        Raises:
            urllib3.exceptions.HTTPError: The host or the proxy cannot be reached.
            OSError: The same, or a certificate is not good.
            UntrustedHostError: The host leads where no provider is.
        """
        connection = self._through(self._proxy, seconds) if self._proxy else self._direct(seconds)
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection

    def _direct(self, seconds: float) -> HTTPConnection:
        host, port = _bare(self._url), self._url.port
        if self._url.scheme == "https":
            return _SecureConnection(host, port, timeout=seconds, ssl_context=tls_context())
        return _Connection(host, port, timeout=seconds)

    def _through(self, proxy: Url, seconds: float) -> HTTPConnection:
        at: dict[str, Any] = {
            "host": _bare(proxy),
            "port": proxy.port,
            "proxy": proxy,
            "timeout": seconds,
        }
        if "https" not in (proxy.scheme, self._url.scheme):
            return _ToProxy(**at)
        config = ProxyConfig(tls_context(), False, None, None)
        connection = _ToSecureProxy(**at, ssl_context=tls_context(), proxy_config=config)
        if self._url.scheme == "https":
            connection.set_tunnel(
                _bare(self._url), self._url.port, {**self._authorization}, str(proxy.scheme)
            )
        return connection


class _Bounded(HTTPConnection):
    """Connects within one time for everything: looking the name up, and each of its addresses in turn."""

    def _new_conn(self) -> socket.socket:
        ends = time.monotonic() + float(cast("float", self.timeout))
        reason: OSError | None = None
        found = addresses_of(self.host, self.port, ends)
        self._look_at(found)
        for left, (family, kind, protocol, _, address) in zip(
            range(len(found), 0, -1), found, strict=True
        ):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(max((ends - time.monotonic()) / left, _SHORTEST))
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.connect(address)
            except OSError as error:
                sock.close()
                reason = error
            else:
                sock.settimeout(max(ends - time.monotonic(), _SHORTEST))
                return sock
        if isinstance(reason, TimeoutError):
            raise ConnectTimeoutError(self, f"no connection within {self.timeout:g} s")
        raise NewConnectionError(self, f"Failed to establish a new connection: {reason}")

    def _look_at(self, found: Sequence[Address]) -> None:
        """Nothing: a proxy may be anywhere."""


_SHORTEST = 0.001
"""Seconds: zero would mean not to wait at all."""


class _Guarded(_Bounded):
    """Looks at whom it connects to before anything is sent: at all of a name's addresses, whichever would answer."""

    def _look_at(self, found: Sequence[Address]) -> None:
        for *_, address in found:
            refuse_unsafe(str(address[0]))


class _Connection(_Guarded, HTTPConnection):
    pass


class _SecureConnection(_Guarded, HTTPSConnection):
    pass


class _ToProxy(_Bounded, HTTPConnection):
    pass


class _ToSecureProxy(_Bounded, HTTPSConnection):
    pass


def _proxy(address: str | None) -> tuple[Url | None, Mapping[str, str]]:
    """The proxy at an address, and the header that lets one in."""
    if address is None:
        return None, {}
    proxy = proxy_at(address)
    if proxy is None:
        raise APIConnectionError(NO_SUCH_PROXY)
    return parse_url(proxy.origin), proxy.headers


def _bare(url: Url) -> str:
    return (url.host or "").strip("[]")


def is_quiet(connection: HTTPConnection) -> bool:
    """Whether a connection is open, and nothing came over it that nobody asked for."""
    sock = connection.sock
    if sock is None:
        return False
    decrypted = getattr(sock, "pending", None)
    if decrypted is not None and decrypted():
        return False
    return not wait_for_read(sock, timeout=0.0)


_Idle = tuple[HTTPConnection, float]
"""A connection, and since when nobody uses it."""


def _close_all(idle: deque[_Idle]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            idle.pop()[0].close()
