"""Google's error objects: what its APIs say for a fault, and for a request that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.testing.faults import Fault

_TYPE = "type.googleapis.com/google.rpc."
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_MESSAGES = {
    400: "Request contains an invalid argument.",
    403: "The caller does not have permission",
    404: "Requested entity was not found.",
    500: "An internal error has occurred. Please retry.",
    503: "The model is overloaded. Please try again later.",
    504: "Deadline expired before operation could complete.",
}
_TOO_LONG = (
    "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."
)
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_METRIC = "generativelanguage.googleapis.com/generate_content_requests"
STUDIO = "generativelanguage.googleapis.com"
VERTEX = "aiplatform.googleapis.com"


@dataclass
class GoogleError(Exception):
    """A refusal, in the parts of Google's error object.

    Attributes:
        message: What is wrong.
        code: The HTTP status.
        status: Google's name of the status; None for the usual one of the code.
        details: Further objects, each with its `@type`.
    """

    message: str
    code: int = 400
    status: str | None = None
    details: Sequence[Mapping[str, Any]] = ()

    def as_dict(self) -> dict[str, object]:
        """The body of the reply."""
        status = self.status or _STATUSES.get(self.code, "UNKNOWN")
        error: dict[str, object] = {"code": self.code, "message": self.message, "status": status}
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


MID_STREAM = GoogleError(_MESSAGES[500], 500)
"""What a stream or a request breaks with."""


def bad_field(message: str, path: str = "") -> GoogleError:
    """A part of the request that cannot be read; `path` is where it is."""
    violation = {"field": path, "description": message} if path else {"description": message}
    detail = {"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]}
    return GoogleError(message, details=[detail])


def error_info(reason: str, service: str, **metadata: str) -> dict[str, object]:
    """The detail that says why in one word."""
    return {
        "@type": f"{_TYPE}ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": service, **metadata},
    }


def wrong_api_key() -> GoogleError:
    """AI Studio has no 401 for keys."""
    message = "API key not valid. Please pass a valid API key."
    localized = {"@type": f"{_TYPE}LocalizedMessage", "locale": "en-US", "message": message}
    return GoogleError(message, details=[error_info("API_KEY_INVALID", STUDIO), localized])


def missing_api_key() -> GoogleError:
    """Who does not say who they are may not call."""
    return GoogleError(
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API.",
        403,
    )


def wrong_token(*, missing: bool) -> GoogleError:
    """Vertex's 401."""
    if missing:
        message = "Request is missing required authentication credential."
        reason = "CREDENTIALS_MISSING"
    else:
        message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
        reason = "ACCESS_TOKEN_TYPE_UNSUPPORTED"
    return GoogleError(message, 401, details=[error_info(reason, VERTEX)])


def error_of(fault: Fault, model: str | None) -> GoogleError:
    """The usual error for a fault's code, else for its status.

    A code that is not one of the faults' own is sent as Google's name of the status.
    """
    code = fault.http_status
    if fault.code == "context_length_exceeded":
        return GoogleError(fault.message or _TOO_LONG)
    if fault.code == "insufficient_quota":
        return GoogleError(fault.message or _QUOTA, code, details=[_quota_failure(model, "Day")])
    message = fault.message or _MESSAGES.get(code, f"The request failed with status {code}.")
    return GoogleError(message, code, fault.code and fault.code.upper())


def rate_limit(fault: Fault, model: str | None) -> GoogleError:
    """AI Studio's 429: how long to wait is said in the body, not in a header."""
    details = [_quota_failure(model, "Minute")]
    seconds = _seconds(fault.headers)
    message = fault.message or f"{_QUOTA} Quota exceeded for metric: {_METRIC}, limit: 3."
    if seconds is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{seconds:g}s"})
        message += "" if fault.message else f" Please retry in {seconds:g}s."
    return GoogleError(message, 429, details=details)


def _seconds(headers: Mapping[str, str]) -> float | None:
    if "retry-after-ms" in headers:
        return float(headers["retry-after-ms"]) / 1000
    return float(headers["retry-after"]) if "retry-after" in headers else None


def _quota_failure(model: str | None, per: str) -> dict[str, object]:
    violation = {
        "quotaMetric": _METRIC,
        "quotaId": f"GenerateRequestsPer{per}PerProjectPerModel",
        "quotaDimensions": {"location": "global", "model": model or ""},
        "quotaValue": "3",
    }
    return {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]}
