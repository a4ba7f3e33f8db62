"""A stream of the client's as the events of the API that it was asked for in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from genai_integrations.apis.responses.events import ResponseWriter
from genai_integrations.apis.writing import awritten, written
from genai_integrations.calls.openai_http import DONE, event, failure, is_shown, wants_usage
from genai_integrations.calls.reply import Chunk
from genai_integrations.errors import GenAIError
from genai_integrations.openai_sdk.asking import RESPONSES, Asked
from genai_integrations.routing.streams import AsyncReplyStream, ReplyStream


def events(stream: ReplyStream, asked: Asked) -> Generator[bytes]:
    """The body of a stream, event by event. One that breaks ends with the API's own event for that."""
    if asked.path == RESPONSES:
        return written(stream, ResponseWriter(asked.body))
    return _chat(stream, usage=wants_usage(asked.body))


def aevents(stream: AsyncReplyStream, asked: Asked) -> AsyncGenerator[bytes]:
    """As `events`, for event loops."""
    if asked.path == RESPONSES:
        return awritten(stream, ResponseWriter(asked.body))
    return _achat(stream, usage=wants_usage(asked.body))


def _chat(stream: ReplyStream, *, usage: bool) -> Generator[bytes]:
    broken = None
    try:
        for chunk in stream:
            if data := _shown(chunk, usage=usage):
                yield data
    except GenAIError as error:
        broken = error
    yield _last(broken)


async def _achat(stream: AsyncReplyStream, *, usage: bool) -> AsyncGenerator[bytes]:
    broken = None
    try:
        async for chunk in stream:
            if data := _shown(chunk, usage=usage):
                yield data
    except GenAIError as error:
        broken = error
    yield _last(broken)


def _shown(chunk: Chunk, *, usage: bool) -> bytes:
    """What is sent of a chunk; nothing of those that OpenAI would not send."""
    return event(chunk.wire) if is_shown(chunk.wire, usage=usage) else b""


def _last(error: GenAIError | None) -> bytes:
    return DONE if error is None else event(failure(error).body)
