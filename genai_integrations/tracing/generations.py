"""Langfuse generations: one plain span for each call, which costs a fraction of the SDK's own generation objects."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.headers import Headers
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.calls.wire import Wire
from genai_integrations.connections.langfuse.sdk import LangfuseSdk, resources_of
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.settings import TraceSettings, read_trace_settings
from genai_integrations.tracing import attributes as attribute
from genai_integrations.tracing.carrying import carried, traceparent
from genai_integrations.tracing.exporter import Exporter, Job, Outcome
from genai_integrations.tracing.outbox import KeyPair
from genai_integrations.tracing.own_recorder import OwnRecorder
from genai_integrations.tracing.owners import last_until_ended
from genai_integrations.tracing.record import new_trace_id
from genai_integrations.tracing.recorder import Recorder
from genai_integrations.tracing.sdk_recorder import SdkRecorder

if TYPE_CHECKING:
    from opentelemetry.trace import Status

_log = logging.getLogger("genai_integrations")


class Generations:
    """Records each call as one generation. Off, it costs nothing: the router is not given one.

    Calls go through the Langfuse SDK's client if the program has one for the key at the moment when a call begins,
    with all of that client's settings, and else through our own exporter: each call through one of them.

    Args:
        sdk: Has the key pair, the mask and the sample rate.
        attempts: Whether each attempt is a span of its own below the generation.
    """

    def __init__(self, sdk: LangfuseSdk, *, attempts: bool = False) -> None:
        self._attempts = attempts
        self._sdk = sdk
        self._own: OwnRecorder | None = None
        self._chosen: tuple[Any, Recorder | None] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether what takes time is done."""
        return self._chosen is not None

    def prepare(self) -> None:
        """Load OpenTelemetry, and read the variables."""
        self._recorder()

    def call_began(self, request: Request) -> Generation | LeftOut | None:
        """A call begins; None if it is not recorded."""
        recorder = self._recorder()
        if recorder is None:
            return None
        try:
            given = _given(request, recorder)
            span = given or recorder.started(request)
            if span is None or not span.is_recording():
                return LEFT_OUT
            return Generation(recorder, request, span, given is None, self._attempts)
        except Exception as error:  # noqa: BLE001  tracing never breaks a call
            _log.warning("a call is not recorded: %s", type(error).__name__)
            return None

    def flush(self) -> None:
        """Send what is recorded and not sent yet, and wait for it, for a few seconds at most."""
        chosen = self._chosen and self._chosen[1]
        if self._own is not None:
            self._own.flush()
        if chosen is not None and chosen is not self._own:
            chosen.flush()

    def _recorder(self) -> Recorder | None:
        theirs = resources_of(self._sdk.settings)
        chosen = self._chosen
        if chosen is None or chosen[0] is not theirs:
            chosen = self._chosen = (theirs, self._connected(theirs))
        return chosen[1]

    def _connected(self, theirs: Any | None) -> Recorder | None:
        try:
            import opentelemetry.trace  # noqa: F401  what the first call would wait for

            settings = read_trace_settings()
            if theirs is None:
                recorder: Recorder = self._own_recorder(settings)
            else:
                recorder = SdkRecorder(theirs, self._sdk, settings)
        except Exception as error:  # noqa: BLE001  tracing never breaks a call
            reason = error if isinstance(error, GenAIError) else type(error).__name__
            _log.warning("calls are not recorded in Langfuse: %s", reason)
            return None
        return recorder

    def _own_recorder(self, settings: TraceSettings) -> OwnRecorder:
        if self._own is None:
            _check(settings, self._sdk.sample_rate)
            given = self._sdk.settings
            pair = KeyPair(given.host, given.public_key or "", MaskedText(given.secret_key or ""))
            self._own = OwnRecorder(_exporter.outbox(pair, settings), self._sdk, settings)
        return self._own


def _check(settings: TraceSettings, sample_rate: float | None) -> None:
    if not settings.is_on:
        raise ConfigurationError(
            "LANGFUSE_TRACING_ENABLED or OTEL_SDK_DISABLED switches that off; say GenAIClient(tracing=False), too"
        )
    if sample_rate is not None and not 0 <= sample_rate <= 1:
        raise ConfigurationError(f"sample_rate is {sample_rate}: it must be from 0.0 to 1.0")


@cache
def _delivery() -> Callable[[Job], Outcome]:
    """What sends, loaded by the first who has something to send: it brings the HTTP client."""
    from genai_integrations.tracing.delivery import DELIVERY

    return DELIVERY


_exporter = Exporter(_delivery)
"""The one of this process."""


