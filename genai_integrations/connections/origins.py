"""Which hosts a stored key may go to."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from genai_integrations.connections.connection import Connection
from genai_integrations.errors import CredentialError, UntrustedHostError
from genai_integrations.runtime.bounded_map import BoundedMap

_DEFAULT_PORTS = {"http": 80, "https": 443}

_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:42::42",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
"""Cloud metadata services outside the link-local ranges: Alibaba, Azure's wire server, Oracle, Scaleway, AWS and Google
over IPv6."""

PLACEHOLDERS = frozenset(
    ("dummy", "empty", "lm-studio", "no-key", "none", "not-needed", "ollama", "sk-no-key-required")
)
"""What local servers' manuals tell one to enter as a key: nobody's secret, so it may go to many hosts."""

_MOST_KEYS = 4096
"""Keys remembered, those used last: rotation makes new ones for as long as a program runs."""

_WITH_IPV4_AT_THE_END = tuple(
    ipaddress.IPv6Network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")
)
"""NAT64 (RFC 6052, RFC 8215), IPv4-compatible addresses (RFC 4291), IPv4-translated ones (RFC 2765)."""


class OriginPins:
    """Remembers the origin each key was first used for, and refuses another.

    A connection's `base_url` is plain text that anyone with write access to the table could change, and a
    ciphertext copied into another row still decrypts. So the origin is pinned to a keyed hash of the key
    itself. The hash's own key is random and lives in memory only.

    Args:
        allowed_hosts: Hosts (`host` or `host:port`) that any key may go to.
    """

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._hash_key = secrets.token_bytes(32)
        # Once now, with the client: OpenSSL takes a lock to load it, which a child that is forked meanwhile, in another
        # thread's first call, would find held for ever.
        hmac.digest(self._hash_key, b"", hashlib.sha256)
        self._pins: BoundedMap[bytes, str] = BoundedMap(_MOST_KEYS)

    def check(self, connection: Connection, url: str, secret: str) -> None:
        """Allow this secret at this URL, or raise.

        Raises:
            UntrustedHostError: The secret was first used for another origin, or the host is an address
                that no provider has.
        """
        origin = origin_of(url, connection.name, connection.address_from)
        refuse_unsafe_host(connection.name, urlsplit(url).hostname or "")
        if secret.lower() in PLACEHOLDERS:
            return
        pin = hmac.digest(self._hash_key, secret.encode(), hashlib.sha256)
        pinned = self._pins.get_or_put(pin, origin)
        if pinned != origin and not self._is_allowed(origin):
            host = urlsplit(origin).netloc
            raise UntrustedHostError(
                f"connection {connection.name!r} would send a key to {origin} that was first used for "
                f"{pinned}: if the change is wanted, restart, or name it: allowed_hosts=[{host!r}]"
            )

    def _is_allowed(self, origin: str) -> bool:
        parts = urlsplit(origin)
        return parts.netloc in self._allowed or (parts.hostname or "") in self._allowed


def origin_of(url: str, connection_name: str, written_in: str | None = None) -> str:
    """`scheme://host:port` of a URL, with the port always written.

    Args:
        url: The address.
        connection_name: Whose it is.
        written_in: Where it is corrected.

    Raises:
        CredentialError: The URL is not an http or https address without credentials in it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username or parts.password:
        raise CredentialError(
            f"connection {connection_name!r} has a base URL {_fault(url)}: "
            f"correct {written_in or 'its base_url'}"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or _DEFAULT_PORTS[parts.scheme]}"


def _fault(url: str) -> str:
    """What is wrong with an address, without any of it: it may hold a key."""
    return (
        "without http:// or https:// in front"
        if "://" not in url
        else "that is not a plain http(s) address"
    )


def is_unsafe_address(host: str) -> bool:
    """Whether an IP address is link-local or a cloud's metadata service. Names are never unsafe."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        address = _inner_ipv4(address) or address
    return address.is_link_local or address in _METADATA_ADDRESSES or address.is_multicast


def _inner_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for, in any of the ways there are."""
    if any(address in network for network in _WITH_IPV4_AT_THE_END):
        return ipaddress.IPv4Address(address.packed[-4:])
    # Of Teredo's two (RFC 4380) the client's is where packets go.
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


def refuse_unsafe_host(connection_name: str, host: str) -> None:
    """Raise `UntrustedHostError` for a host that `is_unsafe_address`."""
    if is_unsafe_address(host):
        raise UntrustedHostError(
            f"connection {connection_name!r} leads to {host}, a link-local or metadata address, "
            "which no provider has: correct its base URL"
        )


def vertex_host(location: str) -> str:
    """Google's own host of a Vertex AI location.

    Source: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations.
    """
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


_MULTI_REGIONS = ("eu", "us")
"""Locations of several regions, whose hosts are named otherwise."""
