"""What went wrong, in Anthropic's shape.

Source: platform.claude.com, "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import GenAIError
from genai_integrations.gateway.refusals import refused_of

_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_FIRST_OF_SERVERS = 500
_OVERLOADED: Mapping[tuple[int, str], int] = {(503, "provider_error"): 529}
"""How Anthropic says that a model is overloaded. What the gateway itself is not ready for stays 503."""


def failure(error: GenAIError) -> tuple[int, Wire]:
    """The status and the body for an error."""
    told = refused_of(error)
    others = "api_error" if told.status >= _FIRST_OF_SERVERS else "invalid_request_error"
    kind = _TYPES.get(told.status, others)
    status = _OVERLOADED.get((told.status, told.code), told.status)
    return status, {"type": "error", "error": {"type": kind, "message": told.message}}
