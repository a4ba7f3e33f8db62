"""What an answer tells of how it was come by: in headers, in a reply, and at the end of a stream."""

from __future__ import annotations

from urllib.parse import quote

from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Wire
from genai_integrations.gateway.refusals import Header

FIELD = "genai"
"""The name of the object in replies and last chunks."""


def told(route: Route) -> Wire:
    """What is known of a call that is over: who answered, US dollars, the cache, and every attempt in a line."""
    return {
        "target": route.attempts[-1].target if route.attempts else None,
        "cost": route.cost,
        "cache": route.cache.status,
        "route": str(route),
    }


def headers_of(route: Route, *, is_over: bool) -> list[Header]:
    """The same in headers; of a stream that has just begun, what is known then.

    A name may have letters that no header can have, so it is percent-encoded.
    """
    made: list[Header] = [(b"x-genai-cache", b"HIT" if route.cached else b"MISS")]
    if route.attempts:
        made.append((b"x-genai-target", quote(route.attempts[-1].target, "/#:@+").encode()))
    if is_over and (cost := route.cost) is not None:
        made.append((b"x-genai-cost", f"{cost:.10f}".rstrip("0").rstrip(".").encode()))
    return made
