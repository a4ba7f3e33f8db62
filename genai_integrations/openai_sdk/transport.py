"""httpx transports that answer OpenAI's SDK by a client of ours: nothing leaves the process but what the router sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from genai_integrations.calls.openai_http import (
    DONE,
    event,
    failure,
    is_shown,
    json_of,
    route_headers,
    wants_usage,
)
from genai_integrations.calls.reply import Chunk, Reply
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import GenAIError, RequestTimeoutError
from genai_integrations.openai_sdk.asking import (
    CHAT,
    EMBEDDINGS,
    EVENTS,
    JSON,
    MODELS,
    Asked,
    Client,
    asked,
    embedded,
    failed,
    listed,
    never_came,
    unknown_path,
)
from genai_integrations.routing.streams import AsyncReplyStream, ReplyStream


class _Question(NamedTuple):
    """What is asked of a client.

    Attributes:
        ask: Asks it from a thread.
        aask: Asks the same from an event loop.
        given: Positional arguments of either.
        params: The others.
    """

    ask: Callable[..., Any]
    aask: Callable[..., Awaitable[Any]]
    given: tuple[Any, ...]
    params: Mapping[str, Any]


class _Http:
    """What both transports share.

    Args:
        client: Answers.
        httpx: The module whose classes the SDK uses.
    """

    def __init__(self, client: Client, httpx: ModuleType) -> None:
        self._client = client
        self._httpx = httpx

    def _asked(self, request: Any, content: bytes) -> Asked:
        timeout = request.extensions.get("timeout") or {}
        return asked(request.url.path, content, request.headers, timeout)

    def _question(self, asked: Asked) -> _Question:
        """What a request asks of the client."""
        client, model = self._client, asked.body.get("model", "")
        if asked.path == CHAT:
            messages = asked.body.get("messages")
            given = (model, messages, asked.stream)
            return _Question(client.completion, client.acompletion, given, asked.params)
        if asked.path == EMBEDDINGS:
            texts = asked.body.get("input")
            return _Question(client.embedding, client.aembedding, (model, texts), asked.params)
        if asked.path.partition("/")[0] == MODELS:
            return _Question(listed, _alisted, (client, asked.path), {})
        raise unknown_path(asked.path)

    def _told(self, asked: Asked, found: Any, events: Callable[[ModuleType], Any]) -> Any:
        """The response for what the client has found."""
        if isinstance(found, Reply):
            is_embedding = asked.path == EMBEDDINGS
            return self._answer(
                embedded(found, asked) if is_embedding else json_of(found.wire), found
            )
        if isinstance(found, (ReplyStream, AsyncReplyStream)):
            return self._opened(found, events(self._httpx)(found, usage=wants_usage(asked.body)))
        return self._answer(json_of(found))

    def _answer(self, body: bytes, reply: Reply | None = None) -> Any:
        headers = [JSON]
        if reply is not None:
            headers += route_headers(reply.route, reply.route.cost)
            if reply.request_id:
                headers.append((b"x-request-id", reply.request_id.encode("ascii", "replace")))
        return self._httpx.Response(200, headers=headers, content=body)

    def _opened(self, stream: ReplyStream | AsyncReplyStream, events: Any) -> Any:
        headers = [EVENTS, *route_headers(stream.route, None)]
        return self._httpx.Response(200, headers=headers, stream=events)

    def _failed(self, error: GenAIError) -> Any:
        kind = never_came(error)
        if kind is not None:
            raised = "ReadTimeout" if kind is RequestTimeoutError else "ConnectError"
            raise getattr(self._httpx, raised)(str(error)) from error
        status, body, headers = failed(error)
        return self._httpx.Response(status, headers=headers, content=body)


async def _alisted(client: Client, path: str) -> Wire:
    """As `listed`, which may read connections, and that takes its time."""
    return await asyncio.to_thread(listed, client, path)


class InProcess(_Http):
    """For `openai.OpenAI`."""

    def handle_request(self, request: Any) -> Any:
        """Answer a request, as httpx wants it of a transport."""
        asked = self._asked(request, request.read())
        try:
            question = self._question(asked)
            return self._told(asked, question.ask(*question.given, **question.params), _events_of)
        except GenAIError as error:
            return self._failed(error)

    def close(self) -> None:
        """Nothing is open: connections are the process's."""


class AsyncInProcess(_Http):
    """For `openai.AsyncOpenAI`."""

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request, as httpx wants it of a transport."""
        asked = self._asked(request, await request.aread())
        try:
            question = self._question(asked)
            found = await question.aask(*question.given, **question.params)
            return self._told(asked, found, _async_events_of)
        except GenAIError as error:
            return self._failed(error)

    async def aclose(self) -> None:
        """As `InProcess.close`."""


class _Body:
    """A stream's body, as events.

    Args:
        stream: Of the client.
        usage: Whether the last chunk is wanted, which has the usage.
    """

    def __init__(self, stream: Any, *, usage: bool) -> None:
        self._stream = stream
        self._usage = usage

    def _shown(self, chunk: Chunk) -> bytes:
        """What is sent of a chunk; nothing of those that OpenAI would not send."""
        return event(chunk.wire) if is_shown(chunk.wire, usage=self._usage) else b""

    def _last(self, error: GenAIError | None) -> bytes:
        return DONE if error is None else event(failure(error).body)


class _Events(_Body):
    def __iter__(self) -> Iterator[bytes]:
        broken = None
        try:
            yield from filter(None, map(self._shown, self._stream))
        except GenAIError as error:
            broken = error
        yield self._last(broken)

    def close(self) -> None:
        """The SDK is done with it, or its user is."""
        self._stream.close()


class _AsyncEvents(_Body):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        broken = None
        try:
            async for chunk in self._stream:
                if data := self._shown(chunk):
                    yield data
        except GenAIError as error:
            broken = error
        yield self._last(broken)

    async def aclose(self) -> None:
        """As `_Events.close`."""
        await self._stream.aclose()


def _events_of(httpx: ModuleType) -> Callable[..., Any]:
    return _of_httpx(_Events, httpx.SyncByteStream)


def _async_events_of(httpx: ModuleType) -> Callable[..., Any]:
    return _of_httpx(_AsyncEvents, httpx.AsyncByteStream)


def _of_httpx(own: type, theirs: type) -> type:
    """The class as one of httpx's, which looks at that; made once for each module."""
    made = _made.get((own, theirs))
    if made is None:
        made = _made[own, theirs] = type(own.__name__, (own, theirs), {})
    return made


_made: dict[tuple[type, type], type] = {}
