"""The caller's trace: what a request says of it, taken over for what is recorded of the call."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import unquote

from genai_integrations.gateway.callers import Headers

_PARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
"""W3C Trace Context: https://www.w3.org/TR/trace-context/#traceparent-header."""

_LONGEST = 8192
"""Characters of baggage that are read: W3C's limit."""

_MOST = 200
"""Characters of one value, as the Langfuse SDK has it."""

_TRACE_ID = "langfuse_trace_id"
_METADATA = "langfuse_metadata_"


def joined(
    headers: Headers, params: dict[str, Any], *, is_bound: bool
) -> AbstractContextManager[object]:
    """Have the calls of a block belong to the caller's trace, and be recorded with what its headers say.

    `traceparent`; `langfuse-user-id`, `-session-id`, `-trace-name`, `-tags`, `-metadata`; and the same in `baggage`, as
    the Langfuse SDK sends them. What the body says of these wins. Whatever is no such header is ignored.

    Args:
        headers: Of the request.
        params: Of the call, which are added to.
        is_bound: Whether the caller has a narrow key: then it cannot have calls left out of the record.
    """
    baggage = _baggage(headers["baggage"]) if "baggage" in headers else _NONE
    if baggage or not _OWN.isdisjoint(headers):
        for name, value in _said(headers, baggage).items():
            params.setdefault(name, value)
    parent = _PARENT.fullmatch(headers["traceparent"]) if "traceparent" in headers else None
    return _UNCHANGED if parent is None else _within(parent, baggage, is_bound=is_bound)


_NONE: Mapping[str, str] = {}
_UNCHANGED = contextlib.nullcontext()


@contextlib.contextmanager
def _within(
    parent: re.Match[str], baggage: Mapping[str, str], *, is_bound: bool
) -> Generator[None]:
    from opentelemetry import context as contexts
    from opentelemetry.baggage import set_baggage
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    trace_id, span_id, flags = (int(part, 16) for part in parent.groups())
    seen = SpanContext(trace_id, span_id, True, TraceFlags(1 if is_bound else flags & 1))
    context = set_span_in_context(NonRecordingSpan(seen))
    if _TRACE_ID in baggage:
        # The caller's own span is the trace's root, and not the one that is recorded here.
        context = set_baggage(_TRACE_ID, baggage[_TRACE_ID], context)
    token = contexts.attach(context)
    try:
        yield
    finally:
        contexts.detach(token)


def _baggage(header: str) -> Mapping[str, str]:
    """The entries of Langfuse's in W3C Baggage, without their properties."""
    if "langfuse_" not in header or len(header) > _LONGEST:
        return {}
    rows = (row.partition(";")[0].partition("=") for row in header.split(","))
    found = {unquote(name.strip()): unquote(value.strip()) for name, _, value in rows}
    return {name: value for name, value in found.items() if name.startswith("langfuse_")}


def _said(headers: Headers, baggage: Mapping[str, str]) -> dict[str, Any]:
    """The client's parameters for the record."""
    said: dict[str, Any] = {}
    for name, header, read in _READERS:
        value = headers.get(header) or baggage.get(name)
        if value and (found := read(value)):
            said[name] = found
    more = {
        name.removeprefix(_METADATA): value[:_MOST]
        for name, value in baggage.items()
        if name.startswith(_METADATA)
    }
    if more:
        said["langfuse_metadata"] = {**more, **said.get("langfuse_metadata", {})}
    prompt, version = (
        baggage.get("langfuse_prompt_name"),
        baggage.get("langfuse_prompt_version", ""),
    )
    if prompt and version.isascii() and version.isdecimal() and len(version) < 10:  # noqa: PLR2004  a number that is one
        said["langfuse_prompt"] = {"name": prompt, "version": int(version)}
    return said


def _text(value: str) -> str:
    return value[:_MOST]


def _tags(value: str) -> list[str]:
    """A JSON list, or texts with commas between them."""
    found = _json(value)
    rows = found if isinstance(found, list) else value.split(",")
    return [tag[:_MOST] for row in rows[:_MOST] if isinstance(row, str) and (tag := row.strip())]


def _metadata(value: str) -> Mapping[str, Any]:
    found = _json(value)
    return found if isinstance(found, dict) else {}


def _json(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


_READERS: Sequence[tuple[str, str, Callable[[str], object]]] = (
    ("langfuse_user_id", "langfuse-user-id", _text),
    ("langfuse_session_id", "langfuse-session-id", _text),
    ("langfuse_trace_name", "langfuse-trace-name", _text),
    ("langfuse_tags", "langfuse-tags", _tags),
    ("langfuse_metadata", "langfuse-metadata", _metadata),
)
"""The parameter, the header, and how its text is read."""

_OWN = frozenset(header for _, header, _ in _READERS)
