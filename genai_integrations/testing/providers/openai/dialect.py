"""OpenAI's wire dialect, and Azure's way of addressing it: routes, keys and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.providers.embeddings import as_base64, vector_of
from genai_integrations.testing.providers.openai.chat import completion_of, error_piece, pieces_of
from genai_integrations.testing.providers.openai.checks import (
    check_chat,
    check_embedding,
)
from genai_integrations.testing.providers.openai.errors import ApiError
from genai_integrations.testing.server import Received

_AZURE = re.compile(r".*/deployments/(?P<model>[^/]+)/(?P<what>chat/completions|embeddings)")
_OPENAI = re.compile(r".*?/?(?P<what>chat/completions|embeddings|models)")
_METHODS = {"chat/completions": "POST", "embeddings": "POST", "models": "GET"}

_BAD = "invalid_request_error"
_UNAUTHORIZED = 401
_SERVER_ERROR = 500
_SHORT_KEY = 12
_ROWS: dict[int, ApiError] = {
    400: ApiError("We could not process your request.", 400),
    401: ApiError("Incorrect API key provided.", 401, code="invalid_api_key"),
    402: ApiError("Insufficient credits.", 402, code="402"),
    403: ApiError(
        "Country, region, or territory not supported", 403, "request_forbidden",
        code="unsupported_country_region_territory",
    ),
    404: ApiError(
        "The model `{model}` does not exist or you do not have access to it.", 404,
        code="model_not_found",
    ),
    422: ApiError("Unprocessable entity.", 422),
    429: ApiError(
        "Rate limit reached for {model} on requests per min (RPM): Limit 3, Used 3, Requested 1.",
        429, "requests", code="rate_limit_exceeded",
    ),
    500: ApiError("The server had an error while processing your request.", 500, "server_error"),
    503: ApiError("The engine is currently overloaded, please try again later.", 503, "server_error"),
}  # fmt: skip
_CODES: dict[str, ApiError] = {
    "insufficient_quota": ApiError(
        "You exceeded your current quota, please check your plan and billing details.", 429,
        "insufficient_quota", code="insufficient_quota",
    ),
    "context_length_exceeded": ApiError(
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 "
        "tokens. Please reduce the length of the messages.", 400,
        param="messages", code="context_length_exceeded",
    ),
    "content_filter": ApiError(
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
        "Please modify your prompt and retry.", 400, None, param="prompt", code="content_filter",
    ),
}  # fmt: skip
_FILTER_RESULT = {
    "code": "ResponsibleAIPolicyViolation",
    "content_filter_result": {
        "hate": {"filtered": False, "severity": "safe"},
        "jailbreak": {"filtered": False, "detected": False},
        "self_harm": {"filtered": False, "severity": "safe"},
        "sexual": {"filtered": False, "severity": "safe"},
        "violence": {"filtered": True, "severity": "high"},
    },
}
_AZURE_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key "
    "for an active subscription and use a correct regional API endpoint for your resource."
)


class OpenAIDialect:
    """Chat completions, embeddings and the list of models, under any prefix of the path.

    Args:
        also_accepts: Keys beyond OpenAI's own, which compatible servers know: of a request, its messages, tools.
    """

    def __init__(self, also_accepts: frozenset[str] = frozenset()) -> None:
        self.also_accepts = also_accepts

    def recognises(self, request: Received) -> bool:  # noqa: ARG002 - the fallback asks nothing
        """Everything: what no other dialect claims gets OpenAI's own 404."""
        return True

    def model(self, request: Received) -> str | None:
        """The deployment of Azure's path, else `model` in the body."""
        azure = _AZURE.fullmatch(request.path)
        if azure is not None:
            return unquote(azure["model"])
        model = request.body.get("model") if isinstance(request.body, dict) else None
        return model if isinstance(model, str) else None

    def key(self, request: Received) -> str | None:
        """The `api-key` of Azure, else the bearer token."""
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        return request.headers.get("api-key") or bearer or None

    def failure(self, request: Received, fault: Fault) -> Answer:
        """The usual body for the fault's code, else for its status."""
        status, code = fault.http_status, fault.code
        if (status, code, fault.message) == (_UNAUTHORIZED, None, None):
            return self._wrong_key(request)
        row = _CODES.get(code or "") or _ROWS.get(status)
        if row is None:
            kind = "server_error" if status >= _SERVER_ERROR else _BAD
            row = ApiError(f"The request failed with status {status}.", status, kind, code=code)
        message = fault.message or row.message.replace("{model}", request.model or "")
        inner = {"innererror": _FILTER_RESULT} if code == "content_filter" else {}
        error = {**row.as_dict(), "message": message, "code": code or row.code, **inner}
        if inner:
            error["status"] = status
        return _json({"error": error}, status, fault.headers)

    def refusal(self, request: Received) -> Answer | None:
        """What OpenAI checks before it asks a model."""
        try:
            self._check(request)
        except ApiError as error:
            return _json({"error": error.as_dict()}, error.status)
        return None

    def answer(self, request: Received, script: Script) -> Answer:
        """A completion, embeddings or the list of models."""
        what = _what(request)
        if what == "models":
            rows = [{"id": name, "object": "model", "created": 1686935002, "owned_by": script.speaker}
                    for name in script.models]  # fmt: skip
            return _json({"object": "list", "data": rows})
        if what == "embeddings":
            return _json(_embeddings(request))
        azure = _AZURE.fullmatch(request.path) is not None
        completion, texts = completion_of(request.body, request.model or "", script, azure=azure)
        if not request.body.get("stream"):
            return Answer(body=_dump(completion), headers=_JSON, error_event=_dump(_MID_STREAM))
        usage = bool((request.body.get("stream_options") or {}).get("include_usage"))
        return Answer(
            headers={"content-type": "text/event-stream; charset=utf-8"},
            pieces=pieces_of(completion, texts, include_usage=usage),
            error_event=error_piece(_MID_STREAM),
        )

    def _wrong_key(self, request: Received) -> Answer:
        if _AZURE.fullmatch(request.path):
            return _json({"error": {"code": "401", "message": _AZURE_KEY}}, 401)
        key = self.key(request)
        if key is None:
            message = "You didn't provide an API key."
            return _json({"error": {**_ROWS[401].as_dict(), "message": message, "code": None}}, 401)
        shown = f"{key[:3]}{'*' * 8}{key[-4:]}" if len(key) > _SHORT_KEY else "*" * len(key)
        error = {**_ROWS[401].as_dict(), "message": f"Incorrect API key provided: {shown}."}
        return _json({"error": error}, 401)

    def _check(self, request: Received) -> None:
        what = _what(request)
        if what is None or request.method != _METHODS[what]:
            status = 404 if what is None else 405
            raise ApiError(f"Invalid URL ({request.method} {request.path})", status)
        azure = _AZURE.fullmatch(request.path) is not None
        if azure and "api-version" not in request.query:
            raise ApiError("Resource not found", 404, code="404")
        if what == "models":
            return
        if not isinstance(request.body, dict):
            raise ApiError("We could not parse the JSON body of your request.", 400)
        if not request.model:
            raise ApiError("you must provide a model parameter", 400, param="model")
        if what == "embeddings":
            check_embedding(request.body, request.model)
        else:
            check_chat(request.body, request.model, self.also_accepts)


_JSON = {"content-type": "application/json"}
_MID_STREAM = {"error": _ROWS[500].as_dict()}


def _what(request: Received) -> str | None:
    match = _AZURE.fullmatch(request.path) or _OPENAI.fullmatch(request.path.rstrip("/"))
    return match["what"] if match else None


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(
        status, _dump(value), {**_JSON, **(headers or {})}, error_event=_dump(_MID_STREAM)
    )


def _embeddings(request: Received) -> dict[str, Any]:
    body, model = request.body, request.model or ""
    given = body["input"]
    texts = given if isinstance(given, list) and not _is_tokens(given) else [given]
    size = body.get("dimensions") or (3072 if "3-large" in model else 1536)
    rows = []
    for index, text in enumerate(texts):
        vector = vector_of(text if isinstance(text, str) else json.dumps(text), size)
        packed = as_base64(vector) if body.get("encoding_format") == "base64" else vector
        rows.append({"object": "embedding", "index": index, "embedding": packed})
    tokens = sum(len(text.split() if isinstance(text, str) else text) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": model, "usage": usage}


def _is_tokens(given: list[object]) -> bool:
    return bool(given) and isinstance(given[0], int)
