"""Names of hosts, looked up within a time: the operating system's own way has none."""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401  else loaded by the first look-up, within an attempt
import ipaddress
import socket
import threading
from concurrent.futures import Future
from typing import Any

from genai_integrations.connections.origins import is_unsafe_address
from genai_integrations.errors import UntrustedHostError
from genai_integrations.runtime.single_flight import seconds_until

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]
"""What `socket.getaddrinfo` says of one address."""


def addresses_of(host: str, port: int, ends: float) -> list[Address]:
    """Where a host is, in the order to try.

    Args:
        host: A name or an address.
        port: Of TCP.
        ends: Moment of `time.monotonic` until which to wait. The look-up goes on in a thread, which nobody can end.

    Raises:
        TimeoutError: It was not found by then.
        OSError: There is no such host.
    """
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return _looked_up(host, port)
    return looking_up(host, port).result(seconds_until(ends))


def looking_up(host: str, port: int) -> Future[list[Address]]:
    """The same under way in a thread of its own, for which neither a loop's end nor the interpreter's waits."""
    found: Future[list[Address]] = Future()
    # A future that runs cannot be cancelled by whoever stops waiting.
    found.set_running_or_notify_cancel()
    threading.Thread(
        target=_fill, args=(found, host, port), name="genai-names", daemon=True
    ).start()
    return found


def _fill(found: Future[list[Address]], host: str, port: int) -> None:
    try:
        found.set_result(_looked_up(host, port))
    except BaseException as error:  # noqa: BLE001  it goes on in whoever waits
        found.set_exception(error)


def _looked_up(host: str, port: int) -> list[Address]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, f"{host[:50]!r} cannot be a host name") from None


def refuse_unsafe(address: str) -> None:
    """Raise for an address that a host leads to where no provider is.

    Raises:
        UntrustedHostError: It is a link-local or metadata address.
    """
    if is_unsafe_address(address):
        raise UntrustedHostError(
            f"the provider's host leads to {address}, a link-local or metadata address"
        )
