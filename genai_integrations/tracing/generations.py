"""Langfuse generations: plain OpenTelemetry spans on the Langfuse SDK's own provider.

The SDK's own generation objects cost two to four times as much for the same span.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genai_integrations.errors import GenAIError
from genai_integrations.langfuse_sdk import LangfuseSdk
from genai_integrations.routing.request import Request
from genai_integrations.routing.route import Route
from genai_integrations.tracing import attributes as attribute
from genai_integrations.tracing import owners
from genai_integrations.transports.wire import Wire

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span
    from opentelemetry.trace import Tracer

_log = logging.getLogger("genai_integrations")

Mask = Callable[..., Any]
"""Langfuse's masking function: called as `mask(data=...)`, gives what may be recorded."""

_UNMASKABLE = "<fully masked due to failed mask function>"
"""What the SDK writes, too, where a masking function raises."""


class Generations:
    """Records each call as one generation. Off, it costs nothing: the router is not given one.

    Args:
        sdk: The Langfuse SDK's client.
        attempts: Whether each attempt is a span of its own below the generation.
    """

    def __init__(self, sdk: LangfuseSdk, *, attempts: bool = False) -> None:
        self.attempts = attempts
        self._sdk = sdk
        self._tracer: Tracer | None = None
        self._mask: Mask | None = None
        self._fixed: attribute.Attributes = {}
        self._has_all_spans = False
        self._broken = False

    def __call__(self, request: Request) -> Generation | None:
        """A call begins; None if it is not recorded."""
        if self._broken:
            return None
        try:
            tracer = self._tracer or self.connected()
            given = self._given(request)
            span = given or self._started(tracer, request)
            return Generation(self, request, span, not given) if span.is_recording() else None
        except Exception as error:  # noqa: BLE001  tracing never breaks a call
            self._give_up(error)
            return None

    def connected(self) -> Tracer:
        """The tracer; the SDK is made for it if need be."""
        if self._tracer is None:
            from opentelemetry.trace import get_tracer_provider

            sdk = self._sdk.get()
            resources = getattr(sdk, "_resources", None)
            fixed = {
                attribute.ENVIRONMENT: getattr(resources, "environment", None),
                attribute.RELEASE: getattr(sdk, "_release", None),
            }
            self._fixed = {name: value for name, value in fixed.items() if value}
            self._mask = getattr(resources, "mask", None)
            provider = getattr(resources, "tracer_provider", None)
            owners.watch(provider)
            self._has_all_spans = provider is get_tracer_provider()
            # The SDK has no public way to its tracer, and its exporter sends no other scope's spans as its own.
            self._tracer = sdk._otel_tracer  # noqa: SLF001
        return self._tracer

    def may_record(self, value: Any) -> Any:
        """A value after masking. The function gets a copy, because the value is still in use."""
        if self._mask is None:
            return value
        try:
            return self._mask(data=copy.deepcopy(value))
        except Exception:  # noqa: BLE001  the user's own function, whatever it raises
            return _UNMASKABLE

    def _given(self, request: Request) -> Any | None:
        """The span that somebody else has opened for this very call, if it goes where ours do."""
        observation = request.trace.get("langfuse_observation")
        span = getattr(observation, "_otel_span", observation)
        scope = getattr(span, "instrumentation_scope", None)
        if span is None or scope is None:
            return None
        if scope.name.startswith(owners.SCOPE):
            return span if self._has_all_spans and owners.is_free(span) else None
        key = (scope.attributes or {}).get("public_key")
        return span if key == self._sdk.settings.public_key else None

    def _started(self, tracer: Tracer, request: Request) -> Any:
        first = {**self._fixed, **attribute.opening(request)}
        return tracer.start_span(attribute.NAMES[request.operation], attributes=first)

    def _give_up(self, error: Exception) -> None:
        self._broken = True
        reason = error if isinstance(error, GenAIError) else type(error).__name__
        _log.warning("calls are not recorded in Langfuse: %s", reason)


class Generation:
    """One call's generation, open.

    Args:
        owner: Who records.
        request: What was asked.
        span: What to write on.
        is_ours: Whether to end it too; else whoever opened it does.
    """

    __slots__ = ("_began", "_input", "_is_ours", "_owner", "_request", "_span", "_start")

    def __init__(self, owner: Generations, request: Request, span: Span, is_ours: bool) -> None:
        self._owner = owner
        self._request = request
        self._span = span
        self._is_ours = is_ours
        if not is_ours:
            span.set_attributes(attribute.opening(request))
        self._began = time.time_ns()
        self._start = 0
        # Now, because the caller may go on with the list of messages before the call is over.
        self._input = attribute.text(owner.may_record(attribute.input_of(request)))

    def first_content(self) -> None:
        """The first content of a stream is there."""
        self._start = time.time_ns()

    def ended(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:
        """The call is over."""
        try:
            self._write(route, wire, error)
        except Exception as problem:  # noqa: BLE001  tracing never breaks a call
            _log.warning("a call is not recorded in whole: %s", type(problem).__name__)
        if self._is_ours:
            self._span.end()

    def _write(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:
        request, record = self._request, self._owner.may_record
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
        if self._owner.attempts:
            self._write_attempts(attempts)

    def _write_attempts(self, attempts: Sequence[Mapping[str, Any]]) -> None:
        from opentelemetry.trace import set_span_in_context

        below = set_span_in_context(self._span)
        for row in attempts:
            began = self._began + int(row["began_ms"] * _MILLI)
            span = self._owner.connected().start_span(
                row["target"], context=below, start_time=began, attributes=attribute.attempt(row)
            )
            if row["error"]:
                span.set_status(_failed(row["error"]))
            span.end(began + int(row["ms"] * _MILLI))


_MILLI = 1_000_000
"""Nanoseconds in a millisecond."""


def _failed(message: str) -> Any:
    from opentelemetry.trace import Status, StatusCode

    return Status(StatusCode.ERROR, message)
