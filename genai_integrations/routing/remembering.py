"""What a client keeps of answers, and how a call looks there before anybody is asked."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from genai_integrations.calls.cache_control import no_semantic_cache
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import MISS, CacheStatus, CacheUse, Route
from genai_integrations.routing.answer_stores import (
    AnswerStore,
    AsyncAnswerStore,
    Outcome,
    SimilarAnswers,
)
from genai_integrations.routing.caching import NOBODY, Memory
from genai_integrations.routing.deployments import Plan
from genai_integrations.routing.kept_answers import Recalled
from genai_integrations.routing.steps import Follow, Part, Recall, Renew
from genai_integrations.runtime.flights import Flights


@dataclass(slots=True)
class Answers:
    """What a client keeps of answers, and what it is just asking for.

    Attributes:
        exact: By the exact question; None keeps none.
        similar: By what a question means; None keeps none.
        flights: Calls under way, whose answers others wait for; and renewals.
        awaited: The same as `exact`, where an event loop is to await it; else None.
    """

    exact: AnswerStore | None
    similar: SimilarAnswers | None = None
    flights: Flights[Outcome] = field(default_factory=lambda: Flights("genai-renewal"))
    awaited: AsyncAnswerStore | None = field(init=False)

    def __post_init__(self) -> None:
        # Once: to look for the methods of a protocol takes longer than to look up an answer.
        self.awaited = self.exact if isinstance(self.exact, AsyncAnswerStore) else None

    def clear(self) -> None:
        """Forget every answer of this tenant."""
        for store in (self.exact, self.similar):
            if store is not None:
                store.clear()

    async def aclear(self) -> None:
        """As `clear`, without blocking the loop."""
        if self.awaited is None:
            await asyncio.to_thread(self.clear)
            return
        await self.awaited.aclear()
        if self.similar is not None:
            await asyncio.to_thread(self.similar.clear)

    def memory(self, request: Request, plan: Plan) -> Memory:
        """What is remembered of one question.

        Raises:
            ConfigurationError: It asks for an answer by meaning, and none are kept.
        """
        if self.similar is None and request.args.cache.semantic:
            raise no_semantic_cache()
        return Memory(self, request, plan)

    @staticmethod
    def remembered(
        memory: Memory, route: Route, ends: float | None, took: Callable[[float], None]
    ) -> Part[Recalled | None]:
        """The answer of another call, None if this one has to ask.

        Args:
            memory: Of the question.
            route: Is told what the cache had to do with it.
            ends: The moment at which the call is over.
            took: Is told of each look into the store, once it is over, when it began.

        Raises:
            CallError: Another call, which asked the same in the same way, failed while this one waited for it.
        """
        if not memory.looks:
            return None
        route.cache = MISS
        began = time.monotonic()
        found: Recalled | None = yield Recall(memory)
        took(began)
        if found is None:
            found = yield from _brought(memory, ends, took)
            if found is None:
                return None
        if found.is_stale:
            yield Renew(memory)
        status: CacheStatus = "STALE" if found.is_stale else "HIT"
        route.cache = CacheUse(status, found.age, found.attempt, found.is_similar)
        return found


def _brought(
    memory: Memory, ends: float | None, took: Callable[[float], None]
) -> Part[Recalled | None]:
    """Brought by another call; those that bring nothing leave it to the next one to ask."""
    found: Recalled | None = None
    while found is None:
        outcome = yield Follow(memory, _patience(memory.request, ends))
        is_last = outcome is NOBODY
        if isinstance(outcome, TimeoutError) or (is_last and not memory.has_missed_one()):
            return None
        found = None if is_last else memory.followed(outcome)
        if found is None:
            began = time.monotonic()
            found = yield Recall(memory)
            took(began)
        if is_last:
            return found
    return found


def _patience(request: Request, ends: float | None) -> float:
    """Seconds to wait for another call: as long as for an attempt of one's own."""
    args = request.args
    seconds = args.timeout
    if request.stream and args.stream_timeout is not None:
        seconds = args.stream_timeout
    left = seconds if ends is None else max(min(seconds, ends - time.monotonic()), 0.0)
    return min(left, threading.TIMEOUT_MAX)
