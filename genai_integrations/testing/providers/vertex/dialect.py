"""Gemini on Vertex AI: its routes, access tokens and errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.providers.gemini.checks import check_generate
from genai_integrations.testing.providers.gemini.content import dump
from genai_integrations.testing.providers.gemini.dialect import GeminiDialect, Method
from genai_integrations.testing.providers.gemini.embeddings import (
    check_embed,
    check_predict,
    embed,
    predict,
)
from genai_integrations.testing.providers.gemini.errors import (
    VERTEX,
    GoogleError,
    error_info,
    error_of,
    wrong_token,
)
from genai_integrations.testing.providers.vertex.tokens import TokenEndpoint, TokenError
from genai_integrations.testing.server import Received

_UNAUTHORIZED = 401
_FORBIDDEN = 403
_TOO_MANY = 429
_SERVER_ERROR = 500
_JSON = {"content-type": "application/json; charset=utf-8"}


class VertexDialect(GeminiDialect):
    """Google's own models in a project and a location, and the endpoint that gives access tokens.

    A token of that endpoint counts as its service account: the account's e-mail address is what the provider's
    `api_keys` may hold. Any other token is a key as it is.

    Args:
        tokens: The endpoint for access tokens, if another dialect takes its tokens too.

    Attributes:
        tokens: The same.
    """

    path = re.compile(
        r".*?(?P<version>/v1(beta1)?)/(?P<where>projects/[^/]+/locations/[a-z0-9-]+/"
        r"(publishers/google/models|endpoints)/(?P<model>[^/:]+)):(?P<method>\w+)"
    )
    listing = re.compile(r"(?!)")
    methods: Mapping[str, Method] = {
        "generateContent": Method("VertexGenerate", check_generate),
        "streamGenerateContent": Method("VertexGenerate", check_generate),
        "embedContent": Method("Embed", lambda request, _: check_embed(request), embed),
        "predict": Method("Predict", check_predict, predict),
    }
    vertex = True

    def __init__(self, tokens: TokenEndpoint | None = None) -> None:
        self.tokens = tokens or TokenEndpoint()

    def recognises(self, request: Received) -> bool:
        """A model's path, or the endpoint for access tokens."""
        return super().recognises(request) or self.tokens.recognises(request)

    def key(self, request: Received) -> str | None:
        """The account that the token belongs to or that asks for one, else the token itself."""
        if self.tokens.recognises(request):
            return self.tokens.issuer(request)
        token = _bearer(request)
        return token and (self.tokens.owner(token) or token)

    def failure(self, request: Received, fault: Fault) -> Answer:
        """The usual body for the fault's code, else for its status."""
        if not self.tokens.recognises(request):
            return super().failure(request, fault)
        if fault.http_status == _UNAUTHORIZED:
            return _token_error(TokenError("invalid_grant", "Invalid grant: account not found"))
        kind = "internal_failure" if fault.http_status >= _SERVER_ERROR else "access_denied"
        error = TokenError(kind, fault.message or "The token could not be issued.")
        return _token_error(error, fault.http_status)

    def refusal(self, request: Received) -> Answer | None:
        """What Google checks before it asks a model or issues a token."""
        if not self.tokens.recognises(request):
            return super().refusal(request)
        try:
            self.tokens.check(request)
        except TokenError as error:
            return _token_error(error)
        return None

    def answer(self, request: Received, script: Script) -> Answer:
        """Content, embeddings or a token."""
        if self.tokens.recognises(request):
            return Answer(body=dump(self.tokens.issue(request)), headers=_JSON)
        return super().answer(request, script)

    def unauthenticated(self, request: Received) -> GoogleError:
        """What it says about a missing or a wrong token."""
        return wrong_token(missing=_bearer(request) is None)

    def not_found(self, request: Received) -> GoogleError:
        """What it says about a model that does not exist."""
        return GoogleError(
            f"Publisher Model `{self._resource(request)}` was not found or your project does not have access "
            "to it. Please ensure you are using a valid model version.",
            404,
        )

    def limits(self, request: Received, fault: Fault) -> tuple[GoogleError, Mapping[str, str]]:
        """The error of any other fault, and its headers: Vertex says nothing of its own about waiting."""
        asked: tuple[Any, ...] = (fault.http_status, fault.message, fault.code)
        if asked == (_FORBIDDEN, None, None):
            resource = self._resource(request)
            permission = "aiplatform.endpoints.predict"
            info = error_info("IAM_PERMISSION_DENIED", VERTEX, permission=permission)
            message = (
                f"Permission '{permission}' denied on resource '//{VERTEX}/{resource}' (or it may not "
                "exist)."
            )
            return GoogleError(message, 403, details=[info]), fault.headers
        if asked == (_TOO_MANY, None, None):
            message = "Resource exhausted. Please try again later."
            return GoogleError(message, 429), fault.headers
        return error_of(fault, self.model(request)), fault.headers

    def _resource(self, request: Received) -> str:
        match = self.path.fullmatch(request.path)
        return match["where"] if match else request.path


def _bearer(request: Received) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _token_error(error: TokenError, status: int = 400) -> Answer:
    return Answer(status, dump(error.as_dict()), _JSON)
