"""Spans through the Langfuse SDK's client, where the program has one for the key: its settings hold for calls too."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import Operation
from genai_integrations.connections.langfuse.sdk import LangfuseSdk
from genai_integrations.errors import ConfigurationError
from genai_integrations.settings import TraceSettings
from genai_integrations.tracing import attributes as attribute
from genai_integrations.tracing import owners
from genai_integrations.tracing.recorder import Mask, masked

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.sampling import Sampler

_KIND = "openinference.span.kind"
_KINDS: Mapping[Operation, str] = {"chat/completions": "LLM", "embeddings": "EMBEDDING"}


class SdkRecorder:
    """Begins spans on the SDK's own tracer provider.

    The SDK has no public way to what is taken from it here, and its exporter takes no other scope's spans for its own.

    Args:
        resources: What the SDK keeps of its client for the key.
        ours: What the `GenAIClient` was given.
        settings: What the environment says.

    Raises:
        ConfigurationError: That client records nothing.
    """

    def __init__(self, resources: Any, ours: LangfuseSdk, settings: TraceSettings) -> None:
        if resources.tracer_provider is None:
            raise ConfigurationError(
                "the Langfuse SDK in this process does not trace: unset LANGFUSE_TRACING_ENABLED, do not make "
                "a Langfuse(tracing_enabled=False) of this key, or say GenAIClient(tracing=False)"
            )
        fixed = {
            attribute.ENVIRONMENT: resources.environment,
            attribute.RELEASE: resources.release or settings.release,
        }
        self._resources = resources
        self._tracer = resources.tracer
        self._mask: Mask | None = ours.mask or resources.mask
        self._provider = resources.tracer_provider
        self._fixed = {name: value for name, value in fixed.items() if value}
        self._sampler = _sampler(self._provider.sampler, ours.sample_rate, resources.sample_rate)
        owners.watch(self._provider)

    def may_record(self, value: object) -> object:
        """A value after masking."""
        return masked(self._mask, value)

    def adopts(self, span: Any, operation: Operation) -> bool:
        """Whether somebody else's span is open, has no call on it yet, and ends up in this project."""
        scope = getattr(span, "instrumentation_scope", None)
        if scope is None or not span.is_recording():
            return False
        if not scope.name.startswith(owners.SCOPE):
            return bool((scope.attributes or {}).get("public_key") == self._resources.public_key)
        is_here = owners.is_from(span, self._provider)
        return bool(is_here and owners.is_free(span) and self._is_sent(span, operation))

    def started(self, request: Request) -> Any | None:
        """A new span, or None where sampling leaves the call out."""
        if self._sampler is not None and not _is_sampled(self._sampler):
            return None
        first = {**self._fixed, **attribute.opening(request)}
        span = self._tracer.start_span(attribute.NAMES[request.operation], attributes=first)
        if request.trace:
            # Once more: what the caller says of this call wins over what surrounds it.
            span.set_attributes(attribute.opening(request))
        return span

    def started_below(
        self, above: Any, name: str, began: int, attributes: Mapping[str, Any]
    ) -> Any:
        """A new span for a part of a call."""
        from opentelemetry.trace import set_span_in_context

        around = set_span_in_context(above)
        return self._tracer.start_span(
            name, context=around, start_time=began, attributes=attributes
        )

    @staticmethod
    def trace_id(span: Any) -> str:
        """The trace of a span, in hex."""
        return f"{span.get_span_context().trace_id:032x}"

    def flush(self) -> None:
        """Have the SDK send what it has."""
        self._resources.flush()

    def _is_sent(self, span: Any, operation: Operation) -> bool:
        """Whether the program's filter lets it pass: it may leave such spans out, as the client records calls."""
        should_export = self._resources.should_export_span
        if should_export is None:
            return True
        bare = getattr(span, "__wrapped__", span)
        bare.set_attribute(_KIND, _KINDS[operation])  # OpenInference keeps it back to the end
        return bool(should_export(bare))


def _sampler(providers: Any, *rates: float | None) -> Sampler | None:
    """What leaves calls out, where the provider does not: its sampler is that of whoever made it first."""
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    rate = next((rate for rate in rates if rate is not None), 1.0)
    if rate >= 1 or getattr(providers, "rate", None) == rate:
        return None
    return TraceIdRatioBased(rate)


def _is_sampled(sampler: Sampler) -> bool:
    """By the trace that the call belongs to, so that a trace has all of its calls or none."""
    from opentelemetry.sdk.trace.sampling import Decision
    from opentelemetry.trace import get_current_span

    around = get_current_span().get_span_context()
    number = around.trace_id if around.is_valid else random.getrandbits(128)
    return sampler.should_sample(None, number, "").decision is Decision.RECORD_AND_SAMPLE
