"""Bedrock's errors, each with the name, status and words that the service gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.bedrock.frames import encoded, exception_frame
from genai_integrations.testing.providers.dialect import Answer

JSON = {"content-type": "application/json"}
"""The content type of everything that is no stream."""

_NAMESPACE = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
_UNEXPECTED = (
    "The system encountered an unexpected error during processing. Try your request again."
)
_SERVER_ERROR = 500

MID_STREAM = exception_frame("internalServerException", _UNEXPECTED)
"""What a stream says when it fails half-way."""


@dataclass(eq=False)
class ServiceError(Exception):
    """An error of the service.

    Attributes:
        name: Such as `ValidationException`; clients read it from a header, not from the body.
        message: What the body says.
        status: HTTP status.
        spelling: The field of the body that has the message; some of AWS's gates write it large.
        namespace: What the header says after the name.
        more: Further fields of the body.
    """

    name: str
    message: str
    status: int = 400
    spelling: str = "message"
    namespace: str = _NAMESPACE
    more: Mapping[str, object] = field(default_factory=dict)

    def answer(self, headers: Mapping[str, str] | None = None) -> Answer:
        """The error as it goes over the wire."""
        body = encoded({self.spelling: self.message, **self.more})
        kind = {"x-amzn-errortype": self.name + self.namespace}
        return Answer(self.status, body, {**JSON, **kind, **(headers or {})}, error_event=body)


def invalid(message: str) -> ServiceError:
    """The request is wrong."""
    return ServiceError("ValidationException", message)


def model_refused(message: str) -> ServiceError:
    """The request is right for Bedrock and wrong for the model behind it."""
    return invalid(f"The model returned the following errors: {message}")


def denied(name: str, message: str, spelling: str = "message") -> ServiceError:
    """The credentials are wrong; this is said before the request reaches Bedrock."""
    return ServiceError(name, message, 403, spelling, namespace="")


def invalid_token() -> ServiceError:
    """No such access key, or a session token that is not its own."""
    return denied(
        "UnrecognizedClientException", "The security token included in the request is invalid."
    )


def invalid_bearer() -> ServiceError:
    """No such API key."""
    return denied(
        "AccessDeniedException",
        "Authentication failed: Please make sure your API Key is valid.",
        "Message",
    )


def unknown_operation() -> ServiceError:
    """The address is none."""
    return ServiceError(
        "UnknownOperationException",
        "The requested operation is not recognized by the service.",
        404,
    )


_ROWS: dict[int, ServiceError] = {
    400: invalid("The provided request is not valid"),
    401: invalid_token(),
    403: ServiceError(
        "AccessDeniedException",
        "You don't have access to the model with the specified model ID.", 403,
    ),
    404: ServiceError(
        "ResourceNotFoundException",
        "Could not resolve the foundation model from the provided model identifier.", 404,
    ),
    408: ServiceError(
        "ModelTimeoutException",
        "Model has timed out in processing the request. Try your request again.", 408,
    ),
    424: ServiceError(
        "ModelErrorException", _UNEXPECTED, 424,
        more={"originalStatusCode": 500, "resourceName": ""},
    ),
    429: ServiceError(
        "ThrottlingException", "Too many requests, please wait before trying again.", 429
    ),
    500: ServiceError("InternalServerException", _UNEXPECTED, 500),
    503: ServiceError(
        "ServiceUnavailableException", "Bedrock is unable to process your request.", 503
    ),
}  # fmt: skip
_CODES: dict[str, ServiceError] = {
    "insufficient_quota": ServiceError(
        "ThrottlingException", "Too many tokens per day, please wait before trying again.", 429
    ),
    "context_length_exceeded": invalid("Input is too long for requested model."),
    "content_filter": invalid("The request has been blocked by our content filters."),
    "ModelNotReadyException": ServiceError(
        "ModelNotReadyException",
        "Model is not ready for inference. Wait and try your request again.", 429,
    ),
    "ServiceQuotaExceededException": ServiceError(
        "ServiceQuotaExceededException",
        "Your request exceeds the service quota for your account.", 400,
    ),
}  # fmt: skip


def failure_of(fault: Fault) -> Answer:
    """The error for a fault's code, else for its status.

    A code may also be one of AWS's own names, such as `ModelNotReadyException`. AWS has no 401: a wrong key
    gets 403.
    """
    row = _CODES.get(fault.code or "") or _ROWS.get(fault.http_status) or _other(fault.http_status)
    status = row.status if row is _ROWS[401] else fault.http_status
    name = fault.code if (fault.code or "").endswith("Exception") else row.name
    message = fault.message or row.message
    error = ServiceError(
        name or row.name, message, status, row.spelling, row.namespace, more=row.more
    )
    return error.answer(fault.headers)


def _other(status: int) -> ServiceError:
    row = _ROWS[503] if status > _SERVER_ERROR else _ROWS[400]
    return ServiceError(row.name, f"The request failed with status {status}.", status)
