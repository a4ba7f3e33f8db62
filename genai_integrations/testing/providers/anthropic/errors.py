"""Errors in the shape of Anthropic's Messages API."""

from __future__ import annotations

import json
from collections.abc import Mapping

from genai_integrations.testing.faults import Fault

INVALID = "invalid_request_error"
"""The type of nearly every refusal."""

_SERVER_ERROR = 500
_ROWS: Mapping[int, tuple[str, str]] = {
    400: (INVALID, "The request could not be processed."),
    401: ("authentication_error", "invalid x-api-key"),
    402: (
        "billing_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
    ),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "model: {model}"),
    409: ("conflict_error", "The request conflicts with the current state of the resource."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: (
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 3 requests per minute (model: {model}).",
    ),
    500: ("api_error", "Internal server error"),
    504: ("timeout_error", "Request timed out"),
    529: ("overloaded_error", "Overloaded"),
}  # fmt: skip
_CODES: Mapping[str, tuple[str, str]] = {
    "context_length_exceeded": (INVALID, "prompt is too long: 208310 tokens > 200000 maximum"),
    "content_filter": (INVALID, "Output blocked by content filtering policy"),
    "insufficient_quota": (
        "rate_limit_error",
        "You have reached your specified API usage limits. You will regain access on 2100-01-01 at 00:00 UTC.",
    ),
}

OVERLOADED = _ROWS[529]
"""Type and message of the error that a stream ends with."""


class RefusalError(Exception):
    """A request that Anthropic refuses before it asks a model."""

    def __init__(self, message: str, status: int = 400, kind: str = INVALID) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind


def missing(where: str) -> RefusalError:
    """A field that must be there and is not."""
    return RefusalError(f"{where}: Field required")


def extra(where: str) -> RefusalError:
    """A field that the API does not know."""
    return RefusalError(f"{where}: Extra inputs are not permitted")


def wrong(where: str, what: str) -> RefusalError:
    """A value of the wrong type or out of its range."""
    return RefusalError(f"{where}: Input should be {what}")


def words_for(fault: Fault, model: str) -> tuple[str, str]:
    """Type and message of the error that a fault asks for."""
    fallback = (INVALID, f"The request failed with status {fault.http_status}.")
    if fault.http_status > _SERVER_ERROR:
        fallback = _ROWS[_SERVER_ERROR]
    row = _CODES.get(fault.code or "") or _ROWS.get(fault.http_status, fallback)
    # There is no place for a code but the type.
    kind = row[0] if fault.code is None or fault.code in _CODES else fault.code
    return kind, fault.message or row[1].replace("{model}", model)


def error_body(kind: str, message: str, request_id: str) -> bytes:
    """The body of an error, which is also the data of a stream's error event."""
    error = {"type": kind, "message": message}
    return dump({"type": "error", "error": error, "request_id": request_id})


def dump(value: object) -> bytes:
    """JSON that leaves every character as it is."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