def _given(request: Request, recorder: Recorder) -> Any | None:
    """The span that somebody else has opened for this very call, if it goes where ours do."""
    found = request.trace.get("langfuse_observation")
    if found is None:
        return None
    for observation in found if isinstance(found, tuple) else (found,):
        span = getattr(observation, "_otel_span", observation)
        if span is not None and recorder.adopts(span, request.operation):
            return span
    return None


class LeftOut:
    """A call that sampling leaves out: a gateway is told so, and nothing is written."""

    def carried(self) -> Headers:
        """Of a trace that nobody records."""
        return {"traceparent": traceparent(new_trace_id(), 1, sampled=False)}

    def attempt_began(self, attempt: Attempt) -> None:
        """Nothing to note, as in all that follow."""

    def attempt_ended(self, attempt: Attempt) -> None:
        """The same."""

    def first_content(self, route: Route) -> None:
        """The same."""

    def call_ended(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:
        """The same."""


LEFT_OUT = LeftOut()


class Generation:
    """One call's generation, open.

    Args:
        recorder: Where it goes.
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
        "_recorder",
        "_request",
        "_span",
        "_start",
    )

    def __init__(
        self, recorder: Recorder, request: Request, span: Any, is_ours: bool, attempts: bool
    ) -> None:
        self._recorder = recorder
        self._request = request
        self._span = span
        self._is_ours = is_ours
        self._attempts = attempts
        if not is_ours:
            span.set_attributes(attribute.opening(request))
            if request.stream:
                last_until_ended(span)
        self._began = time.time_ns()
        self._start = 0
        # Now, because the caller may go on with the list of messages before the call is over.
        self._input = attribute.text(recorder.may_record(attribute.input_of(request)))

    def carried(self) -> Headers:
        """Headers by which what a gateway records is below this span."""
        span = getattr(self._span, "__wrapped__", self._span)
        context = getattr(span, "context", None)
        return {} if context is None else carried(context, span.attributes or {})

    def attempt_began(self, attempt: Attempt) -> None:
        """Nothing to note: attempts are written when the call is over, with one that was cancelled."""

    def attempt_ended(self, attempt: Attempt) -> None:
        """As `attempt_began`."""

    def first_content(self, route: Route) -> None:
        """The first content of a stream is there."""
        # Of a call's first stream, if it breaks and another one follows.
        self._start = self._start or time.time_ns()
        route.trace_id = self._recorder.trace_id(self._span)
        if not self._is_ours:
            # Of a stream that is left early, OpenInference ends its span before the client hears of it.
            self._guarded(lambda: self._write(route, None, None))

    def call_ended(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:
        """The call is over."""
        route.trace_id = self._recorder.trace_id(self._span)
        if self._span.is_recording():
            self._guarded(lambda: self._write(route, wire, error))
            if self._attempts:
                self._guarded(lambda: self._write_attempts(route))
        if self._is_ours:
            self._guarded(self._span.end)

    def _write(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:
        request, record = self._request, self._recorder.may_record
        attempts = [row.as_dict() for row in route.attempts]
        written = {
            attribute.INPUT: self._input,
            **attribute.asked(request, said=not self._is_ours),
            **attribute.outcome(request, route, error),
            **attribute.flattened(record(attribute.metadata(request, route, attempts))),
        }
        last = route.attempts[-1] if route.attempts else None
        if last is not None and last.messages is not None:
            sent = dataclasses.replace(request, body={**request.body, "messages": last.messages})
            written[attribute.INPUT] = attribute.text(record(attribute.input_of(sent)))
        if self._start:
            written[attribute.COMPLETION_START] = attribute.moment(self._start)
        if wire is not None:
            written[attribute.OUTPUT] = attribute.text(record(attribute.output_of(request, wire)))
        if error is None and attribute.is_recorded_there(route):
            written = attribute.around(written)
        self._span.set_attributes(written)
        if error is not None:
            self._span.set_status(_failed(str(written[attribute.STATUS])))

    def _write_attempts(self, route: Route) -> None:
        for row in map(Attempt.as_dict, route.attempts):
            began = self._began + int(row["began_ms"] * _MILLI)
            attributes = attribute.attempt(row, self._recorder.may_record(row))
            span = self._recorder.started_below(self._span, row["target"], began, attributes)
            if attribute.STATUS in attributes:
                span.set_status(_failed(str(attributes[attribute.STATUS])))
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


def _failed(message: str) -> Status:
    from opentelemetry.trace import Status, StatusCode

    return Status(StatusCode.ERROR, message)
