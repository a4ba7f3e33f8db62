"""What the sync and the async side share: proxies, TLS, time-outs, and when a connection is kept."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import select
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.masked import MaskedText

if TYPE_CHECKING:
    import ssl

_E = TypeVar("_E", bound=BaseException)

CONNECT_TIMEOUT = 10.0
"""Seconds a TCP and TLS handshake may take, if the attempt's own time-out is not shorter."""

END_OF_BODY = 0.05
"""Seconds to wait, after a stream's last event, for the end of its body."""

NO_SUCH_PROXY = (
    "the proxy that the environment names is not an http:// or https:// address; one that speaks SOCKS cannot be used "
    "(NO_PROXY names the hosts that need none)"
)
"""What to say of a proxy of another kind."""

PIECE = 65536
"""Bytes read at most at once."""

IDLE_AGE = 50.0
"""Seconds that a connection is kept without use: less than the 60 s after which load balancers close it (AWS's
ALB), or forget it without a word (NAT gateways)."""

IDLE_PER_HOST = 100
"""Connections without use to one host that are kept at most."""

IDLE_IN_ALL = 400
"""The same for all hosts together: a process may have 1,024 descriptors on most systems."""


def readable(descriptor: int) -> Callable[[], bool]:
    """What says whether a socket has bytes waiting, or was closed by the other side. It does not wait.

    An idle connection for which this holds is of no use, and a danger: a request written to it is lost, or is
    answered by what an earlier one left behind.
    """
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return lambda: bool(poll.poll(0))


@cache
def tls_context() -> ssl.SSLContext:
    """One TLS context for everything: the system's roots, or certifi's where the system has none.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` stand in for the system's, which OpenSSL sees to itself; where they are not set,
    `REQUESTS_CA_BUNDLE` does, a file or a directory: many machines behind a proxy that opens TLS have only that one.

    Raises:
        ConfigurationError: `REQUESTS_CA_BUNDLE` names nothing that certificates can be read from.
    """
    import ssl

    bundle = "" if _OPENSSLS & os.environ.keys() else os.environ.get(_BUNDLE, "")
    if bundle:
        return _trusting(bundle)
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"] and not context.get_ca_certs():
        import certifi

        context.load_verify_locations(certifi.where())
    return context


_BUNDLE = "REQUESTS_CA_BUNDLE"
_OPENSSLS = {"SSL_CERT_FILE", "SSL_CERT_DIR"}


def _trusting(bundle: str) -> ssl.SSLContext:
    import ssl

    is_directory = Path(bundle).is_dir()
    try:
        return ssl.create_default_context(
            cafile=None if is_directory else bundle, capath=bundle if is_directory else None
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise ConfigurationError(
        f"{_BUNDLE} is {bundle!r}, which cannot be read ({reason}): name a file of certificates, or unset it"
    )


def proxy_for(origin: str) -> MaskedText | None:
    """The proxy that the environment names for an origin (`HTTPS_PROXY`, `NO_PROXY` ...), or None.

    `NO_PROXY` is read as curl and Go read it: hosts and the ends of hosts, `host:port`, addresses of either kind
    with or without brackets, networks such as `10.0.0.0/8`, and `*`.
    """
    import urllib.request

    parts = urlsplit(origin)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    host = parts.hostname or ""
    port = parts.port or _PORTS.get(parts.scheme)
    excepted = re.split(r"[\s,]+", proxies.get("no", ""))
    if not proxy or any(_names(entry, host, port) for entry in excepted if entry):
        return None
    # Of a Mac's or Windows' own settings only the standard library knows.
    if urllib.request.proxy_bypass(host):
        return None
    # Masked, because it may hold a password.
    return MaskedText(proxy if "://" in proxy else f"http://{proxy}")


class Proxy(NamedTuple):
    """A proxy that can be used.

    Attributes:
        scheme: `http` or `https`.
        host: Its name or address, without brackets.
        port: Its port.
        headers: What lets one in; masked, because it is a password.
    """

    scheme: str
    host: str
    port: int
    headers: Mapping[str, str]

    @property
    def origin(self) -> str:
        """Its address without the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def proxy_at(address: str) -> Proxy | None:
    """The proxy at an address; None if that is none, or of no kind that can be used.

    What is wrong with it is not told: the parsers' own errors quote the address, which may hold a password.
    """
    try:
        url = urlsplit(address)
        port = url.port or _PORTS.get(url.scheme)
    except ValueError:
        return None
    if port is None or url.scheme not in _PORTS or not url.hostname:
        return None
    # RFC 7617: a colon also where there is no password, and UTF-8.
    told = f"{unquote(url.username or '')}:{unquote(url.password or '')}".encode(errors="replace")
    basic = MaskedText(f"Basic {base64.b64encode(told).decode()}")
    has_login = url.username is not None
    return Proxy(
        url.scheme, url.hostname, port, {"proxy-authorization": basic} if has_login else {}
    )


_PORTS = {"http": 80, "https": 443}


def _names(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of `NO_PROXY` means a host."""
    named, colon, told = entry.rpartition(":")
    if colon and told.isdecimal() and (":" not in named or named[-1:] == "]"):
        if int(told) != port:
            return False
        entry = named
    entry = entry.lower().strip("[]")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        end = entry.removeprefix("*").removeprefix(".")
        return entry == "*" or (bool(end) and (host == end or host.endswith(f".{end}")))


def without_frames(error: _E) -> _E:
    """The error and its causes without tracebacks, and without what merely happened before.

    The frames of an HTTP library hold the request's bytes, and so the key, in their locals; the texts of
    LiteLLM's errors quote what a server echoed.
    """
    seen: BaseException | None = error
    while seen is not None:
        seen.__traceback__ = seen.__context__ = None
        seen = seen.__cause__
    return error
