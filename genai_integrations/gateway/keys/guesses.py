"""How often one address may be wrong about a key."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

from genai_integrations.runtime.bounded_map import BoundedMap

MOST = 20
"""Wrong keys that one address may show at once, before it has to wait."""

SECONDS = 60.0
"""In which it may show as many again."""

_MOST_ADDRESSES = 8192


class Guesses:
    """A bucket of wrong keys for each address, which empties as time goes by. Bounded, whoever asks.

    Keys that are known and right are never held up by it, from whichever address they come.

    Args:
        most: See `MOST`.
        seconds: See `SECONDS`.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        most: int = MOST,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._each = seconds / most
        self._clock = clock
        # By address, the moment at which its bucket is empty.
        self._empty_at: BoundedMap[str, float] = BoundedMap(_MOST_ADDRESSES)

    def wait(self, address: str) -> float:
        """Seconds until a key that nobody knows yet may be tried from an address; 0 for now."""
        empty_at = self._empty_at.get(network_of(address))
        if empty_at is None:
            return 0.0
        # Rounded, because sums of floats are off by a little.
        return max(round(empty_at - self._each * (self._most - 1) - self._clock(), 6), 0.0)

    def wrong(self, address: str) -> None:
        """A key from there was wrong."""
        whose = network_of(address)
        self._empty_at.put(whose, max(self._empty_at.get(whose) or 0.0, self._clock()) + self._each)


def network_of(address: str) -> str:
    """Whose an address is: of IPv6, everybody has at least the 2**64 addresses of a network (RFC 6177)."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False))
