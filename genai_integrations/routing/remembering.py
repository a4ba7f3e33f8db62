"""Before anybody is asked: an answer that is kept, or that another call is just asking for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from genai_integrations.calls.request import Request
from genai_integrations.calls.route import MISS, CacheStatus, CacheUse, Route
from genai_integrations.routing.caching import NOBODY, Memory
from genai_integrations.routing.kept_answers import Recalled
from genai_integrations.routing.steps import Follow, Recall, Renew, Step


def remembered(
    memory: Memory,
    request: Request,
    route: Route,
    ends: float | None,
    took: Callable[[float], None],
) -> Generator[Step, Any, Recalled | None]:
    """The answer of another call, None if this one has to ask.

    Args:
        memory: Of the question.
        request: The call.
        route: Is told what the cache had to do with it.
        ends: The moment at which the call is over.
        took: Is told of each look into the store, once it is over, when it began.

    Raises:
        CallError: Another call, which asked the same in the same way, failed while this one waited for it.
    """
    if not memory.looks:
        return None
    route.cache = MISS
    found = yield from _found(memory, request, ends, took)
    if found is None:
        return None
    if found.is_stale:
        yield Renew(memory)
    status: CacheStatus = "STALE" if found.is_stale else "HIT"
    route.cache = CacheUse(status, found.age, found.attempt, found.is_similar)
    return found


def _found(
    memory: Memory, request: Request, ends: float | None, took: Callable[[float], None]
) -> Generator[Step, Any, Recalled | None]:
    """Kept, or brought by another call; those that bring nothing leave it to the next one to ask."""
    found: Recalled | None = yield from _recalled(memory, took)
    while found is None:
        outcome = yield Follow(memory, _patience(request, ends))
        if outcome is NOBODY:
            return (yield from _recalled(memory, took)) if memory.has_missed_one() else None
        if isinstance(outcome, TimeoutError):
            return None
        found = memory.followed(outcome) or (yield from _recalled(memory, took))
    return found


def _recalled(
    memory: Memory, took: Callable[[float], None]
) -> Generator[Step, Any, Recalled | None]:
    began = time.monotonic()
    found: Recalled | None = yield Recall(memory)
    took(began)
    return found


def _patience(request: Request, ends: float | None) -> float:
    """Seconds to wait for another call: as long as for an attempt of one's own."""
    args = request.args
    seconds = args.timeout
    if request.stream and args.stream_timeout is not None:
        seconds = args.stream_timeout
    left = seconds if ends is None else max(min(seconds, ends - time.monotonic()), 0.0)
    return min(left, threading.TIMEOUT_MAX)
