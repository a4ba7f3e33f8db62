"""What an error of ours is over HTTP: one table for every door that speaks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from genai_integrations.errors import (
    AllTargetsFailedError,
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    CallError,
    CapabilityError,
    ConfigurationError,
    ContentFilteredError,
    ContextWindowExceededError,
    CredentialError,
    CredentialStoreError,
    GenAIError,
    InvalidReplyError,
    LimitError,
    NotFoundError,
    OutOfCreditError,
    PromptError,
    PromptNotFoundError,
    PromptVariableError,
    RateLimitError,
    RejectedAnswerError,
    RequestTimeoutError,
    ServerError,
    StreamInterruptedError,
    UnknownModelError,
)

T = TypeVar("T")

Told = tuple[int, str]
"""HTTP status, and one word for programs."""

Rows = Mapping[type[GenAIError], Told]

INVALID = "invalid_request"

_ROWS: Rows = {
    UnknownModelError: (404, "model_not_found"),
    CapabilityError: (400, "unsupported_by_model"),
    ConfigurationError: (400, INVALID),
    CredentialStoreError: (503, "connections_unavailable"),
    CredentialError: (502, "connection_unusable"),
    PromptNotFoundError: (404, "prompt_not_found"),
    PromptVariableError: (400, "invalid_prompt_variables"),
    PromptError: (502, "prompt_unavailable"),
    BudgetExceededError: (429, "insufficient_quota"),
    LimitError: (429, "rate_limit_exceeded"),
    OutOfCreditError: (429, "insufficient_quota"),
    RateLimitError: (429, "rate_limit_exceeded"),
    ContextWindowExceededError: (400, "context_length_exceeded"),
    ContentFilteredError: (400, "content_filter"),
    BadRequestError: (400, INVALID),
    NotFoundError: (404, "model_not_found"),
    RequestTimeoutError: (504, "timeout"),
    AuthenticationError: (401, "invalid_api_key"),
    APIConnectionError: (502, "provider_unreachable"),
    ServerError: (502, "provider_error"),
    InvalidReplyError: (502, "invalid_reply"),
    RejectedAnswerError: (502, "rejected_answer"),
    StreamInterruptedError: (502, "stream_interrupted"),
    AllTargetsFailedError: (502, "all_targets_failed"),
    CallError: (502, "provider_error"),
    GenAIError: (500, "internal_error"),
}
"""By class, the nearest one counts. What a provider did wrong is 5xx, what the caller can mend is 4xx.

Source of the words that OpenAI has too: platform.openai.com, "Error codes".
"""

_KEPT: Mapping[int, int] = {413: 413, 422: 422, 503: 503, 529: 503}
"""What a provider's statuses become that say more than those of the rows: 529 is Anthropic's word for 503."""

_OVERLOADED = (
    "overloaded_error",
    "engine_overloaded_error",
    "server_is_overloaded",
    "provider_overloaded",
)
"""Codes and types that say what a 503 says: in a stream there is no status."""


def told_of(error: GenAIError, own: Rows | None = None) -> Told:
    """What is told of an error; where every target failed alike, that.

    Args:
        error: The error.
        own: Rows that a door has in place of the table's.
    """
    rows = {**_ROWS, **own} if own else _ROWS
    status, code = next(rows[kind] for kind in type(error).__mro__ if kind in rows)
    if isinstance(error, AllTargetsFailedError):
        told = [told_of(cause, own) for cause in error.attempts]
        return _only({row[0] for row in told}, status), _only({row[1] for row in told}, code)
    if isinstance(error, CallError):
        status = 503 if _is_overloaded(error) else _KEPT.get(error.status or 0, status)
    if isinstance(error, BadRequestError) and error.code and code == INVALID:
        code = error.code
    return status, code


def _is_overloaded(error: CallError) -> bool:
    said = error.body if isinstance(error.body, dict) else {}
    words = (error.code, said.get("type"))
    return isinstance(error, ServerError) and any(word in _OVERLOADED for word in words)


def wait_of(error: GenAIError) -> float | None:
    """Seconds after which to ask again, if somebody knows; of several targets the first to be free counts."""
    own = error.retry_after if isinstance(error, (CallError, LimitError)) else None
    if not isinstance(error, AllTargetsFailedError):
        return own
    waits = [wait for cause in error.attempts if (wait := wait_of(cause)) is not None]
    return min(waits, default=own)


def _only(found: set[T], otherwise: T) -> T:
    return found.pop() if len(found) == 1 else otherwise
