"""Answers, streams and errors as OpenAI's HTTP API has them: for whoever speaks it to a program.

Pure functions, so that a door of HTTP and an SDK in the same process say the same.
"""

from __future__ import annotations

import array
import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import (
    AllTargetsFailedError,
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    CallError,
    ConfigurationError,
    ContentFilteredError,
    ContextWindowExceededError,
    GenAIError,
    LimitError,
    NotFoundError,
    OutOfCreditError,
    PromptNotFoundError,
    PromptVariableError,
    RateLimitError,
    RequestTimeoutError,
    UnknownModelError,
)
from genai_integrations.runtime import jsonbytes

DONE = b"data: [DONE]\n\n"
"""The end of a stream."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error is over HTTP.

    Attributes:
        status: HTTP status.
        body: `{"error": {"message", "type", "param", "code"}}`.
        headers: `retry-after`, where a provider asked to wait.
    """

    status: int
    body: Wire
    headers: Mapping[str, str]


_INVALID = "invalid_request_error"
_SERVER = "server_error"

_FAILURES: tuple[tuple[type[GenAIError], int, str, str | None], ...] = (
    # The first row that fits counts, so a subclass comes before its base. Words: platform.openai.com, "Error codes".
    (UnknownModelError, 404, _INVALID, "model_not_found"),
    (PromptNotFoundError, 404, _INVALID, "prompt_not_found"),
    (PromptVariableError, 400, _INVALID, None),
    (ConfigurationError, 400, _INVALID, None),
    (BudgetExceededError, 429, "insufficient_quota", "insufficient_quota"),
    (LimitError, 429, "rate_limit_error", "rate_limit_exceeded"),
    (ContextWindowExceededError, 400, _INVALID, "context_length_exceeded"),
    (ContentFilteredError, 400, _INVALID, "content_filter"),
    (BadRequestError, 400, _INVALID, None),
    (AuthenticationError, 401, "authentication_error", "invalid_api_key"),
    (OutOfCreditError, 429, "insufficient_quota", "insufficient_quota"),
    (RateLimitError, 429, "rate_limit_error", "rate_limit_exceeded"),
    (NotFoundError, 404, _INVALID, "model_not_found"),
    (RequestTimeoutError, 504, _SERVER, "timeout"),
    (APIConnectionError, 502, _SERVER, None),
    (CallError, 502, _SERVER, None),
    (GenAIError, 500, _SERVER, None),
)
"""Class, HTTP status, `type` and `code`. What a provider itself said of a refused request is told in their place."""

_ALL_FAILED = 503
"""Several targets failed, for different reasons: the same request may succeed later."""


def failure(error: GenAIError) -> Failure:
    """The status and body for an error of ours; its message holds no secret."""
    status, kind, code = _kind(error)
    told: Wire = {"message": str(error), "type": kind, "param": None, "code": code}
    if isinstance(error, CallError):
        told["param"], told["code"] = error.param, error.code or code
        if isinstance(error, BadRequestError) and error.status is not None:
            status = error.status
    return Failure(status, {"error": told}, _wait(error))


def _kind(error: GenAIError) -> tuple[int, str, str | None]:
    if isinstance(error, AllTargetsFailedError):
        kinds = {_kind(cause) for cause in error.attempts}
        return kinds.pop() if len(kinds) == 1 else (_ALL_FAILED, _SERVER, None)
    return next(row[1:] for row in _FAILURES if isinstance(error, row[0]))


def _wait(error: GenAIError) -> dict[str, str]:
    seconds = getattr(error, "retry_after", None)
    return {} if seconds is None else {"retry-after": f"{max(seconds, 0):g}"}


def event(data: Wire) -> bytes:
    """One event of a stream: a chunk, or the body of a `Failure`."""
    return b"data: " + jsonbytes.dumps(data) + b"\n\n"


def wants_usage(body: Mapping[str, Any]) -> bool:
    """Whether a request for a stream asks for the last chunk, which has the usage and no choices."""
    options = body.get("stream_options")
    return isinstance(options, Mapping) and bool(options.get("include_usage"))


def is_shown(chunk: Wire, *, usage: bool) -> bool:
    """Whether a chunk is one that OpenAI would send.

    Programs take the first choice of each chunk, so one without a choice goes to those who asked for usage.
    """
    return usage or bool(chunk.get("choices"))


def route_headers(route: Route) -> dict[str, str]:
    """Who answered, what it cost in US dollars, and what a cache had to do with it, as far as is known by now."""
    told: dict[str, str] = {"x-genai-cache": route.cache.status}
    if route.served is not None:
        told["x-genai-target"] = _ascii(route.served)
    if (cost := route.cost) is not None:
        told["x-genai-cost"] = f"{cost:.8f}"
    return told


def _ascii(name: str) -> str:
    """A connection may have any name, and a header may not."""
    return name.encode("ascii", "backslashreplace").decode()


def models_body(names: Iterable[str]) -> Wire:
    """The list of models: those that connections list, as `connection/model`."""
    return {"object": "list", "data": [model_body(name) for name in names]}


def model_body(name: str) -> Wire:
    """One of them."""
    owner = name.partition("/")[0]
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}


def with_base64(reply: Wire) -> Wire:
    """Embeddings as little-endian 32-bit floats in base64: `encoding_format="base64"`, which OpenAI's SDK asks for.

    Asked of no target, because not each of them knows it.
    """
    rows = [{**row, "embedding": _base64(row["embedding"])} for row in reply["data"]]
    return {**reply, "data": rows}


def _base64(vector: Any) -> Any:
    if not isinstance(vector, list):
        return vector
    numbers = array.array("f", vector)
    if _IS_BIG_ENDIAN:
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


_IS_BIG_ENDIAN = array.array("H", [1]).tobytes() == b"\x00\x01"
