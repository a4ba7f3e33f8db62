"""What is remembered of one question: kept answers, and those that are just being asked for."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from genai_integrations.cache.kept import Kept
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Attempt
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import (
    AllTargetsFailedError,
    CallError,
    ConfigurationError,
    GenAIError,
    LimitError,
)
from genai_integrations.routing.answer_stores import (
    Failure,
)
from genai_integrations.routing.deployments import Plan
from genai_integrations.routing.kept_answers import (
    Recalled,
    by_of,
    entry_of,
    is_whole,
    question_of,
    recalled,
    stand_in,
)
from genai_integrations.routing.shared_streams import (
    AsyncSharedStream,
    SharedStream,
    reading,
    shared_stream,
)
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.flights import Flight
from genai_integrations.runtime.single_flight import own_copy

if TYPE_CHECKING:
    from genai_integrations.routing.remembering import Answers

_log = logging.getLogger("genai_integrations")


_THREADS = "threads"
"""The place of calls outside event loops."""

NOBODY = object()
"""What a wait for another call brings if there is none, so that this call asks."""


class Memory:
    """What is remembered of one question, and what is done so that it is asked once.

    Args:
        answers: What the client keeps.
        request: The question. Its `args.cache` may keep it from being looked up, or from being kept.
        plan: Who would be asked.

    Attributes:
        request: The question.
        looks: Whether a kept answer would do.
    """

    def __init__(self, answers: Answers, request: Request, plan: Plan) -> None:
        self._answers = answers
        self.request = request
        self._plan = plan
        self._control = request.args.cache
        exact = answers.exact
        self._key = None if exact is None else exact.key(question_of(request, plan))
        self._led: tuple[Hashable, Flight[Any]] | None = None
        self._shared: SharedStream | AsyncSharedStream | None = None
        self._landed = answers.flights.landed
        self.looks = not self._control.refresh and (
            self._key is not None or answers.similar is not None
        )

    # Kept answers.

    def recall(self) -> Recalled | None:
        """The kept reply, None if there is none to give."""
        if not self.looks:
            return None
        found = None
        try:
            if self._key is not None and self._answers.exact is not None:
                found = recalled(self._answers.exact.get(self._key))
        except Exception as error:  # noqa: BLE001  a store is anybody's, and a call does not need it
            _missed(error)
        return found or self._recall_similar()

    async def arecall(self) -> Recalled | None:
        """As `recall`, without blocking the loop."""
        store, key = self._answers.awaited, self._key
        if not self.looks:
            return None
        if store is None or key is None:
            if not getattr(self._answers.exact, "blocks", True) and self._answers.similar is None:
                return self.recall()
            return await asyncio.to_thread(self.recall)
        found = None
        try:
            found = recalled(await store.aget(key))
        except Exception as error:  # noqa: BLE001  as above
            _missed(error)
        if found is None and self._answers.similar is not None:
            found = await asyncio.to_thread(self._recall_similar)
        return found

    def keep(self, reply: Wire, attempt: Attempt) -> None:
        """Keep a reply, if it is one to give again."""
        if self._keeps(reply):
            self._keep(self._entry(reply, attempt))

    async def akeep(self, reply: Wire, attempt: Attempt) -> None:
        """As `keep`, without blocking the loop."""
        if not self._keeps(reply):
            return
        store, entry = self._answers.awaited, self._entry(reply, attempt)
        if store is not None:
            try:
                if self._key is not None:
                    await store.aput(self._key, entry, self._control.ttl)
            except Exception as error:  # noqa: BLE001  as above
                _missed(error)
            if self._answers.similar is not None:
                await asyncio.to_thread(self._keep_similar, entry)
        elif not getattr(self._answers.exact, "blocks", True) and self._answers.similar is None:
            self._keep(entry)
        else:
            await asyncio.to_thread(self._keep, entry)

    def renew(self, run: Callable[[Request], Any]) -> None:
        """Have a newer answer fetched in the background, once for all who see that it is old.

        Args:
            run: Makes a call, in a thread.
        """
        if self._control.no_store:
            return
        trace = {name: value for name, value in self.request.trace.items() if name not in _OPEN}
        control = dataclasses.replace(self._control, refresh=True)
        args = dataclasses.replace(self.request.args, cache=control)
        request = dataclasses.replace(self.request, args=args, trace=trace)
        self._answers.flights.start(self._key, lambda: _renewed(request, run))

    def _keep(self, entry: Wire) -> None:
        try:
            if self._key is not None and self._answers.exact is not None:
                self._answers.exact.put(self._key, entry, self._control.ttl)
        except Exception as error:  # noqa: BLE001  as above
            _missed(error)
        self._keep_similar(entry)

    def _recall_similar(self) -> Recalled | None:
        try:
            if self._answers.similar is not None:
                return recalled(self._answers.similar.get(self.request, self._plan))
        except Exception as error:  # noqa: BLE001  as above
            _missed(error)
        return None

    def _keep_similar(self, entry: Wire) -> None:
        try:
            if self._answers.similar is not None:
                self._answers.similar.put(self.request, self._plan, entry)
        except Exception as error:  # noqa: BLE001  as above
            _missed(error)

    def _keeps(self, reply: Wire) -> bool:
        if self._control.no_store or not is_whole(reply):
            return False
        if self._shared is not None:
            if self._shared.is_kept:
                return False
            self._shared.is_kept = True
        return self._key is not None or self._answers.similar is not None

    def _entry(self, reply: Wire, attempt: Attempt) -> Wire:
        entry = entry_of(reply, attempt)
        return entry if self._shared is None else {**entry, "pieces": self._shared.pieces.entry()}

    # Answers that are just being asked for.

    def follow(self, seconds: float) -> object:
        """Wait for the call that asks the same just now: what it brought, `NOBODY`, or a TimeoutError."""
        flight = self._join(_THREADS)
        if flight is None:
            return NOBODY
        if _stands_still(flight.place):
            return TimeoutError()
        try:
            return flight.outcome.result(seconds)
        except TimeoutError as error:
            return error

    async def afollow(self, seconds: float) -> object:
        """As `follow`, without blocking the loop."""
        flight = self._join(asyncio.get_running_loop())
        if flight is None:
            return NOBODY
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(flight.outcome)
        except TimeoutError as error:
            return error

    def _join(self, place: Hashable) -> Flight[Any] | None:
        """The flight of another call that asks the same just now; None if this call asks, for itself or for all.

        Args:
            place: Where the caller is: `_THREADS`, or its event loop. A whole answer may come from anywhere; a stream
                is read where it is opened.
        """
        if self._key is None or not self.looks or self._control.no_store:
            return None
        if self.request.stream and self.request.args.deadline is not None:
            # It would end with the first one's time.
            return None
        args = self.request.args
        # A stream that others read ends with the first one's patience: who reads it has the same.
        how = (place, args.timeout, args.stall_timeout) if self.request.stream else None
        key = (self._key, how)
        flights = self._answers.flights
        flight, is_mine = flights.join(key, place)
        if not is_mine and _is_stuck(flight):
            # Its readers have stopped in the middle of a stream: the next one begins another.
            flights.land(key, flight)
            flight, is_mine = flights.join(key, place)
        if is_mine:
            self._led = (key, flight)
            return None
        return flight

    def has_missed_one(self) -> bool:
        """Whether an answer may have been kept between the look-up and `follow`."""
        return self._led is not None and self._answers.flights.landed != self._landed

    def followed(self, outcome: object) -> Recalled | None:
        """What a flight brought; None if nothing that is of use here.

        Raises:
            CallError: The same call failed.
        """
        self._landed = self._answers.flights.landed
        if isinstance(outcome, bytes):
            return recalled(Kept(jsonbytes.loads(outcome), 0.0))
        if isinstance(outcome, (SharedStream, AsyncSharedStream)) and outcome.is_lively:
            self._shared = outcome
            return Recalled({}, stand_in(outcome.by), rest=reading(outcome))
        if isinstance(outcome, Failure):
            args = self.request.args
            if args.deadline is None and args == outcome.request.args:
                raise own_copy(outcome.error)
        return None

    def opened(self, held: Sequence[Wire], rest: Any, attempt: Attempt) -> Any:
        """The chunks to come of a stream that this call has opened: those who wait read them, too."""
        if self._key is None or self._control.no_store:
            return rest
        shared = self._shared = shared_stream(held, rest, by_of(attempt))
        own = reading(shared, len(held))
        if self._led is not None:
            self._led[1].outcome.set_result(shared)
        return own

    def began_anew(self) -> None:
        """The stream broke, and another one takes its place: what others read of the old one is no answer."""
        self._shared = None

    def ended(
        self, reply: Wire | None = None, attempt: Attempt | None = None, error: object = None
    ) -> None:
        """The call is over: those who wait get what came of it, if that is of use to them."""
        if self._led is None:
            return
        key, flight = self._led
        self._led = None

        def outcome() -> bytes | Failure | None:
            if isinstance(error, CallError):
                # A limit or a budget may be that of this caller alone.
                is_limited = any(isinstance(row, LimitError) for row in _failures(error))
                return None if is_limited else Failure(error, self.request)
            if reply is None or attempt is None or error is not None:
                return None
            try:
                return jsonbytes.dumps(entry_of(reply, attempt))
            except ConfigurationError:
                return None

        self._answers.flights.land(key, flight, outcome)


_OPEN = frozenset(("langfuse_observation",))
"""What belongs to the call that is answered, and is over when a newer answer comes."""


def _failures(error: CallError) -> Sequence[GenAIError]:
    return error.attempts if isinstance(error, AllTargetsFailedError) else ()


def _is_stuck(flight: Flight[Any]) -> bool:
    shared = flight.outcome.result() if flight.outcome.done() else None
    return isinstance(shared, (SharedStream, AsyncSharedStream)) and not shared.is_lively


def _stands_still(place: object) -> bool:
    """Whether a flight cannot land while this thread waits for it: its loop is this thread's, or runs no more."""
    if not isinstance(place, asyncio.AbstractEventLoop):
        return False
    try:
        return place is asyncio.get_running_loop() or not place.is_running()
    except RuntimeError:  # this thread runs none
        return not place.is_running()


def _missed(error: Exception) -> None:
    _log.warning("the store of answers failed, and the call goes on: %s", type(error).__name__)


def _renewed(request: Request, run: Callable[[Request], Any]) -> None:
    try:
        answer = run(request)
        if request.stream:
            for _ in answer:
                """It is kept at its end."""
    except GenAIError as error:
        _log.warning("an old answer was given, because a newer one could not be fetched: %s", error)
