"""OpenAI's `POST /v1/responses`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from genai_integrations.calls.reply import Reply
from genai_integrations.calls.wire import Spoken, Wire
from genai_integrations.gateway.dialects.chat import failure
from genai_integrations.gateway.dialects.dialect import Asked, Dialect, flag_of, model_of
from genai_integrations.gateway.dialects.responses.events import ResponseWriter
from genai_integrations.gateway.dialects.responses.items import is_openais_own, messages_of
from genai_integrations.gateway.dialects.responses.replies import response_of
from genai_integrations.gateway.dialects.responses.requests import params_of
from genai_integrations.gateway.dialects.writing import written
from genai_integrations.routing.streams import AsyncReplyStream


def request(body: Wire) -> Asked:
    """What a body asks.

    Raises:
        Refused: It cannot be meant, or is not served here.
    """
    params = params_of(body)
    messages = messages_of(body)
    if is_openais_own(body):
        params["spoken"] = Spoken("responses", body)
    return Asked(model_of(body), messages, params, flag_of(body, "stream"), body)


def reply(answer: Reply, asked: Asked) -> Wire:
    """The answer as a response."""
    return response_of(answer.wire, asked.body)


def events(stream: AsyncReplyStream, asked: Asked) -> AsyncGenerator[bytes]:
    """The answer as events."""
    return written(stream, ResponseWriter(asked.body))


DIALECT = Dialect("responses", request, reply, events, failure)
