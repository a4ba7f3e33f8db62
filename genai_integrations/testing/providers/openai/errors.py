"""What OpenAI says when it refuses a request."""

from __future__ import annotations

from collections.abc import Sequence


class ApiError(Exception):
    """A refusal, in the parts of OpenAI's error object."""

    def __init__(
        self,
        message: str,
        status: int,
        kind: str | None = "invalid_request_error",
        *,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code

    def as_dict(self) -> dict[str, object]:
        """The `error` of the reply's body."""
        return {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }


def missing(name: str) -> ApiError:
    """Something that must be given is not."""
    message = f"Missing required parameter: '{name}'."
    return ApiError(message, 400, param=name, code="missing_required_parameter")


def invalid(name: str, what: str, code: str) -> ApiError:
    """Something is not as it must be."""
    return ApiError(f"Invalid '{name}': {what}.", 400, param=name, code=code)


def wrong_value(name: str, value: object, supported: Sequence[str]) -> ApiError:
    """Something is none of the values that there are."""
    known = ", ".join(repr(row) for row in supported)
    message = f"Invalid value: '{value}'. Supported values are: {known}."
    return ApiError(message, 400, param=name, code="invalid_value")
