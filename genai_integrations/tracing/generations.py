"""Langfuse generations: plain OpenTelemetry spans on the Langfuse SDK's own provider.

The SDK's own generation objects cost two to four times as much for the same span.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from genai_integrations.errors import GenAIError
from genai_integrations.langfuse_sdk import LangfuseSdk
from genai_integrations.routing.request import Request
from genai_integrations.routing.route import Attempt, Route
from genai_integrations.tracing import attributes as attribute
from genai_integrations.tracing.project import Project
from genai_integrations.transports.wire import Wire

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span

_log = logging.getLogger("genai_integrations")


class Generations:
    """Records each call as one generation. Off, it costs nothing: the router is not given one.

    Args:
        sdk: The Langfuse SDK's client.
        attempts: Whether each attempt is a span of its own below the generation.
    """

    def __init__(self, sdk: LangfuseSdk, *, attempts: bool = False) -> None:
        self._attempts = attempts
        self._sdk = sdk
        self._project: Project | None = None
        self._broken = False

    @property
    def is_ready(self) -> bool:
        """Whether the SDK's client is there, or cannot be had."""
        return self._project is not None or self._broken

    def prepare(self) -> None:
        """Import the SDK and make its client."""
        if not self.is_ready:
            self._connect()

    def call_began(self, request: Request) -> Generation | None:
        """A call begins; None if it is not recorded."""
        self.prepare()
        project = self._project
        if project is None:
            return None
        try:
            given = _given(request, project)
            span = given or project.started(request)
            if span is None or not span.is_recording():
                return None
            return Generation(project, request, span, given is None, self._attempts)
        except Exception as error:  # noqa: BLE001  tracing never breaks a call
            _log.warning("a call is not recorded: %s", type(error).__name__)
            return None

    def _connect(self) -> None:
        try:
            self._project = Project(self._sdk.get(), self._sdk)
        except Exception as error:  # noqa: BLE001  tracing never breaks a call
            self._broken = True
            reason = error if isinstance(error, GenAIError) else type(error).__name__
            _log.warning("calls are not recorded in Langfuse: %s", reason)


def _given(request: Request, project: Project) -> Any | None:
    """The span that somebody else has opened for this very call, if it goes where ours do."""
    found = request.trace.get("langfuse_observation")
    for observation in found if isinstance(found, tuple) else (found,):
        span = getattr(observation, "_otel_span", observation)
        if span is not None and project.exports(span, request.operation):
            return span
    return None


class Generation:
    """One call's generation, open.

    Args:
        project: Where it goes.
        request: What was asked.
        span: What to write on.
        is_ours: Whether to end it too; else whoever opened it does.
        attempts: Whether each attempt is a span of its own below.
    """

    __slots__ = (
        "_attempts",
        "_began",
        "_input",
        "_is_ours",
        "_project",
        "_request",
        "_span",
        "_start",
    )

    def __init__(
        self, project: Project, request: Request, span: Span, is_ours: bool, attempts: bool
    ) -> None:
        self._project = project
        self._request = request
        self._span = span
        self._is_ours = is_ours
        self._attempts = attempts
        if request.trace or not is_ours:
            # Once more for a span of ours: what the caller says of this call wins over what surrounds it.
            span.set_attributes(attribute.opening(request))
        self._began = time.time_ns()
        self._start = 0
        # Now, because the caller may go on with the list of messages before the call is over.
        self._input = attribute.text(project.may_record(attribute.input_of(request)))

    def first_content(self, route: Route) -> None:
        """The first content of a stream is there."""
        self._start = time.time_ns()
        if not self._is_ours:
            # Of a stream that is left early, OpenInference ends its span before the client hears of it.
            self._guarded(lambda: self._write(route, None, None))

    def attempt_began(self, attempt: Attempt) -> None:
        """An attempt is written down when the call is over."""

    def attempt_ended(self, attempt: Attempt) -> None:
        """As above."""

    def call_ended(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:
        """The call is over."""
        if self._span.is_recording():
            self._guarded(lambda: self._write(route, wire, error))
            if self._attempts:
                self._guarded(lambda: self._write_attempts(route))
        if self._is_ours:
            self._guarded(self._span.end)

    def _write(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:
        request, record = self._request, self._project.may_record
        attempts = [row.as_dict() for row in route.attempts]
        written = {
            attribute.INPUT: self._input,
            **attribute.asked(request),
            **attribute.outcome(request, route, error),
            **attribute.cost(attempts),
            **attribute.flattened(record(attribute.metadata(request, attempts))),
        }
        if self._start:
            written[attribute.COMPLETION_START] = attribute.moment(self._start)
        if wire is not None:
            written[attribute.OUTPUT] = attribute.text(record(attribute.output_of(request, wire)))
        self._span.set_attributes(written)
        if error is not None:
            self._span.set_status(_failed(written[attribute.STATUS]))

    def _write_attempts(self, route: Route) -> None:
        from opentelemetry.trace import set_span_in_context

        below = set_span_in_context(self._span)
        for row in map(Attempt.as_dict, route.attempts):
            began = self._began + int(row["began_ms"] * _MILLI)
            attributes = attribute.attempt(row, self._project.may_record(row))
            span = self._project.tracer.start_span(
                row["target"], context=below, start_time=began, attributes=attributes
            )
            if row["error"]:
                span.set_status(_failed(row["error"]))
            # One without an outcome is what a cancelled call was at.
            span.end(began + int(row["ms"] * _MILLI) if row["outcome"] else None)

    @staticmethod
    def _guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as problem:  # noqa: BLE001  tracing never breaks a call
            _log.warning("a call is not recorded in whole: %s", type(problem).__name__)


_MILLI = 1_000_000
"""Nanoseconds in a millisecond."""


def _failed(message: str) -> Any:
    from opentelemetry.trace import Status, StatusCode

    return Status(StatusCode.ERROR, message)
