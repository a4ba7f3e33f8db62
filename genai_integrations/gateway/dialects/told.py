"""What an answer tells of how it was come by: in headers, in a reply, and at the end of a stream."""

from __future__ import annotations

from functools import lru_cache
from typing import TypedDict
from urllib.parse import quote

from genai_integrations.calls.route import CacheStatus, Route
from genai_integrations.gateway.refusals import Header

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


def headers_of(route: Route, cost: float | None) -> list[Header]:
    """The same in headers.

    Args:
        route: Of a stream that has just begun, what is known then.
        cost: US dollars; None where they are not known, or not yet.
    """
    made: list[Header] = [(b"x-genai-cache", b"HIT" if route.cached else b"MISS")]
    if route.attempts:
        made.append((b"x-genai-target", _in_header(route.attempts[-1].target)))
    if cost is not None:
        made.append((b"x-genai-cost", f"{cost:.10f}".rstrip("0").rstrip(".").encode()))
    return made


@lru_cache(1024)
def _in_header(name: str) -> bytes:
    """Percent-encoded: a name may have letters that no header can have."""
    return quote(name, "/#:@+").encode()
