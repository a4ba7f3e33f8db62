"""OpenAI's Responses API: text, thoughts and calls, whole and streamed."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.dialect import Answer, Script
from genai_integrations.testing.providers.openai.chat import completion_of
from genai_integrations.testing.providers.openai.dialect import OpenAIDialect
from genai_integrations.testing.providers.openai.errors import ApiError
from genai_integrations.testing.providers.responses.chats import chat_of
from genai_integrations.testing.providers.responses.checks import check_response
from genai_integrations.testing.providers.responses.events import event, pieces_of
from genai_integrations.testing.providers.responses.output import response_of
from genai_integrations.testing.server import Received

_AZURE = re.compile(r".*/openai/(?P<version>v1/)?responses")
_PATH = re.compile(r".*/responses")
_JSON = {"content-type": "application/json"}
_FAILED = {"type": "error", "code": "server_error", "message": "The server had an error.", "param": None}  # fmt: skip


class ResponsesDialect(OpenAIDialect):
    """`POST {prefix}/responses`, Azure's addresses among them. Keys and errors are those of the rest of OpenAI's API.

    A scripted reply may be a whole response: a mapping with `output`.

    Args:
        also_accepts: Parameters beyond OpenAI's own, which compatible servers know.
    """

    def __init__(self, also_accepts: Iterable[str] = ()) -> None:
        super().__init__(frozenset(also_accepts))

    def recognises(self, request: Received) -> bool:
        """Whether the path is that of the Responses API."""
        return _PATH.fullmatch(request.path) is not None

    def refusal(self, request: Received) -> Answer | None:
        """What OpenAI checks before it asks a model."""
        try:
            _check_address(request)
            check_response(request.body, self.also_accepts)
        except ApiError as error:
            body = json.dumps({"error": error.as_dict()}).encode()
            return Answer(error.status, body, _JSON, error_event=event(_FAILED))
        return None

    def failure(self, request: Received, fault: Fault) -> Answer:
        """The usual error, and its event."""
        return dataclasses.replace(super().failure(request, fault), error_event=event(_FAILED))

    def answer(self, request: Received, script: Script) -> Answer:
        """A response, as the chat completion for the same conversation would be."""
        body, chat = request.body, chat_of(request.body)
        reply: Any = script.reply
        if callable(reply):
            reply = reply(chat)
        texts = None
        if isinstance(reply, Mapping) and "output" in reply:
            response = {**response_of(None, body), **reply}
        else:
            scripted = dataclasses.replace(script, reply=reply)
            completion, texts = completion_of(chat, request.model or "", scripted)
            response = response_of(completion, body)
        if not body.get("stream"):
            return Answer(body=_dump(response), headers=_JSON, error_event=event(_FAILED))
        return Answer(
            headers={"content-type": "text/event-stream; charset=utf-8"},
            pieces=pieces_of(response, texts),
            error_event=event(_FAILED),
        )


def _check_address(request: Received) -> None:
    """Azure has one address with a date and one without."""
    azure = _AZURE.fullmatch(request.path)
    if request.method != "POST":
        raise ApiError(f"Invalid URL ({request.method} {request.path})", 405)
    if azure and not azure["version"] and "api-version" not in request.query:
        raise ApiError("Resource not found", 404, code="404")
    if not isinstance(request.body, dict):
        raise ApiError("We could not parse the JSON body of your request.", 400)


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
