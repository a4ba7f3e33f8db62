"""What happens in one call, written down in its route and told to the observers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from genai_integrations.calls.request import Request
from genai_integrations.calls.route import OK, Attempt, Route
from genai_integrations.calls.wire import Wire, WireCall, located
from genai_integrations.errors import CallError, GenAIError
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.observing import CallObserver, Observer
from genai_integrations.runtime.network import without_frames

_E = TypeVar("_E", bound=GenAIError)


class CallRecord:
    """Writes down what happens to one request, and tells the observers.

    Args:
        request: What the caller wants.
        observers: Who is told.

    Attributes:
        route: Every attempt so far.
        ends: The moment of `time.monotonic` at which the whole call is over; None for never.
    """

    def __init__(self, request: Request, observers: Iterable[Observer]) -> None:
        self.request = request
        self.route = Route(request.model)
        deadline = request.args.deadline
        self.ends = None if deadline is None else time.monotonic() + deadline
        self._observers: list[CallObserver] = [
            watching for one in observers if (watching := one.call_began(request)) is not None
        ]
        # After theirs, so that the times of attempts lie within what an observer takes for the call's.
        self._began = self._started = time.monotonic()

    @property
    def observed(self) -> bool:
        """Whether anyone wants to know what the call brings."""
        return bool(self._observers)

    def attempt_began(self, target: Target, reason: str) -> Attempt:
        """Open the record of an attempt; its clock starts now."""
        connection = target.connection
        attempt = Attempt(
            target.name, connection.name, connection.provider.name, target.model, reason
        )
        self.route.attempts.append(attempt)
        self._started = time.monotonic()
        attempt.began_ms = (self._started - self._began) * 1000
        for observer in self._observers:
            observer.attempt_began(attempt)
        return attempt

    def recalled(self, attempt: Attempt) -> None:
        """Nobody is asked: the attempt stands for an answer that was kept."""
        self.route.attempts.append(attempt)
        self._started = time.monotonic()

    def first_content(self, attempt: Attempt) -> None:
        """The first content of a stream is there."""
        attempt.first_content_ms = self._elapsed()
        attempt.outcome = OK
        for observer in self._observers:
            observer.first_content(self.route)

    def attempt_answered(
        self, attempt: Attempt, usage: Mapping[str, Any] | None, model: object
    ) -> None:
        """The reply is whole."""
        attempt.outcome = OK
        attempt.usage = usage
        attempt.answered = model if isinstance(model, str) else None
        self._attempt_ended(attempt)

    def attempt_failed(self, attempt: Attempt, call: WireCall, error: _E) -> _E:
        """The attempt failed. What hangs on the error loses its frames, whose locals may quote an answer."""
        without_frames(error)
        attempt.outcome = type(error).__name__
        attempt.error = located(error, call) if isinstance(error, CallError) else error
        self._attempt_ended(attempt)
        return error

    def stream_broke(self, attempt: Attempt, error: GenAIError) -> None:
        """The stream broke after its first content."""
        attempt.outcome = type(error).__name__
        attempt.error = error
        if isinstance(error, CallError):
            error.connection, error.model = attempt.connection, attempt.model
            error.provider, error.route = attempt.provider, self.route
        self._attempt_ended(attempt)

    def stream_left(self, attempt: Attempt) -> None:
        """The caller is done with a stream before its end."""
        self._attempt_ended(attempt)

    def final(self, error: _E) -> _E:
        """The error as it leaves the router."""
        if isinstance(error, CallError):
            error.route = self.route
        self.ended(error=error)
        return error

    def ended(self, wire: Wire | None = None, error: BaseException | None = None) -> None:
        """The call is over, with a reply or an error; what is told later is not heard."""
        observers, self._observers = self._observers, []
        for observer in observers:
            observer.call_ended(self.route, wire, error)

    def _attempt_ended(self, attempt: Attempt) -> None:
        attempt.ms = self._elapsed()
        for observer in self._observers:
            observer.attempt_ended(attempt)

    def _elapsed(self) -> float:
        return (time.monotonic() - self._started) * 1000
