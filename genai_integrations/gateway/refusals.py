"""What a caller is told when a request is refused or fails: a status, a code and a message, in no API's shape yet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from genai_integrations.calls.failures import Rows, told_of, wait_of
from genai_integrations.errors import (
    AuthenticationError,
    CallError,
    ConfigurationError,
    GenAIError,
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

_HERE: Rows = {
    # Not 401: that would say that the caller's own key is wrong.
    AuthenticationError: (502, "provider_authentication"),
}


def refused_of(error: GenAIError) -> Refused:
    """What a caller is told of an error. Addresses of providers are left out."""
    if isinstance(error, Refused):
        return error
    status, code = told_of(error, _HERE)
    param = error.param if isinstance(error, (CallError, ConfigurationError)) else None
    return Refused(status, code, error.recorded(), wait_of(error), param=param)
