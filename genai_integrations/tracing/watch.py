"""Looks at spans of others as they start, so that no call is recorded twice."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor
from typing_extensions import override

from genai_integrations.tracing.owners import SDK_SCOPE, TYPE, is_around_a_call, started


class SpanWatch(SpanProcessor):
    """Notes generations of the SDK's, and says of OpenInference's spans around a call that they are plain ones.

    OpenInference has a span of kind LLM for every method of an LLM that another one calls, so that one question
    to a query engine would be two generations, and with the client's own three. Langfuse's server heeds its own
    attribute before OpenInference's.
    """

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        scope = span.instrumentation_scope
        if scope is None:
            return
        if scope.name == SDK_SCOPE:
            started(span)
        elif is_around_a_call(scope.name, span.name):
            span.set_attribute(TYPE, "span")
