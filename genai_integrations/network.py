"""What the sync and the async side share: proxies, TLS, time-outs and fork."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.masked import MaskedText

if TYPE_CHECKING:
    import ssl

_E = TypeVar("_E", bound=BaseException)

CONNECT_TIMEOUT = 10.0
"""Seconds a TCP and TLS handshake may take, if the attempt's own time-out is not shorter."""

END_OF_BODY = 0.05
"""Seconds to wait, after a stream's last event, for the end of its body."""

PIECE = 65536
"""Bytes read at most at once."""


@cache
def tls_context() -> ssl.SSLContext:
    """One TLS context for everything: the system's roots, or certifi's where the system has none."""
    import ssl

    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"] and not context.get_ca_certs():
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def proxy_for(origin: str) -> str | None:
    """The proxy that the environment names for an origin (`HTTPS_PROXY`, `NO_PROXY` ...), or None."""
    import urllib.request

    parts = urlsplit(origin)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    # Masked, because it may hold a password.
    return MaskedText(proxy if "://" in proxy else f"http://{proxy}")


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


class Forkable(Protocol):
    """Something that holds sockets."""

    def abandon(self) -> Any:
        """Let go of every socket without closing it, and return what held them."""


def drop_sockets_after_fork(owner: Forkable) -> None:
    """Have `owner` abandon its sockets in every forked child, because the parent goes on using them."""
    after_fork_in_child(owner.abandon)
