"""OpenAI's `POST /v1/responses`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from genai_integrations.apis.responses.events import ResponseWriter
from genai_integrations.apis.responses.replies import response_of
from genai_integrations.apis.responses.requests import SAID_OTHERWISE, chat_of
from genai_integrations.apis.writing import awritten
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.wire import Wire
from genai_integrations.gateway.dialects.chat import failure
from genai_integrations.gateway.dialects.dialect import Asked, Dialect, flag_of, model_of, params_of
from genai_integrations.routing.streams import AsyncReplyStream


def request(body: Wire) -> Asked:
    """What a body asks.

    Raises:
        GenAIError: It cannot be meant, or is not served here.
    """
    messages, said = chat_of(body)
    params = {**params_of(body, SAID_OTHERWISE), **said}
    return Asked(model_of(body), messages, params, flag_of(body, "stream"), body)


def reply(answer: Reply, asked: Asked) -> Wire:
    """The answer as a response."""
    return response_of(answer.wire, asked.body)


def events(stream: AsyncReplyStream, asked: Asked) -> AsyncGenerator[bytes]:
    """The answer as events."""
    return awritten(stream, ResponseWriter(asked.body))


DIALECT = Dialect("responses", request, reply, events, failure)
