"""Which errors lead to another target, which to the same one again, and after how long."""

from __future__ import annotations

from collections.abc import Sequence

from genai_integrations.errors import (
    APIConnectionError,
    BadRequestError,
    CallError,
    ContentFilteredError,
    CredentialError,
    GenAIError,
    InvalidReplyError,
    OutOfCreditError,
    RateLimitError,
    RejectedAnswerError,
    RequestTimeoutError,
    ServerError,
)

REPEATABLE = (
    APIConnectionError,
    InvalidReplyError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
"""Errors after which the same target may answer the next time, unless its `x-should-retry` says otherwise.

No completion is idempotent: one that timed out may have been computed, and is then paid for twice. All the providers'
own SDKs repeat it, since an answer is worth more than that.
"""

LONGEST_WAIT = 60.0
"""Seconds beyond which a `Retry-After` is not waited for: the call fails instead (OpenAI's SDK does the same)."""

JITTER = 0.25
"""The part of a wait that is added at random, so that calls which failed together do not come back together.

Only added: with full or equal jitter some come back before the `Retry-After` that they were told.
"""

NO_CREDIT_COOLDOWN = 60.0
"""Seconds that an account without credit is left alone: nobody pays a bill within the usual five."""

# Seconds: the first wait and the longest, doubling in between, as in OpenAI's SDK.
_BACKOFF = (0.5, 8.0)


def backoff(waits: int) -> float:
    """Seconds to wait before a retry to a target that does not say how long.

    Args:
        waits: How often this call has waited before.
    """
    first, longest = _BACKOFF
    return min(first * 2.0**waits, longest)


def is_repeatable(error: GenAIError | None) -> bool:
    """Whether the same target may be asked again after this error."""
    if not isinstance(error, CallError) or isinstance(error, OutOfCreditError):
        return False
    if error.should_retry is not None:
        return error.should_retry
    return isinstance(error, REPEATABLE)


def is_of_request(error: object) -> bool:
    """Whether an answer came that only the request which got it has no use for."""
    return isinstance(error, InvalidReplyError) and error.is_of_request


def falls_over(
    error: GenAIError, wanted: Sequence[int | type[CallError]] | None, *, is_first: bool = True
) -> bool:
    """Whether another target may be asked after this error.

    Args:
        error: Of an attempt.
        wanted: The user's own set, `fallback_on`.
        is_first: Whether it is of the first target asked. What that one refuses is the caller's to mend; what another
            model refuses says nothing of the models after it.
    """
    if isinstance(error, (CredentialError, RejectedAnswerError)):
        return True
    if not isinstance(error, CallError):
        return False
    if wanted is None:
        return not is_first or bool(error.should_retry) or not _is_refusal(error)
    return any(
        error.status == row if isinstance(row, int) else isinstance(error, row) for row in wanted
    )


def _is_refusal(error: CallError) -> bool:
    """Whether the request itself was refused, and not by a gateway that broke or a model that would rather not."""
    if isinstance(error, ContentFilteredError) and error.status == _ANSWERED:
        return False
    return isinstance(error, BadRequestError) and (error.status or 0) < _SERVERS


_ANSWERED = 200
_SERVERS = 500
