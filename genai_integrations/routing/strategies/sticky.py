"""`sticky_by`: the calls of one user or session go to one target, where a provider's prompt cache is warm.

By rendezvous hashing over the weights (D. Thaler and C. Ravishankar, 1998; weighted by the logarithm, as in Schindelhauer
and Schomaker, 2005): every process and every restart finds the same target without knowing of the others, each target
has the users of its share of the weight, and where one goes or fails only its own users move, each to the next in the
order of their own.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from genai_integrations.routing.deployments import Target

_NUMBERS = 1 << 64


def home(key: str, targets: Sequence[Target]) -> Target:
    """The first target in the order of a key."""
    return min(targets, key=lambda target: _distance(key, target))


def rendezvous(key: str, targets: Sequence[Target]) -> list[Target]:
    """The targets in the order that belongs to a key."""
    return sorted(targets, key=lambda target: _distance(key, target))


def _distance(key: str, target: Target) -> float:
    """A number to sort by: exponential with the target's weight as its rate, but always the same for a key."""
    weight = target.deployment.weight
    if weight <= 0:
        return math.inf
    said = f"{key}\0{target.name}".encode(errors="replace")
    number = int.from_bytes(hashlib.blake2b(said, digest_size=8).digest())
    return -math.log((number + 1) / (_NUMBERS + 1)) / weight
