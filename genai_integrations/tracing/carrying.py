"""What a request to a gateway carries, so that what the gateway records is in the caller's trace.

W3C Trace Context and W3C Baggage, with the names of the Langfuse SDK's `propagate_attributes(as_baggage=True)`, which
Langfuse's own gateway reads too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

TRACE_ID = "langfuse_trace_id"
"""In baggage, the trace of which the caller's project has a span."""

_NAMES = {
    "user.id": "langfuse_user_id",
    "session.id": "langfuse_session_id",
    "langfuse.trace.name": "langfuse_trace_name",
    "langfuse.trace.tags": "langfuse_tags",
    "langfuse.observation.prompt.name": "langfuse_prompt_name",
    "langfuse.observation.prompt.version": "langfuse_prompt_version",
}
"""Names in baggage by those of a span's attributes."""

_METADATA = "langfuse.trace.metadata."
_LONGEST = 4096
"""Characters of baggage: half of what W3C lets it have, since a program's own may come to it."""


def traceparent(trace_id: int, span_id: int, *, sampled: bool) -> str:
    """W3C's header, version 00."""
    return f"00-{trace_id:032x}-{span_id:016x}-{int(sampled):02x}"


def carried(context: SpanContext, attributes: Mapping[str, Any]) -> dict[str, str]:
    """The headers for a request that is made within a span.

    Args:
        context: Of the span.
        attributes: Of the span; what they say of the trace goes along.
    """
    said = {TRACE_ID: f"{context.trace_id:032x}"}
    for name, value in attributes.items():
        if name in _NAMES:
            said[_NAMES[name]] = _text(value)
        elif name.startswith(_METADATA):
            said[f"langfuse_metadata_{name.removeprefix(_METADATA)}"] = _text(value)
    rows: list[str] = []
    left = _LONGEST
    for name, text in said.items():
        row = f"{quote(name, safe='')}={quote(text, safe='')}"
        if len(row) < left:
            rows.append(row)
            left -= len(row) + 1
    parent = traceparent(context.trace_id, context.span_id, sampled=context.trace_flags.sampled)
    return {"traceparent": parent, "baggage": ",".join(rows)}


def around() -> dict[str, str]:
    """The headers within the program's own span, where the client itself records nothing."""
    api = sys.modules.get("opentelemetry.trace")
    context = None if api is None else api.get_current_span().get_span_context()
    return {} if context is None or not context.is_valid else carried(context, {})


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(list(value) if isinstance(value, tuple) else value, default=str).decode()
