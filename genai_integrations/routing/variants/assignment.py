"""Who gets which variant: the same one each time, in every process and version, and for as many as can be after a change.

Each variant draws a time from a hash of the caller, exponential with its share as the rate, and the first one wins. So
each wins with its share; a share that grows only takes callers over from the others; and of all ways that keep nothing in
mind, none moves fewer in the worst case (Bavarian et al. 2020, "Optimality of correlated sampling strategies").
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping

_BITS = 64


def assigned(experiment: str, who: str, shares: Mapping[str, float]) -> str:
    """The variant of one caller.

    Args:
        experiment: Its name: the same caller has another place in each experiment.
        who: The caller.
        shares: For each variant its share, relative to their sum; one at least is above 0.
    """
    key = hashlib.blake2b(experiment.encode(errors="replace"), digest_size=32).digest()
    return min(shares, key=lambda variant: _arrival(key, who, variant, shares[variant]))


def at_random(shares: Mapping[str, float]) -> str:
    """A variant for a caller who is not known."""
    return random.choices(list(shares), list(shares.values()))[0]  # noqa: S311  no secret


def _arrival(key: bytes, who: str, variant: str, share: float) -> float:
    if share <= 0:
        return math.inf
    said = f"{variant}\0{who}".encode(errors="replace")
    drawn = int.from_bytes(hashlib.blake2b(said, key=key, digest_size=_BITS // 8).digest())
    return -math.log((drawn + 0.5) / 2.0**_BITS) / share
