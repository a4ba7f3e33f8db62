"""Anthropic's wire dialect: routes, keys, versions and errors of the Messages API."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.anthropic.checks import LATEST, check_request
from genai_integrations.testing.providers.anthropic.errors import (
    INVALID,
    OVERLOADED,
    RefusalError,
    dump,
    error_body,
    missing,
    words_for,
)
from genai_integrations.testing.providers.anthropic.messages import framed, message_of, pieces_of
from genai_integrations.testing.providers.anthropic.models import check_model
from genai_integrations.testing.providers.anthropic.script import draft_of
from genai_integrations.testing.providers.anthropic.usage import (
    PromptCache,
    output_tokens,
    overridden,
)
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.server import Received

_NUMBERS = itertools.count(1)
_MESSAGES = re.compile(r"(?P<prefix>(?:/.*)?)/v1/messages")
_MODELS = re.compile(r"(?:/.*)?/v1/models")
_VERSIONS = ("2023-01-01", "2023-06-01", LATEST)
_JSON = {"content-type": "application/json"}
_UNAUTHORIZED = 401
_RATE_LIMITED = 429


class AnthropicDialect:
    """Messages and the list of models, under any prefix of the path.

    Thinking is signed, and a signature that comes back must be one that a scripted server gave. Prompts that are
    marked with `cache_control` are cached. What only some models refuse, such as a temperature, is refused for models
    whose names say which version they are.
    """

    vendor = ""
    """What the ids carry on a cloud: `vrtx_` on Vertex."""

    def __init__(self) -> None:
        self._cache = PromptCache()

    def recognises(self, request: Received) -> bool:
        """Whatever ends in `/messages`, and the list of models for who names a version of the API."""
        listed = request.path.endswith("/models") and "anthropic-version" in request.headers
        return listed or request.path.endswith("/messages")

    def model(self, request: Received) -> str | None:
        """`model` in the body."""
        model = request.body.get("model") if isinstance(request.body, dict) else None
        return model if isinstance(model, str) else None

    def key(self, request: Received) -> str | None:
        """The `x-api-key`, else the bearer token."""
        return request.headers.get("x-api-key") or bearer(request)

    def failure(self, request: Received, fault: Fault) -> Answer:
        """The usual body for the fault's code, else for its status."""
        kind, message = words_for(fault, request.model or "")
        if fault.http_status == _UNAUTHORIZED and fault.message is None:
            if self.key(request) is None:
                message = "x-api-key header is required"
            elif "x-api-key" not in request.headers:
                message = "Invalid bearer token"
        headers = dict(fault.headers)
        if fault.http_status == _RATE_LIMITED:
            limits = {"limit": "3", "remaining": "0"}
            headers |= {f"anthropic-ratelimit-requests-{k}": v for k, v in limits.items()}
        return self._error(kind, message, fault.http_status, headers)

    def refusal(self, request: Received) -> Answer | None:
        """What Anthropic checks before it asks a model."""
        try:
            self._check(request)
        except RefusalError as error:
            return self._error(error.kind, error.message, error.status)
        return None

    def answer(self, request: Received, script: Script) -> Answer:
        """A message or the list of models."""
        if request.method == "GET":
            return Answer(body=dump(_models(script.models)), headers=self._headers()[0] | _JSON)
        body, model = request.body, request.model or ""
        draft = draft_of(body, script, f"toolu_{self.vendor}01")
        counted = self._cache.count(body, model) | output_tokens(draft.blocks)
        usage = overridden(counted, draft.usage)
        head = {"model": model, "id": f"msg_{self.vendor}01{next(_NUMBERS):022d}"}
        headers, request_id = self._headers()
        if not body.get("stream"):
            failed = error_body("api_error", "Internal server error", request_id)
            whole = dump(message_of(draft, head, usage))
            return Answer(body=whole, headers=headers | _JSON, error_event=failed)
        return Answer(
            headers=headers | {"content-type": "text/event-stream; charset=utf-8"},
            pieces=pieces_of(draft, head, usage),
            error_event=framed("error", error_body(*OVERLOADED, request_id)),
        )

    def _check(self, request: Received) -> None:
        if request.method == "GET" and _MODELS.fullmatch(request.path):
            check_version(request)
            return
        route = _MESSAGES.fullmatch(request.path)
        # Clients that add the version to an address that has it already get nowhere with the real API.
        if route is None or route["prefix"].endswith("/v1"):
            raise RefusalError("Not Found", 404, "not_found_error")
        if request.method != "POST":
            raise RefusalError("Method Not Allowed", 405)
        check_version(request)
        body = body_of(request)
        if "model" not in body:
            raise missing("model")
        if not request.model:
            raise RefusalError("model: String should have at least 1 character")
        version = request.headers["anthropic-version"]
        check_request(body, betas(request), version=version)
        check_model(body, request.model)

    def _headers(self) -> tuple[dict[str, str], str]:
        request_id = f"req_{self.vendor}011{next(_NUMBERS):021d}"
        return {"request-id": request_id}, request_id

    def _error(
        self, kind: str, message: str, status: int, headers: Mapping[str, str] | None = None
    ) -> Answer:
        known, request_id = self._headers()
        body = error_body(kind, message, request_id)
        return Answer(status, body, {**known, **_JSON, **(headers or {})}, error_event=body)


def bearer(request: Received) -> str | None:
    """The bearer token, if there is one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def betas(request: Received) -> Collection[str]:
    """The betas that a request asks for in its header."""
    return [name.strip() for name in request.headers.get("anthropic-beta", "").split(",")]


def body_of(request: Received) -> Mapping[str, object]:
    """The body, if it is an object.

    Raises:
        RefusalError: It is none.
    """
    if request.malformed:
        raise RefusalError("The request body is not valid JSON")
    if not isinstance(request.body, dict):
        raise RefusalError("Input should be an object")
    return request.body


def check_version(request: Received) -> None:
    """Refuse a request without the version of the API.

    Raises:
        RefusalError: The header is missing or names no version.
    """
    version = request.headers.get("anthropic-version")
    if version is None:
        raise RefusalError("anthropic-version: header is required", kind=INVALID)
    if version not in _VERSIONS:
        raise RefusalError(f'anthropic-version: "{version}" is not a valid version')


def _models(names: Collection[str]) -> dict[str, object]:
    rows = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}
        for name in names
    ]
    ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]}
    return {"data": rows, "has_more": False, **ends}
