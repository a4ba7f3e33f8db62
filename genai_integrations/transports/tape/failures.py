"""Errors on a tape: written with what they tell, and raised again as the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genai_integrations import errors
from genai_integrations.errors import CallError, GenAIError

_TOLD = ("status", "retry_after", "should_retry", "request_id", "code", "param", "body")
"""What of a `CallError` is written beside its message. The address of a server is not."""


def failure_of(error: GenAIError, mask: Callable[[Any], Any]) -> dict[str, Any]:
    """An error as JSON's values, without secrets."""
    message = error.message if isinstance(error, CallError) else str(error)
    row: dict[str, Any] = {"type": type(error).__name__, "message": message}
    if isinstance(error, CallError):
        told = {name: getattr(error, name) for name in _TOLD}
        row |= {name: value for name, value in told.items() if value is not None}
    found: dict[str, Any] = mask(row)
    return found


def failure(row: dict[str, Any]) -> GenAIError:
    """The error that was written."""
    kind = getattr(errors, str(row.get("type")), errors.InvalidReplyError)
    message = str(row.get("message", ""))
    if isinstance(kind, type) and issubclass(kind, CallError):
        return kind(message, **{name: row[name] for name in _TOLD if name in row})
    if isinstance(kind, type) and issubclass(kind, GenAIError):
        return kind(message)
    return errors.InvalidReplyError(message)
