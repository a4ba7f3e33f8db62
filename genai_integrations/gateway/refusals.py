"""What a caller is told when a request is refused or fails: a status, a code and a message, in no API's shape yet."""

from __future__ import annotations

import math
from collections.abc import Sequence

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

Header = tuple[bytes, bytes]


class Refused(GenAIError):  # noqa: N818  the gateway refused; a provider that fails is an error
    """The gateway does not serve a request.

    Attributes:
        status: HTTP status.
        code: One word for programs, such as `invalid_api_key`.
        message: What was wrong and what to do; no secret, and nothing of another tenant.
        retry_after: Seconds after which it may be asked again; None where nobody knows.
        param: The part of the request that is wrong.
        allow: Methods that the path has, for status 405.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        retry_after: float | None = None,
        *,
        param: str | None = None,
        allow: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.param = param
        self.allow = allow

    @property
    def headers(self) -> list[Header]:
        """Those that go with it."""
        made: list[Header] = []
        if self.retry_after is not None:
            # HTTP knows whole seconds only, and 0 would mean at once.
            seconds = max(math.ceil(min(self.retry_after, _LONGEST_WAIT)), 1)
            made.append((b"retry-after", b"%d" % seconds))
        if self.code in _IN_VAIN:
            # OpenAI's and Anthropic's SDKs look at it before they send the same again.
            made.append((b"x-should-retry", b"false"))
        if self.allow:
            made.append((b"allow", ", ".join(self.allow).encode()))
        if self.status == 401:  # noqa: PLR2004  HTTP asks for it with this status
            made.append((b"www-authenticate", b"Bearer"))
        return made


_LONGEST_WAIT = 86_400
"""Seconds that a caller is told to wait at most: what a server says may be no time at all."""

_IN_VAIN = frozenset(("insufficient_quota", "provider_authentication", "connection_unusable"))
"""Codes of what the same request will meet again."""

_ROWS: dict[type[GenAIError], tuple[int, str]] = {
    UnknownModelError: (404, "model_not_found"),
    CapabilityError: (400, "unsupported_by_model"),
    ConfigurationError: (400, "invalid_request"),
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
    BadRequestError: (400, "invalid_request"),
    NotFoundError: (404, "model_not_found"),
    RequestTimeoutError: (504, "timeout"),
    # Not 401: that would say that the caller's own key is wrong.
    AuthenticationError: (502, "provider_authentication"),
    APIConnectionError: (502, "provider_unreachable"),
    ServerError: (502, "provider_error"),
    InvalidReplyError: (502, "invalid_reply"),
    RejectedAnswerError: (502, "rejected_answer"),
    StreamInterruptedError: (502, "stream_interrupted"),
    AllTargetsFailedError: (502, "all_targets_failed"),
    CallError: (502, "provider_error"),
    GenAIError: (500, "internal_error"),
}
"""By class, the nearest one counts. What a provider did wrong is 5xx, what the caller can mend is 4xx."""

_KEPT = frozenset((413, 422, 503))
"""A provider's statuses that say more than those of the rows."""


def refused_of(error: GenAIError) -> Refused:
    """What a caller is told of an error. Addresses of providers are left out."""
    if isinstance(error, Refused):
        return error
    status, code = next(_ROWS[kind] for kind in type(error).__mro__ if kind in _ROWS)
    if isinstance(error, AllTargetsFailedError):
        return _of_all(error, status, code)
    if isinstance(error, LimitError):
        return Refused(status, code, error.recorded(), error.retry_after)
    if not isinstance(error, CallError):
        return Refused(status, code, error.recorded())
    if error.status in _KEPT:
        status = error.status
    if isinstance(error, BadRequestError) and error.code and code == "invalid_request":
        code = error.code
    return Refused(status, code, error.recorded(), error.retry_after, param=error.param)


def _of_all(error: AllTargetsFailedError, status: int, code: str) -> Refused:
    """Where every target failed alike, that is told; the wait is that of the first to be free."""
    told = [refused_of(row) for row in error.attempts]
    waits = [row.retry_after for row in told if row.retry_after is not None]
    if len({row.status for row in told}) == 1:
        status = told[-1].status
    if len({row.code for row in told}) == 1:
        code = told[-1].code
    return Refused(status, code, error.recorded(), min(waits, default=error.retry_after))
