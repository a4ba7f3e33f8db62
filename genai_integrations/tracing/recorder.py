"""Where the spans of a client go, and how."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import Operation

if TYPE_CHECKING:
    from opentelemetry.trace import Status

Mask = Callable[..., Any]
"""Langfuse's masking function: called as `mask(data=...)`, gives what may be recorded."""

_UNMASKABLE = "<fully masked due to failed mask function>"
"""What the SDK writes, too, where a masking function raises."""


class Span(Protocol):
    """One span: OpenTelemetry's own, or a `Record`."""

    def is_recording(self) -> bool:
        """Whether it is still open."""
        ...

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Add attributes; one that is there is replaced."""
        ...

    def set_status(self, status: Status) -> None:
        """Say how it went."""
        ...

    def end(self, end_time: int | None = None) -> None:
        """Close it, now or at a time in nanoseconds."""
        ...


class Recorder(Protocol):
    """Begins spans. There is one for programs with the SDK, and one for all others."""

    def may_record(self, value: object) -> object:
        """A value after masking."""
        ...

    def adopts(self, span: object, operation: Operation) -> bool:
        """Whether somebody else's span is open, has no call on it yet, and ends up where this one's do."""
        ...

    def started(self, request: Request) -> Span | None:
        """A new span for a call, in the caller's context; None where sampling leaves the call out."""
        ...

    def started_below(
        self, above: Any, name: str, began: int, attributes: Mapping[str, object]
    ) -> Span:
        """A new span for a part of a call, which began at that time in nanoseconds."""
        ...

    def trace_id(self, span: Any) -> str:
        """The trace of a span, in hex."""
        ...

    def flush(self) -> None:
        """Send what has ended, and wait for it."""
        ...


def masked(mask: Mask | None, value: object) -> object:
    """A value after masking. The function gets a copy, because the value is still in use."""
    if mask is None:
        return value
    try:
        return mask(data=copy.deepcopy(value))
    except Exception:  # noqa: BLE001  the user's own function, whatever it raises
        return _UNMASKABLE
