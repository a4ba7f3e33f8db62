"""A Langfuse project as the SDK's client of this process reaches it."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.langfuse_sdk import LangfuseSdk
from genai_integrations.routing.request import Request
from genai_integrations.tracing import attributes as attribute
from genai_integrations.tracing import owners
from genai_integrations.transports.endpoint import Operation

if TYPE_CHECKING:
    from langfuse import Langfuse
    from opentelemetry.sdk.trace.sampling import Sampler

Mask = Callable[..., Any]
"""Langfuse's masking function: called as `mask(data=...)`, gives what may be recorded."""

_KIND = "openinference.span.kind"
_KINDS: Mapping[Operation, str] = {"chat/completions": "LLM", "embeddings": "EMBEDDING"}

_UNMASKABLE = "<fully masked due to failed mask function>"
"""What the SDK writes, too, where a masking function raises."""


class Project:
    """Where spans go, and how: what the SDK's client was made with, by us or before us.

    The SDK has no public way to these, and its exporter takes no other scope's spans for its own.

    Raises:
        ConfigurationError: The SDK records nothing.
    """

    def __init__(self, sdk: Langfuse, ours: LangfuseSdk) -> None:
        resources = sdk._resources  # noqa: SLF001
        if resources is None or resources.tracer_provider is None:
            raise ConfigurationError(
                "the Langfuse SDK in this process does not trace: unset LANGFUSE_TRACING_ENABLED, do not make "
                "a Langfuse(tracing_enabled=False) of this key before, or say GenAIClient(tracing=False)"
            )
        fixed = {
            attribute.ENVIRONMENT: resources.environment,
            attribute.RELEASE: resources.release or sdk._release,  # noqa: SLF001
        }
        self.tracer = sdk._otel_tracer  # noqa: SLF001
        self._mask: Mask | None = ours.mask or resources.mask
        self._public_key = resources.public_key
        self._provider = resources.tracer_provider
        self._should_export = resources.should_export_span
        self._fixed = {name: value for name, value in fixed.items() if value}
        self._sampler = _sampler(self._provider.sampler, ours.sample_rate, resources.sample_rate)
        owners.watch(self._provider)

    def may_record(self, value: Any) -> Any:
        """A value after masking. The function gets a copy, because the value is still in use."""
        if self._mask is None:
            return value
        try:
            return self._mask(data=copy.deepcopy(value))
        except Exception:  # noqa: BLE001  the user's own function, whatever it raises
            return _UNMASKABLE

    def exports(self, span: Any, operation: Operation) -> bool:
        """Whether somebody else's span is open, has no call on it yet, and ends up in this project."""
        scope = getattr(span, "instrumentation_scope", None)
        if scope is None or not span.is_recording():
            return False
        if not scope.name.startswith(owners.SCOPE):
            return (scope.attributes or {}).get("public_key") == self._public_key
        is_here = owners.is_from(span, self._provider)
        return is_here and owners.is_free(span) and self._is_sent(span, operation)

    def _is_sent(self, span: Any, operation: Operation) -> bool:
        """Whether the program's filter lets it pass: it may leave such spans out, as the client records calls."""
        if self._should_export is None:
            return True
        bare = getattr(span, "__wrapped__", span)
        bare.set_attribute(_KIND, _KINDS[operation])  # OpenInference keeps it back to the end
        return self._should_export(bare)

    def started(self, request: Request) -> Any | None:
        """A new span, or None where sampling leaves the call out."""
        if self._sampler is not None and not _is_sampled(self._sampler):
            return None
        first = {**self._fixed, **attribute.opening(request)}
        return self.tracer.start_span(attribute.NAMES[request.operation], attributes=first)


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
