"""One generation per call, whoever else watches: which span of somebody else's is the call's own."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any

SCOPE = "openinference."
"""How the names of OpenInference's instrumentation scopes begin."""

SDK_SCOPE = "langfuse-sdk"
"""The name of the SDK's own scope, which the client's generations have too."""

TYPE = "langfuse.observation.type"

_classes = {"StructuredLLM"}
"""Classes whose every method OpenInference records as a call of a model. LlamaIndex's own is one: it only wraps."""


def records_calls_of(class_name: str) -> None:
    """Have OpenInference's spans of a class of ours be plain spans, except the one that is written on."""
    _classes.add(class_name)
    watch_spans()


def watch_spans() -> None:
    """Look at spans as they start, if the program has them at all."""
    api = sys.modules.get("opentelemetry.trace")
    if api is not None:
        watch(api.get_tracer_provider())


def watch(provider: Any) -> None:
    """As `watch_spans`, for one provider; once is enough for all clients of a process."""
    if hasattr(provider, "add_span_processor") and not getattr(provider, _DONE, False):
        from genai_integrations.tracing.watch import SpanWatch

        setattr(provider, _DONE, True)
        provider.add_span_processor(SpanWatch())


_DONE = "_genai_integrations_watches"


def is_around_a_call(scope: str, name: str) -> bool:
    """Whether a span is OpenInference's, and of a method of such a class."""
    return scope.startswith(SCOPE) and name.partition(".")[0] in _classes


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


_expected: ContextVar[list[Any] | None] = ContextVar("genai_integrations_expected", default=None)


def expect_generation() -> None:
    """From here on, a generation that starts in this context, or in a copy of it, is the coming call's own.

    LangChain tells a model that streams nothing of its run, and starts the handlers of an async run in another
    thread: a list that both sides hold is what reaches across.
    """
    _expected.set([])


def expected_generation() -> Any | None:
    """The one that has started since `expect_generation`, if any; told once."""
    found = _expected.get()
    _expected.set(None)
    return found[0] if found else None


def started(span: Any) -> None:
    """A span of the SDK's has started in this context."""
    found = _expected.get()
    if found is not None and not found:
        found.append(span)
