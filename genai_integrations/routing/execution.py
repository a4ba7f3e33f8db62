"""The book-keeping of one call, shared by the sync and the async driver."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, TypeVar

from genai_integrations.errors import CallError, ContentFilteredError, GenAIError
from genai_integrations.network import without_frames
from genai_integrations.routing.caching import Memory
from genai_integrations.routing.health import Health
from genai_integrations.routing.observing import CallObserver
from genai_integrations.routing.policy import Plan, Try
from genai_integrations.routing.request import Request
from genai_integrations.routing.route import OK, Attempt, Route
from genai_integrations.transports.wire import Wire, WireCall, check_count, finish_reasons, located

_E = TypeVar("_E", bound=GenAIError)


class Execution:
    """Writes down what happens to one request.

    Args:
        request: What the caller wants.
        plan: Where it may go.
        health: Told when a stream breaks after its first content.
        observation: Told how the call goes.
        memory: Has the answer if it was given before, and keeps it.
    """

    def __init__(
        self,
        request: Request,
        plan: Plan,
        health: Health,
        observation: CallObserver | None,
        memory: Memory | None = None,
    ) -> None:
        self.request = request
        self.plan = plan
        self.route = Route(request.model)
        self._health = health
        self._observation = observation
        self._memory = memory
        self._began = self._started = time.monotonic()

    @property
    def observed(self) -> bool:
        """Whether anyone wants to know what the call brings."""
        return self._observation is not None

    @property
    def remembers(self) -> bool:
        """Whether a reply is to be kept."""
        return self._memory is not None

    def recalled(self) -> Wire | None:
        """The reply to the same request before; the record of the call says so."""
        found = self._memory.recall() if self._memory else None
        if found is None:
            return None
        self._memory = None
        wire, attempt = found
        self.route.attempts.append(attempt)
        self.completed(attempt, wire.get("usage"))
        return wire

    def keep(self, wire: Wire) -> None:
        """The whole reply, for the next one who asks the same."""
        if self._memory is not None:
            self._memory.keep(wire, self.route.attempts[-1])

    def begin(self, step: Try) -> tuple[Attempt, WireCall]:
        """Open the record of an attempt, and say what to send."""
        target = step.target
        connection = target.connection
        attempt = Attempt(
            target.name, connection.name, connection.provider.name, target.model, step.reason
        )
        self.route.attempts.append(attempt)
        body = {"model": target.model, **self.request.body}
        self._started = time.monotonic()
        attempt.began_ms = (self._started - self._began) * 1000
        if self._observation is not None:
            self._observation.attempt_began(attempt)
        return attempt, WireCall(connection, target.model, self.request.operation, body)

    def check(self, wire: Wire) -> None:
        """Raise for a whole answer that is another one than was asked for."""
        if self.request.operation == "embeddings":
            check_count(wire, self.request.body["input"])
        else:
            self.check_filter(wire)

    def check_filter(self, wire: Wire) -> None:
        """Raise for an answer that a content filter stopped, if there is somewhere else to go."""
        if ContentFilteredError in self.plan.instead and "content_filter" in finish_reasons(wire):
            self.route.attempts[-1].usage = wire.get("usage")  # it is paid for all the same
            raise ContentFilteredError("the provider's content filter stopped the answer")

    def streaming(self, attempt: Attempt) -> None:
        """The first content of a stream is there."""
        attempt.first_content_ms = self._elapsed()
        attempt.outcome = OK
        if self._observation is not None:
            self._observation.first_content(self.route)

    def completed(self, attempt: Attempt, usage: Mapping[str, Any] | None) -> None:
        """The reply is whole."""
        attempt.ms = self._elapsed()
        attempt.outcome = OK
        attempt.usage = usage
        self._attempt_ended(attempt)

    def failed(self, attempt: Attempt, call: WireCall, error: _E) -> _E:
        """The attempt failed. What hangs on the error loses its frames, whose locals may quote an answer."""
        without_frames(error)
        attempt.ms = self._elapsed()
        attempt.outcome = type(error).__name__
        attempt.error = located(error, call) if isinstance(error, CallError) else error
        self._attempt_ended(attempt)
        return error

    def broke(self, attempt: Attempt, error: _E) -> _E:
        """The stream broke after its first content."""
        attempt.ms = self._elapsed()
        attempt.outcome = type(error).__name__
        attempt.error = error
        if isinstance(error, CallError):
            error.connection, error.model = attempt.connection, attempt.model
            error.provider, error.route = attempt.provider, self.route
        self._health.failed(attempt.target)
        self._attempt_ended(attempt)
        return error

    def final(self, error: _E) -> _E:
        """The error as it leaves the router."""
        if isinstance(error, CallError):
            error.route = self.route
        self.ended(error=error)
        return error

    def left(self, attempt: Attempt, wire: Wire | None) -> None:
        """The caller is done with a stream, whether or not that was at its end."""
        if not attempt.ms:
            attempt.ms = self._elapsed()
            self._attempt_ended(attempt)
        self.ended(wire)

    def ended(self, wire: Wire | None = None, error: BaseException | None = None) -> None:
        """The call is over, with a reply or an error; what is told later is not heard."""
        observation, self._observation = self._observation, None
        if observation is not None:
            observation.call_ended(self.route, wire, error)

    def _attempt_ended(self, attempt: Attempt) -> None:
        if self._observation is not None:
            self._observation.attempt_ended(attempt)

    def _elapsed(self) -> float:
        return (time.monotonic() - self._started) * 1000
