"""What an answer tells of how it was come by: in a reply, and at the end of a stream."""

from __future__ import annotations

from typing import TypedDict

from genai_integrations.calls.route import CacheStatus, Route

FIELD = "genai"
"""The name of the object in replies and last chunks."""


class Told(TypedDict):
    """What is known of a call.

    Attributes:
        target: Who answered.
        cost: US dollars; None where nobody knows.
        cache: What a cache had to do with it.
        route: Every attempt, in a line.
    """

    target: str | None
    cost: float | None
    cache: CacheStatus
    route: str


def told(route: Route) -> Told:
    """What is known of a call that is over."""
    return {
        "target": route.attempts[-1].target if route.attempts else None,
        "cost": route.cost,
        "cache": route.cache.status,
        "route": str(route),
    }
