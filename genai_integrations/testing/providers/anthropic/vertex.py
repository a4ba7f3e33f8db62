"""Claude on Vertex AI: Anthropic's messages behind Google's addresses, tokens and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.anthropic.checks import LATEST, PARAMETERS, check_request
from genai_integrations.testing.providers.anthropic.dialect import (
    AnthropicDialect,
    bearer,
    betas,
    body_of,
)
from genai_integrations.testing.providers.anthropic.errors import RefusalError, missing, wrong
from genai_integrations.testing.providers.anthropic.models import check_model
from genai_integrations.testing.providers.dialect import Answer
from genai_integrations.testing.server import Received

_ROUTE = re.compile(
    r"(?:/.*?)?/(?P<resource>(?:projects/[^/]+/locations/[^/]+/)?publishers/anthropic/models/(?P<model>[^/:]+))"
    r":(?P<what>rawPredict|streamRawPredict)"
)
_VERSIONS = ("vertex-2023-10-16", LATEST)
_PARAMETERS = (PARAMETERS - {"model"}) | {"anthropic_version", "anthropic_beta"}

_UNAUTHORIZED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_METRIC = "aiplatform.googleapis.com/online_prediction_requests_per_base_model"
_GOOGLE: Mapping[int, tuple[str, str]] = {
    401: ("UNAUTHENTICATED", _UNAUTHORIZED),
    403: (
        "PERMISSION_DENIED",
        "Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/{resource}'.",
    ),
    404: (
        "NOT_FOUND",
        "Publisher Model `{resource}` was not found or your project does not have access to it.",
    ),
    429: (
        "RESOURCE_EXHAUSTED",
        "Quota exceeded for {metric} with base model: anthropic-{model}. Please submit a quota increase request.",
    ),
    500: ("INTERNAL", "Internal error encountered."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}  # fmt: skip


class VertexClaudeDialect(AnthropicDialect):
    """`publishers/anthropic/models/<model>:rawPredict` and `:streamRawPredict`, under any prefix of the path.

    What Google checks before it asks Anthropic fails in Google's shape, the rest in Anthropic's.

    Args:
        owner: Whose an access token is, so that accounts can be accepted as keys; None for a token from elsewhere.
    """

    vendor = "vrtx_"

    def __init__(self, owner: Callable[[str], str | None] | None = None) -> None:
        super().__init__()
        self._owner = owner

    def recognises(self, request: Received) -> bool:
        """Models of the publisher Anthropic."""
        return _ROUTE.fullmatch(request.path) is not None

    def model(self, request: Received) -> str | None:
        """The model of the path."""
        route = _ROUTE.fullmatch(request.path)
        return unquote(route["model"]) if route else None

    def key(self, request: Received) -> str | None:
        """The account that the bearer token belongs to, else the token itself."""
        token = bearer(request)
        owner = self._owner(token) if token and self._owner else None
        return owner or token

    def failure(self, request: Received, fault: Fault) -> Answer:
        """Google's error for the status, or Anthropic's where Google has none."""
        row = _GOOGLE.get(fault.http_status)
        # A limit of Anthropic's own, and anything with a code of its own, comes from behind Google.
        if row is None or fault.code not in {None, "insufficient_quota"}:
            return super().failure(request, fault)
        route = _ROUTE.fullmatch(request.path)
        assert route is not None
        resource, model = unquote(route["resource"]), unquote(route["model"]).partition("@")[0]
        words = row[1].format(resource=resource, model=model, metric=_METRIC)
        message = fault.message or words
        error: object = {"error": {"code": fault.http_status, "message": message, "status": row[0]}}
        # What answers in streams answers errors as the first element of a list.
        error = [error] if route["what"] == "streamRawPredict" else error
        body = json.dumps(error, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
        headers = {"content-type": "application/json; charset=UTF-8", **fault.headers}
        return Answer(fault.http_status, body, headers, error_event=body)

    def _check(self, request: Received) -> None:
        if request.method != "POST":
            raise RefusalError("Method Not Allowed", 405)
        body = body_of(request)
        if "anthropic_version" not in body:
            raise missing("anthropic_version")
        version = body["anthropic_version"]
        if version not in _VERSIONS:
            raise wrong("anthropic_version", " or ".join(map(repr, _VERSIONS)))
        asked = body.get("anthropic_beta") or []
        if not isinstance(asked, list):
            raise wrong("anthropic_beta", "a valid list")
        named = [*betas(request), *map(str, asked)]
        check_request(body, named, _PARAMETERS, version=version)
        check_model(body, request.model or "")
