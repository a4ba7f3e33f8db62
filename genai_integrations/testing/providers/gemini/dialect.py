"""Google AI Studio's wire dialect: routes, keys and errors; what Vertex shares with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.providers.gemini.checks import check_generate
from genai_integrations.testing.providers.gemini.content import (
    Framing,
    blocked_reply,
    chunks_of,
    dump,
    reply_of,
)
from genai_integrations.testing.providers.gemini.draft import draft_of
from genai_integrations.testing.providers.gemini.embeddings import (
    check_batch,
    check_embed,
    embed,
    embed_batch,
)
from genai_integrations.testing.providers.gemini.errors import (
    MID_STREAM,
    GoogleError,
    error_of,
    missing_api_key,
    rate_limit,
    wrong_api_key,
)
from genai_integrations.testing.providers.gemini.shapes import read
from genai_integrations.testing.server import Received

_UNAUTHORIZED = 401
_NOT_FOUND = 404
_TOO_MANY = 429
_JSON = {"content-type": "application/json; charset=UTF-8"}
_STREAM = "streamGenerateContent"
_PAGE = (
    b"<!DOCTYPE html>\n<title>Error 404 (Not Found)!!1</title>\n<p><b>404.</b> That's an error.\n"
)


class Method(NamedTuple):
    """One thing that a model can be asked.

    Attributes:
        shape: The request's message.
        check: What refuses a wrong one.
        answer: What answers a good one; None for content, which has its own way.
    """

    shape: str
    check: Callable[[Mapping[str, object], str], None]
    answer: Callable[[Mapping[str, Any], str], dict[str, Any]] | None = None


class GeminiDialect:
    """Content, streams of it, embeddings and the list of models, under any prefix of the path.

    A wrong key gets the 400 that AI Studio gives, whether the server or a fault finds it wrong. How long to
    wait after a 429 is said in the body, as AI Studio does, not in a header.
    """

    path = re.compile(
        r"(?!.*/publishers/).*?(?P<version>/v1(beta|alpha)?)?/models/(?P<model>[^/:]+):(?P<method>\w+)"
    )
    listing = re.compile(r".*/v1(beta|alpha)/models(/(?P<model>[^/:]+))?/?")
    methods: Mapping[str, Method] = {
        "generateContent": Method("Generate", check_generate),
        _STREAM: Method("Generate", check_generate),
        "embedContent": Method("Embed", lambda request, _: check_embed(request), embed),
        "batchEmbedContents": Method("BatchEmbed", check_batch, embed_batch),
    }
    vertex = False

    def recognises(self, request: Received) -> bool:
        """A model and a method in one step of the path, or the list of models."""
        listed = request.method == "GET" and self.listing.fullmatch(request.path)
        return bool(self.path.fullmatch(request.path) or listed)

    def model(self, request: Received) -> str | None:
        """The one in the path."""
        match = self.path.fullmatch(request.path)
        return unquote(match["model"]) if match else None

    def key(self, request: Received) -> str | None:
        """The key's own header, else the `key` of the query."""
        return request.headers.get("x-goog-api-key") or request.query.get("key") or None

    def failure(self, request: Received, fault: Fault) -> Answer:
        """The usual body for the fault's code, else for its status; a refused prompt is a reply."""
        if fault.code == "content_filter":
            return self._blocked(request, fault)
        if (fault.http_status, fault.code, fault.message) == (_UNAUTHORIZED, None, None):
            return self._refuse(request, self.unauthenticated(request))
        if (fault.http_status, fault.code, fault.message) == (_NOT_FOUND, None, None):
            return self._refuse(request, self.not_found(request))
        return self._refuse(request, *self.limits(request, fault))

    def refusal(self, request: Received) -> Answer | None:
        """What Google checks before it asks a model."""
        match = self.path.fullmatch(request.path)
        if match and match["version"] is None:
            return Answer(404, _PAGE, {"content-type": "text/html; charset=UTF-8"})
        try:
            self._check(request)
        except GoogleError as error:
            return self._refuse(request, error)
        return None

    def answer(self, request: Received, script: Script) -> Answer:
        """Content, embeddings or the list of models."""
        model = self.model(request)
        if model is None:
            return _json(self._models(request, script))
        name, method = self._method(request)
        body = read(request.body, method.shape)
        if method.answer is not None:
            return _json(method.answer(body, model))
        draft = draft_of(request.body, body, script)
        reply = reply_of(draft, body, model, vertex=self.vertex)
        return self._content(request, reply, draft.pieces if name == _STREAM else None)

    def unauthenticated(self, request: Received) -> GoogleError:
        """What it says about a missing or a wrong key."""
        return missing_api_key() if self.key(request) is None else wrong_api_key()

    def not_found(self, request: Received) -> GoogleError:
        """What it says about a model that does not exist."""
        match = self.path.fullmatch(request.path)
        method = match["method"] if match else "generateContent"
        version = (match["version"] if match else None) or "/v1beta"
        return GoogleError(
            f"models/{self.model(request)} is not found for API version {version[1:]}, or is not supported "
            f"for {method}. Call ListModels to see the list of available models.",
            404,
        )

    def limits(self, request: Received, fault: Fault) -> tuple[GoogleError, Mapping[str, str]]:
        """The error of any other fault, and its headers."""
        if fault.http_status == _TOO_MANY and fault.code is None:
            kept = {k: v for k, v in fault.headers.items() if not k.startswith("retry-after")}
            return rate_limit(fault, self.model(request)), kept
        return error_of(fault, self.model(request)), fault.headers

    def _method(self, request: Received) -> tuple[str, Method]:
        match = self.path.fullmatch(request.path)
        name = match["method"] if match else ""
        if name not in self.methods or request.method != "POST":
            raise self.not_found(request)
        return name, self.methods[name]

    def _check(self, request: Received) -> None:
        model = self.model(request)
        if model is None:
            return
        _, method = self._method(request)
        method.check(read(request.body, method.shape), model)

    def _blocked(self, request: Received, fault: Fault) -> Answer:
        try:
            _, method = self._method(request)
            body = read(request.body, method.shape)
        except GoogleError as error:
            return self._refuse(request, error)
        said = "The prompt could not be submitted: it may violate the policies."
        message = fault.message or (said if self.vertex else None)
        return self._content(request, blocked_reply(body, self.model(request) or "", message), None)

    def _content(self, request: Received, reply: Mapping[str, Any], texts: Any) -> Answer:
        framing = _framing(request)
        if framing is None:
            return _json(reply)
        return Answer(
            headers={"content-type": framing.content_type},
            pieces=framing.frame(chunks_of(reply, texts)),
            error_event=framing.error(MID_STREAM.as_dict()),
        )

    def _refuse(
        self, request: Received, error: GoogleError, headers: Mapping[str, str] | None = None
    ) -> Answer:
        framing = _framing(request)
        # A stream that is a JSON array is one also when all it holds is an error.
        body: Any = error.as_dict() if framing is None or framing.sse else [error.as_dict()]
        return _json(body, error.code, headers)

    def _models(self, request: Received, script: Script) -> dict[str, Any]:
        match = self.listing.fullmatch(request.path)
        rows = [
            {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": list(self.methods)}
            for name in script.models
        ]  # fmt: skip
        if match is None or match["model"] is None:
            return {"models": rows}
        wanted = f"models/{unquote(match['model'])}"
        return next((row for row in rows if row["name"] == wanted), {"name": wanted})


def _framing(request: Received) -> Framing | None:
    streams = request.path.endswith(f":{_STREAM}")
    return Framing(request.query.get("alt") == "sse") if streams else None


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    error = dump(MID_STREAM.as_dict(), 2)
    return Answer(status, dump(value, 2), {**_JSON, **(headers or {})}, error_event=error)
