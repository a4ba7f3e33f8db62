"""The border where what others say about a failure becomes one of our errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from genai_integrations.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    CallError,
    ContentFilteredError,
    ContextWindowExceededError,
    InvalidReplyError,
    NotFoundError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.masked import MASK

BY_STATUS: Mapping[int, type[CallError]] = {
    401: AuthenticationError,
    402: RateLimitError,
    403: AuthenticationError,
    404: NotFoundError,
    408: RequestTimeoutError,
    409: ServerError,
    425: ServerError,
    429: RateLimitError,
}
"""Statuses with a meaning of their own; the rest go by their hundred."""

BY_HUNDRED: Mapping[int, type[CallError]] = {
    2: InvalidReplyError,
    3: InvalidReplyError,
    4: BadRequestError,
    5: ServerError,
}

BY_CODE: Mapping[str, type[CallError]] = {
    "context_length_exceeded": ContextWindowExceededError,
    "exceed_context_size_error": ContextWindowExceededError,
    "context_window_exceeded": ContextWindowExceededError,
    "content_filter": ContentFilteredError,
    "content_policy_violation": ContentFilteredError,
    "responsibleaipolicyviolation": ContentFilteredError,
    "rate_limit_exceeded": RateLimitError,
    "rate_limit_error": RateLimitError,
    "insufficient_quota": RateLimitError,
    "invalid_api_key": AuthenticationError,
    "api_key_invalid": AuthenticationError,
    "authentication_error": AuthenticationError,
    "model_not_found": NotFoundError,
    "deploymentnotfound": NotFoundError,
    "invalid_request_error": BadRequestError,
    "overloaded_error": ServerError,
    "server_error": ServerError,
    "timeout": RequestTimeoutError,
}
"""Codes and types inside an error object, lower-case.

They narrow a refusal (400, 413, 422), and are all there is for an error in the middle of a stream.
"""

BY_FOREIGN_CLASS: Mapping[str, type[CallError]] = {
    "APIConnectionError": APIConnectionError,
    "APIResponseValidationError": InvalidReplyError,
    "ContentPolicyViolationError": ContentFilteredError,
    "ContextWindowExceededError": ContextWindowExceededError,
    "RejectedRequestError": ContentFilteredError,
    "Timeout": RequestTimeoutError,
    "TimeoutError": RequestTimeoutError,
}
"""LiteLLM's classes whose `status_code` says less than their name, or is made up."""

BY_PHRASE: Mapping[str, type[CallError]] = {
    "prompt is too long": ContextWindowExceededError,
    "input is too long": ContextWindowExceededError,
    "input token count": ContextWindowExceededError,
    "maximum context length": ContextWindowExceededError,
    "maximum prompt length": ContextWindowExceededError,
    "model's context length": ContextWindowExceededError,
    "context window": ContextWindowExceededError,
    "too many tokens:": ContextWindowExceededError,
    "while limit is": ContextWindowExceededError,
    "`inputs` tokens + `max_new_tokens`": ContextWindowExceededError,
    "content filtering policy": ContentFilteredError,
    "invalid_grant": AuthenticationError,
}
"""For refusals of providers that have no code for these cases: Anthropic, Gemini, Bedrock, xAI, Together, Cohere,
Cerebras, Hugging Face.
"""

_SAID = {"true": True, "false": False}
_NARROWED = frozenset((400, 413, 422))
_REQUEST_ID_HEADERS = ("x-request-id", "apim-request-id", "request-id", "x-ms-request-id")
_LITELLMS_PREFIX = re.compile(
    r"^(?:litellm\.\w+: )*(?:\w+(?:Exception|Error)\b(?: \w+)?(?: - |: ))*"
)
_TAG = re.compile(r"<[^>]*>")
_LONGEST = 500


def status_error(
    status: int, headers: Mapping[str, str], body: bytes, secrets: Iterable[str] = ()
) -> CallError:
    """The error for an HTTP answer that is not what was asked for.

    Args:
        status: HTTP status.
        headers: Answer's headers, with lower-case look-up.
        body: Answer's body, or its beginning.
        secrets: Texts that must not appear in the error.
    """
    secrets = tuple(secrets)
    detail = error_object(scrubbed(_decoded(body), secrets))
    kind = kind_of_status(status)
    message = _message(detail, scrub(body, secrets))
    if status in _NARROWED:
        by_code = _by_code(detail)
        # `invalid_request_error` alone says no more than the status.
        is_plain = by_code in (None, BadRequestError)
        kind = (_by_phrase(message) if is_plain else None) or by_code or kind
    if kind is InvalidReplyError and 300 <= status < 400:
        message = "the server answered with a redirect, which is never followed with a key"
    return kind(
        message or f"no reason given by the server for HTTP {status}",
        status=status,
        retry_after=_wait_asked(headers, detail),
        should_retry=_SAID.get(headers.get("x-should-retry", "").strip().lower()),
        request_id=request_id(headers, secrets),
        body=detail or None,
    )


