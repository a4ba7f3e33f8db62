"""One generation per call, whoever else watches: which span of somebody else's is the call's own."""

from __future__ import annotations

import sys
from typing import Any

SCOPE = "openinference."
"""How the names of OpenInference's instrumentation scopes begin."""

TYPE = "langfuse.observation.type"

_classes = {"StructuredLLM"}
"""Classes whose every method OpenInference records as a call of a model. LlamaIndex's own is one: it only wraps."""


def records_calls_of(class_name: str) -> None:
    """Have OpenInference's spans of a class of ours be plain spans, except the one that is written on."""
    _classes.add(class_name)
    api = sys.modules.get("opentelemetry.trace")
    if api is not None:
        keep_plain(api.get_tracer_provider())


def keep_plain(provider: Any) -> None:
    """Have the spans of a provider looked at as they start; once is enough for all clients of a process."""
    if hasattr(provider, "add_span_processor") and not getattr(provider, _DONE, False):
        from genai_integrations.tracing.plain_spans import PlainSpans

        setattr(provider, _DONE, True)
        provider.add_span_processor(PlainSpans())


_DONE = "_genai_integrations_keeps_plain"


def is_around_a_call(span: Any) -> bool:
    """Whether it is OpenInference's, and of a method of such a class."""
    scope = span.instrumentation_scope
    return (
        scope is not None
        and scope.name.startswith(SCOPE)
        and span.name.partition(".")[0] in _classes
    )


def surrounding_span() -> Any | None:
    """OpenInference's span for the very method that makes the call now."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    # What is current is a proxy that lets go of the span when the method returns, long before its stream ends.
    span = api.get_current_span()
    span = getattr(span, "__wrapped__", span)
    scope = getattr(span, "instrumentation_scope", None)
    return span if scope is not None and scope.name.startswith(SCOPE) else None


def is_free(span: Any) -> bool:
    """Whether no call is written on it yet: a batch of embeddings is one span and several calls."""
    return (span.attributes or {}).get(TYPE) in {None, "span"}
