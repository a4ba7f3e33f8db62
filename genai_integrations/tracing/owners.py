"""One generation per call, whoever else watches: which span of somebody else's is the call's own."""

from __future__ import annotations

import sys
import time
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
    """Look at spans as they start, if the program has them at all; the one that has just started is made up for."""
    api = sys.modules.get("opentelemetry.trace")
    provider = api.get_tracer_provider() if api is not None else None
    if watch(provider):
        span = surrounding_span()
        if is_from(span, provider) and is_around_a_call(span.instrumentation_scope.name, span.name):
            span.set_attribute(TYPE, "span")


def is_from(span: Any | None, provider: Any) -> bool:
    """Whether a span goes through the processors of that provider."""
    processor = getattr(span, "_span_processor", None)
    return processor is not None and processor is provider._active_span_processor  # noqa: SLF001


def watch(provider: Any) -> bool:
    """As `watch_spans`, for one provider, and tell whether that is new; once is enough for all clients."""
    if getattr(provider, _DONE, False) or not hasattr(provider, "add_span_processor"):
        return False
    from genai_integrations.tracing.watch import SpanWatch

    setattr(provider, _DONE, True)
    provider.add_span_processor(SpanWatch())
    return True


_DONE = "_genai_integrations_watches"


def is_around_a_call(scope: str, name: str) -> bool:
    """Whether a span is OpenInference's, and of a method of such a class."""
    return scope.startswith(SCOPE) and name.partition(".")[0] in _classes


def surrounding_span() -> Any:
    """OpenInference's span for the very method that makes the call now."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    # What is current is a proxy that lets go of the span when the method returns, long before its stream ends.
    span = api.get_current_span()
    span = getattr(span, "__wrapped__", span)
    scope = getattr(span, "instrumentation_scope", None)
    return span if scope is not None and scope.name.startswith(SCOPE) else None


def last_until_ended(span: Any) -> None:
    """Have a span last until it is ended: OpenInference ends a stream's when it is over, as of when it began."""
    bare = getattr(span, "__wrapped__", span)
    end = bare.end

    def end_now(end_time: int | None = None) -> None:
        end(end_time and max(end_time, time.time_ns()))

    bare.end = end_now


def is_free(span: Any) -> bool:
    """Whether no call is written on it yet: a batch of embeddings is one span and several calls."""
    return (span.attributes or {}).get(TYPE) in {None, "span"}


_expected: ContextVar[list[Any] | None] = ContextVar("genai_integrations_expected", default=None)


def expect_generation() -> None:
    """From here on, a generation that starts in this context, or in a copy of it, is the coming call's own.

    LangChain tells a model that streams nothing of its run, and starts the handlers of an async run in another
    thread: a list that both sides hold is what reaches across.
    """
    watch_spans()
    _expected.set([])


def expected_generations() -> tuple[Any, ...]:
    """Those that have started since `expect_generation`, one for each handler; told once."""
    found = _expected.get() or ()
    _expected.set(None)
    return tuple(span for span in found if (span.attributes or {}).get(TYPE) == "generation")


def started(span: Any) -> None:
    """A span of the SDK's has started in this context."""
    found = _expected.get()
    if found is not None and len(found) < _MOST:
        found.append(span)


_MOST = 4
"""Handlers at once, each for another project. Where LangChain's cache answers, nobody takes the spans away."""