def event_error(data: object) -> CallError:
    """The error for an error object that came as an event of a stream."""
    detail = error_object(data)
    code = str(detail.get("status") or detail.get("code"))
    status = int(code) if code.isdecimal() else None
    by_status = kind_of_status(status) if status else None
    kind = _by_code(detail) or by_status or ServerError
    return kind(
        _message(detail, b"") or "the server ended the stream with an error",
        status=status,
        body=detail,
    )


def foreign_error(error: Exception, status: int | None, secrets: Iterable[str]) -> CallError:
    """The error for an exception of LiteLLM's, where the wire itself showed none.

    Args:
        error: What LiteLLM raised.
        status: HTTP status that really came; with 200, whatever LiteLLM makes of it is an invalid reply,
            unless it read an error object in the answer.
        secrets: Texts that must not appear in the error.
    """
    told = getattr(error, "original_exception", None) or error
    code = getattr(told, "status_code", None)
    names = (kind.__name__ for kind in type(told).__mro__)
    by_name = next((BY_FOREIGN_CLASS[name] for name in names if name in BY_FOREIGN_CLASS), None)
    text = scrubbed(str(getattr(told, "message", told)), tuple(secrets))
    kind = by_name or (kind_of_status(code) if isinstance(code, int) else ServerError)
    kind = _by_phrase(text) or kind
    if status == 200 and kind in (APIConnectionError, BadRequestError):
        return InvalidReplyError("the server's answer cannot be understood")
    lines = _LITELLMS_PREFIX.sub("", text).splitlines()
    message = next((line for line in lines if line.strip()), type(told).__name__)
    return kind(message[:_LONGEST], status=code if by_name is None else status)


def kind_of_status(status: int) -> type[CallError]:
    """The class of error for an HTTP status."""
    return BY_STATUS.get(status) or BY_HUNDRED.get(status // 100, ServerError)


def error_object(data: object) -> dict[str, object]:
    """The inner error object of an answer, whatever the server wrapped it in; empty if there is none."""
    if isinstance(data, list) and data:
        data = data[0]
    if not isinstance(data, dict):
        return {}
    inner = data.get("error", data)
    if isinstance(inner, str):
        return {"message": inner}
    return inner if isinstance(inner, dict) else {}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, from any of the three headers in use; None if it does not say."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _number(headers.get(name))
        if milliseconds is not None:
            return milliseconds / 1000
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    return _until(text) if seconds is None else seconds


def scrub(body: bytes, secrets: Iterable[str]) -> bytes:
    """The bytes without secrets that a careless server echoes."""
    # The longest first, so that one inside another leaves no rest.
    for secret in sorted(secrets, key=len, reverse=True):
        body = body.replace(secret.encode(), MASK.encode())
    return body


def scrubbed(value: Any, secrets: Sequence[str]) -> Any:
    """The decoded value without the secrets in any of its texts: in JSON, escapes would have hidden them."""
    if isinstance(value, str):
        return scrub(value.encode(errors="replace"), secrets).decode()
    if isinstance(value, dict):
        return {scrubbed(key, secrets): scrubbed(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [scrubbed(item, secrets) for item in value]
    return value


def request_id(headers: Mapping[str, str], secrets: Sequence[str] = ()) -> str | None:
    """The provider's id of the request, from any of the headers in use."""
    found = next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None)
    return None if found is None else str(scrubbed(found, secrets))


def _by_code(detail: Mapping[str, object]) -> type[CallError] | None:
    inner = detail.get("innererror")
    candidates = [
        inner.get("code") if isinstance(inner, dict) else None,
        *_reasons(detail),
        detail.get("code"),
        detail.get("type"),
    ]
    found = (BY_CODE.get(str(code).lower()) for code in candidates if code)
    return next((kind for kind in found if kind), None)


def _by_phrase(message: str) -> type[CallError] | None:
    lowered = message.lower()
    return next((kind for phrase, kind in BY_PHRASE.items() if phrase in lowered), None)


def _wait_asked(headers: Mapping[str, str], detail: Mapping[str, object]) -> float | None:
    """Seconds to wait, from the headers or from Google's `RetryInfo` in the body."""
    asked = retry_after(headers)
    if asked is not None:
        return asked
    delays = (row.get("retryDelay") for row in _details(detail))
    return next((_number(str(delay).removesuffix("s")) for delay in delays if delay), None)


def _details(detail: Mapping[str, object]) -> list[Mapping[str, object]]:
    rows = detail.get("details")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _reasons(detail: Mapping[str, object]) -> list[object]:
    """Google's finer reasons, such as `API_KEY_INVALID` inside an `INVALID_ARGUMENT`."""
    return [row.get("reason") for row in _details(detail)]


def _decoded(body: bytes) -> object:
    try:
        return jsonbytes.loads(body)
    except ValueError:
        return None


def _message(detail: Mapping[str, object], body: bytes) -> str:
    message = detail.get("message") or detail.get("detail")
    text = message if isinstance(message, str) else _TAG.sub(" ", body.decode(errors="replace"))
    return " ".join(text.split())[:_LONGEST]


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        # The standard library's parser raises each of these for one odd text or another.
        return None
