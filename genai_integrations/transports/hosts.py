"""How to connect to one host, with care."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import unquote

from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.util import Url, make_headers, parse_url

from genai_integrations.connections.origins import is_unsafe_address
from genai_integrations.errors import APIConnectionError, UntrustedHostError
from genai_integrations.network import tls_context
from genai_integrations.runtime.masked import MaskedText


class Host:
    """One origin: how to connect to it, and what a request to it says.

    Args:
        origin: `scheme://host:port`.
        proxy: Its proxy's address with the password, if there is one.

    Attributes:
        name: What the header `Host` says.
        forwarded: What stands before the path where a proxy forwards requests, else nothing.
        headers: What such a proxy is told.

    Raises:
        APIConnectionError: The proxy is of no kind that we can use.
    """

    def __init__(self, origin: str, proxy: str | None) -> None:
        self._url = url = parse_url(origin)
        self._proxy, self._authorization = _proxy(proxy)
        is_default = url.port == (443 if url.scheme == "https" else 80)
        self.name = str(url.host if is_default else url.netloc)
        forwards = self._proxy is not None and url.scheme == "http"
        self.forwarded = f"http://{self.name}" if forwards else ""
        self.headers = self._authorization if forwards else {}

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
            return HTTPConnection(**at)
        config = ProxyConfig(tls_context(), False, None, None)
        connection = HTTPSConnection(**at, ssl_context=tls_context(), proxy_config=config)
        if self._url.scheme == "https":
            connection.set_tunnel(
                _bare(self._url), self._url.port, self._authorization, str(proxy.scheme)
            )
        return connection


class _Guarded:
    """Looks at whom it connects to before anything is sent."""

    def _new_conn(self) -> socket.socket:
        for *_, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):  # type: ignore[attr-defined]
            _refuse(str(address[0]))
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        try:
            # Once more, because a name may lead elsewhere the second time.
            _refuse(sock.getpeername()[0])
        except BaseException:
            sock.close()
            raise
        return sock


class _Connection(_Guarded, HTTPConnection):
    pass


class _SecureConnection(_Guarded, HTTPSConnection):
    pass


def _refuse(address: str) -> None:
    if is_unsafe_address(address):
        raise UntrustedHostError(
            f"the provider's host leads to {address}, a link-local or metadata address"
        )


def _proxy(address: str | None) -> tuple[Url | None, dict[str, str]]:
    """The proxy at an address, and the header that lets one in."""
    if address is None:
        return None, {}
    url = parse_url(address)
    if url.scheme not in ("http", "https") or not url.host:
        raise APIConnectionError(
            "the proxy that the environment names is no http:// or https:// address"
        )
    port = url.port or (443 if url.scheme == "https" else 80)
    told = make_headers(proxy_basic_auth=unquote(url.auth)) if url.auth else {}
    # Masked and cut out, because it is a password.
    return url._replace(auth=None, port=port), {
        name: MaskedText(value) for name, value in told.items()
    }


def _bare(url: Url) -> str:
    return (url.host or "").strip("[]")
