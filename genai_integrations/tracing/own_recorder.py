"""Spans of our own, sent by our own exporter: for programs without the Langfuse SDK's client for the key."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import Operation
from genai_integrations.connections.langfuse.sdk import LangfuseSdk
from genai_integrations.settings import TraceSettings
from genai_integrations.tracing import attributes as attribute
from genai_integrations.tracing.carrying import TRACE_ID
from genai_integrations.tracing.outbox import Outbox
from genai_integrations.tracing.record import Record, new_span_id, new_trace_id
from genai_integrations.tracing.recorder import masked

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext

_APP_ROOT = "langfuse.internal.is_app_root"
_PROPAGATION = "langfuse._client.propagation"


class OwnRecorder:
    """Begins records.

    Args:
        outbox: Where they go.
        ours: What the `GenAIClient` was given.
        settings: What the environment says.
    """

    def __init__(self, outbox: Outbox, ours: LangfuseSdk, settings: TraceSettings) -> None:
        fixed = {attribute.ENVIRONMENT: settings.environment, attribute.RELEASE: settings.release}
        rate = settings.sample_rate if ours.sample_rate is None else ours.sample_rate
        self._outbox = outbox
        self._mask = ours.mask
        self._fixed = {name: value for name, value in fixed.items() if value}
        # As OpenTelemetry's sampler by trace id, which the SDK has, so that both leave out the same traces.
        self._bound = round(rate * (1 << 64))
        # Found once, and not by an import in every call.
        from opentelemetry.context import get_current
        from opentelemetry.trace import SpanContext, TraceFlags, get_current_span

        self._around, self._span_in = get_current, get_current_span
        self._new_context, self._sampled = SpanContext, TraceFlags(TraceFlags.SAMPLED)

    def may_record(self, value: object) -> object:
        """A value after masking."""
        return masked(self._mask, value)

    def adopts(self, span: object, operation: Operation) -> bool:  # noqa: ARG002  as every recorder's
        """Never: spans of others are sent by the SDK's client, and there is none for this key."""
        return False

    def started(self, request: Request) -> Record | None:
        """A new span, or None where sampling leaves the call out."""
        context = self._around()
        around = self._span_in(context).get_span_context()
        parent = around if around.is_valid else None
        trace_id = new_trace_id() if parent is None else parent.trace_id
        if (trace_id & _LOW) >= self._bound or (
            parent is not None and not parent.trace_flags.sampled
        ):
            return None
        attributes = {
            **self._fixed,
            **(_surrounding(context, trace_id) if context else {_APP_ROOT: True}),
            **attribute.opening(request),
        }
        name = attribute.NAMES[request.operation]
        own = self._context(trace_id, parent)
        return Record(self._outbox, name, attributes, parent=parent, context=own)

    def started_below(
        self, above: Record, name: str, began: int, attributes: Mapping[str, object]
    ) -> Record:
        """A new span for a part of a call."""
        parent = above.context
        own = self._context(parent.trace_id, parent)
        return Record(self._outbox, name, dict(attributes), parent=parent, context=own, began=began)

    def _context(self, trace_id: int, parent: SpanContext | None) -> SpanContext:
        state = None if parent is None else parent.trace_state
        return self._new_context(trace_id, new_span_id(), False, self._sampled, state)

    @staticmethod
    def trace_id(span: Record) -> str:
        """The trace of a span, in hex."""
        return f"{span.context.trace_id:032x}"

    def flush(self) -> None:
        """Send what has ended, and wait for it."""
        self._outbox.flush()


_LOW = (1 << 64) - 1
"""The half of a trace's id that decides."""


def _surrounding(context: Context, trace_id: int) -> dict[str, object]:
    """What `propagate_attributes` says around the call, here or in the service that has called this one."""
    from opentelemetry import baggage

    carried = baggage.get_all(context)
    module = sys.modules.get(_PROPAGATION)
    others = carried.keys() - {TRACE_ID}
    if module is None and any(name.startswith("langfuse_") for name in others):
        module = importlib.import_module(_PROPAGATION)
    found: dict[str, Any] = {}
    if module is not None:  # else nobody can have said anything
        found = module._get_propagated_attributes_from_context(context)  # noqa: SLF001
    # A span of another service that the project has, too, is the trace's root.
    if str(carried.get(TRACE_ID)).lower() != f"{trace_id:032x}":
        found = {**found, _APP_ROOT: True}
    return found
