"""What happens in a call, written into its route as it happens and told to the observers."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, cast

from genai_integrations.calls.headers import Headers
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import CACHE, CANCELLED, OK, Attempt, Route
from genai_integrations.calls.wire import REQUEST_ID, Times, Wire, WireCall, located
from genai_integrations.errors import CallError, GenAIError
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.observing import CallObserver, carried_by
from genai_integrations.routing.parts import MOST_LENGTHS
from genai_integrations.runtime.network import without_frames

if TYPE_CHECKING:
    from genai_integrations.routing.caching import Memory
    from genai_integrations.routing.hedging import Finish
    from genai_integrations.routing.parts import Parts
    from genai_integrations.routing.steps import Ending
    from genai_integrations.routing.turns import Turns


class Record:
    """The record of one call.

    Args:
        request: What the caller wants.
        parts: What the client's calls share.

    Attributes:
        route: Every attempt so far.
    """

    __slots__ = ("_began", "_memory", "_observers", "_parts", "_request", "_turns", "route")

    def __init__(self, request: Request, parts: Parts) -> None:
        self._parts = parts
        self._memory: Memory | None = None
        self._turns: Turns | None = None
        self._request = request
        self.route = Route(request.model)
        self._observers: list[CallObserver] = [
            watching for one in parts.observers if (watching := one.call_began(request)) is not None
        ]
        # After theirs, so that the times of attempts lie within what an observer takes for the call's.
        self._began = time.monotonic()

    def took(self, began: float) -> None:
        """What began at that moment and is over now was no provider's doing."""
        self.route.ours_ms += (time.monotonic() - began) * 1000

    def _attempt_began(
        self, target: Target, reason: str, request: Request, times: Times | None = None
    ) -> Attempt:
        """Open the record of an attempt; its clock starts now.

        Args:
            target: Whom it asks.
            reason: Why.
            request: What it asks, which may not be what the caller wrote: a prompt follows its model.
            times: Takes what is measured on its way; None measures nothing.
        """
        connection = target.connection
        attempt = Attempt(
            target.name, connection.name, connection.provider.name, target.model, reason
        )
        attempt.prices = target.deployment.prices
        if request.trace is not self._request.trace:
            attempt.prompt = cast("dict[str, Any]", request.trace["langfuse_prompt"])
            attempt.messages = request.body["messages"]
        self.route.attempts.append(attempt)
        if self._request.stream:
            # Now, because a stream may be left in a finaliser, which must load nothing, and its time runs from here on.
            import genai_integrations.routing.abandoned  # noqa: F401
        attempt.began_ms = (time.monotonic() - self._began) * 1000
        if times is not None:
            attempt.times, times.began = times, time.monotonic()
        for observer in self._observers:
            observer.attempt_began(attempt)
        return attempt

    def _carried(self) -> Headers:
        """Headers by which a gateway joins the trace of this call."""
        from genai_integrations.tracing.carrying import around

        made: dict[str, str] = {}
        for observer in self._observers:
            made |= carried_by(observer)
        return made or around()

    def _added(self, attempt: Attempt) -> None:
        """An attempt stands for an answer that another call got."""
        self.route.attempts.append(attempt)
        attempt.began_ms = (time.monotonic() - self._began) * 1000

    def _first_content(self) -> Attempt:
        """The last attempt has brought a stream's first content."""
        attempt = self.route.attempts[-1]
        attempt.first_content_ms = self._elapsed(attempt)
        attempt.outcome = OK
        for observer in self._observers:
            observer.first_content(self.route)
        return attempt

    def _came_whole(self, attempt: Attempt, wire: Wire) -> None:
        """An answer came in one piece; in place of a stream it is handed out as one, and ends with that."""
        attempt.request_id = wire.pop(REQUEST_ID, None)
        if not self._request.stream:
            attempt.tier = wire.get("service_tier")
            self._attempt_answered(attempt, wire.get("usage"), wire.get("model"))

    def _attempt_answered(self, attempt: Attempt, usage: Wire | None, model: object) -> None:
        """The reply is whole."""
        attempt.outcome = OK
        attempt.usage = usage
        attempt.answered = model if isinstance(model, str) else None
        body = self._request.body
        if usage and attempt.reason != CACHE and "messages" in body:
            # Not a function of its own: this runs in every call, for the few that are estimated.
            prompt, first = self._request.trace.get("langfuse_prompt"), body["messages"][0]
            said = first.get("content") if first.get("role") in ("system", "developer") else None
            task = hash(said) if type(said) is str else None
            seen = attempt.model, prompt, task, usage.get("completion_tokens")
            lengths = self._parts.lengths
            lengths.append(seen)
            if len(lengths) >= 2 * MOST_LENGTHS:
                del lengths[:MOST_LENGTHS]
        self._attempt_ended(attempt)

    def _attempt_failed(self, attempt: Attempt, call: WireCall, error: GenAIError) -> GenAIError:
        """The attempt failed. What hangs on the error loses its frames, whose locals may quote an answer."""
        without_frames(error)
        attempt.outcome = type(error).__name__
        attempt.error = error
        if isinstance(error, CallError):
            from genai_integrations.transports.advice import next_step

            located(error, call).next_step = next_step(error, call.connection, call.model)
        self._attempt_ended(attempt)
        return error

    def _stream_broke(self, attempt: Attempt, end: Ending) -> None:
        """The stream broke after its first content."""
        error = end.error
        attempt.outcome = type(error).__name__
        attempt.error = error
        if isinstance(error, CallError):
            error.connection, error.model = attempt.connection, attempt.model
            error.provider, error.route = attempt.provider, self.route
        self._stream_left(attempt, end)

    def _stream_left(self, attempt: Attempt, end: Ending) -> None:
        """Nobody reads the stream any more, and it had not told what it used."""
        # While the interpreter ends, prices can no longer be loaded.
        if attempt.reason != CACHE and not sys.is_finalizing():
            from genai_integrations.routing.abandoned import usage_so_far

            attempt.usage = usage_so_far(self._request.body, end.text, end.usage)
            attempt.estimated = True
        self._attempt_ended(attempt)

    def _race_over(self, finish: Finish) -> None:
        """Others were given up for one, or for its error: what they used is estimated, after the winner's if that is known."""
        from genai_integrations.routing.abandoned import usage_so_far

        attempts = self.route.attempts
        winner = next((row for row in reversed(attempts) if row.target == finish.winner), None)
        told = winner and winner.usage
        for target, outcome in finish.lost:
            attempt = next(row for row in reversed(attempts) if row.target == target)
            attempt.outcome = CANCELLED
            if isinstance(outcome, dict):
                attempt.usage = outcome.get("usage")  # it had come just then
            else:
                attempt.usage = told or usage_so_far(self._request.body, "", None)
                attempt.estimated = True
            self._attempt_ended(attempt)
        if winner is not None:
            # The last one is who answered.
            attempts.remove(winner)
            attempts.append(winner)

    def _attempt_ended(self, attempt: Attempt) -> None:
        attempt.ms = self._elapsed(attempt)
        for observer in self._observers:
            observer.attempt_ended(attempt)

    def _elapsed(self, attempt: Attempt) -> float:
        """Milliseconds since an attempt began."""
        return (time.monotonic() - self._began) * 1000 - attempt.began_ms

    def ended(self, wire: Wire | None = None, error: BaseException | None = None) -> None:
        """The call is over, with a reply or an error; what is told later is not heard."""
        if self._turns is not None:
            self._turns.end()
        if self._memory is not None:
            last = self.route.attempts[-1] if self.route.attempts else None
            self._memory.ended(wire, last, error)
        observers, self._observers = self._observers, []
        for observer in observers:
            observer.call_ended(self.route, wire, error)
