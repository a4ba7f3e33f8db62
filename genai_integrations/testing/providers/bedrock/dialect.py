"""Bedrock's wire dialect: Converse, ConverseStream, and InvokeModel for embeddings."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.bedrock.checks import check_conversation
from genai_integrations.testing.providers.bedrock.embeddings import embedding_of
from genai_integrations.testing.providers.bedrock.errors import (
    JSON,
    MID_STREAM,
    ServiceError,
    failure_of,
    unknown_operation,
)
from genai_integrations.testing.providers.bedrock.frames import CONTENT_TYPE, encoded
from genai_integrations.testing.providers.bedrock.replies import blocked_reply, reply_of
from genai_integrations.testing.providers.bedrock.signature import proven_key
from genai_integrations.testing.providers.bedrock.stream import pieces_of
from genai_integrations.testing.providers.bedrock.usage import PromptCache
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.server import Received

_PATH = re.compile(
    r"(?:/[^/]+)*?/model/(?P<model>[^/]+)/"
    r"(?P<what>converse|converse-stream|invoke|invoke-with-response-stream)"
)
_STREAM = "converse-stream"
_UNAUTHORIZED = 401
_FAILED = failure_of(Fault.status(500)).body


class BedrockDialect:
    """Amazon Bedrock's runtime, under any prefix of the path.

    Args:
        keys: Gives the keys of the moment: `"<access key id>:<secret>"` or
            `"<access key id>:<secret>:<session token>"` for signed requests, anything without a colon for bearer
            tokens; None accepts any, and none at all.
    """

    def __init__(self, keys: Callable[[], Collection[str] | None]) -> None:
        self._keys = keys
        self._cache = PromptCache()

    def recognises(self, request: Received) -> bool:
        """What has Bedrock's path, or is signed for AWS."""
        signed = request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256")
        return signed or _PATH.fullmatch(request.path) is not None

    def model(self, request: Received) -> str | None:
        """The model of the path: its id, its inference profile's id, or an ARN."""
        match = _PATH.fullmatch(request.path)
        return unquote(match["model"]) if match else None

    def key(self, request: Received) -> str | None:
        """The key that the request proves to have."""
        try:
            return proven_key(request, self._keys() or ())
        except ServiceError:
            return None

    def failure(self, request: Received, fault: Fault) -> Answer:
        """The error for the fault; a prompt that is filtered is answered by a guardrail instead, with 200."""
        if (fault.http_status, fault.code, fault.message) == (_UNAUTHORIZED, None, None):
            return self._wrong_key(request)
        if fault.code == "content_filter" and fault.message is None and _is_chat(request):
            return _chat_answer(request, blocked_reply(request.body), None)
        return _numbered(failure_of(fault))

    def refusal(self, request: Received) -> Answer | None:
        """What Bedrock checks before it asks a model."""
        try:
            self._check(request)
        except ServiceError as error:
            return _numbered(error.answer())
        return None

    def answer(self, request: Received, script: Script) -> Answer:
        """An answer, a stream or embeddings."""
        model = request.model or ""
        if _what(request).startswith("invoke"):
            answer, tokens = embedding_of(model, request.body)
            counts = {
                "x-amzn-bedrock-input-token-count": str(tokens),
                "x-amzn-bedrock-invocation-latency": "12",
            }
            return _json(answer, counts)
        reply, texts = reply_of(request.body, model, script, self._cache)
        return _chat_answer(request, reply, texts)

    def _wrong_key(self, request: Received) -> Answer:
        keys = self._keys()
        if keys is not None:
            try:
                proven_key(request, keys)
            except ServiceError as error:
                return _numbered(error.answer())
        return _numbered(failure_of(Fault.unauthorized()))

    def _check(self, request: Received) -> None:
        what = _what(request)
        if not what or request.method != "POST":
            raise unknown_operation()
        if what.startswith("converse"):
            check_conversation(request.body, request.model or "")
        else:
            embedding_of(request.model or "", request.body)


def _what(request: Received) -> str:
    match = _PATH.fullmatch(request.path)
    return match["what"] if match else ""


def _is_chat(request: Received) -> bool:
    return _what(request).startswith("converse") and isinstance(request.body, dict)


def _chat_answer(request: Received, reply: Mapping[str, Any], texts: list[str] | None) -> Answer:
    if _what(request) != _STREAM:
        return _json(reply)
    pieces = pieces_of(reply, texts)
    return _numbered(
        Answer(headers={"content-type": CONTENT_TYPE}, pieces=pieces, error_event=MID_STREAM)
    )


def _json(value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return _numbered(
        Answer(body=encoded(value), headers={**JSON, **(headers or {})}, error_event=_FAILED)
    )


def _numbered(answer: Answer) -> Answer:
    return replace(answer, headers={"x-amzn-requestid": str(uuid.uuid4()), **answer.headers})
