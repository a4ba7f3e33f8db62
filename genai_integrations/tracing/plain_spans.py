"""Keeps OpenInference's spans around a call from counting as generations."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor
from typing_extensions import override

from genai_integrations.tracing.owners import TYPE, is_around_a_call


class PlainSpans(SpanProcessor):
    """Says of each such span that it is a plain one. Langfuse's server heeds that before OpenInference's own word.

    OpenInference has a span of kind LLM for every method of an LLM that another one calls, so that one question
    to a query engine would be two generations, and with the client's own three.
    """

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if is_around_a_call(span):
            span.set_attribute(TYPE, "span")
