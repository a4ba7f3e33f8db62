"""httpx transports that answer OpenAI's SDK by a client of ours: nothing leaves the process but what the router sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

from genai_integrations.calls.openai_http import (
    DONE,
    event,
    failure,
    is_shown,
    json_of,
    route_headers,
    wants_usage,
)
from genai_integrations.calls.reply import Reply
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


class InProcess(_Http):
    """For `openai.OpenAI`."""

    def handle_request(self, request: Any) -> Any:
        """Answer a request, as httpx wants it of a transport."""
        asked = self._asked(request, request.read())
        try:
            return self._answered(asked)
        except GenAIError as error:
            return self._failed(error)

    def _answered(self, asked: Asked) -> Any:
        model = asked.body.get("model", "")
        if asked.path == CHAT:
            given = asked.body.get("messages")
            reply = self._client.completion(model, given, asked.stream, **asked.params)
            if isinstance(reply, Reply):
                return self._answer(json_of(reply.wire), reply)
            events = _events_of(self._httpx)(reply, usage=wants_usage(asked.body))
            return self._opened(reply, events)
        if asked.path == EMBEDDINGS:
            reply = self._client.embedding(model, asked.body.get("input"), **asked.params)
            return self._answer(embedded(reply, asked), reply)
        if asked.path.partition("/")[0] == MODELS:
            return self._answer(json_of(listed(self._client, asked.path)))
        raise unknown_path(asked.path)

    def close(self) -> None:
        """Nothing is open: connections are the process's."""


class AsyncInProcess(_Http):
    """For `openai.AsyncOpenAI`."""

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request, as httpx wants it of a transport."""
        asked = self._asked(request, await request.aread())
        try:
            return await self._answered(asked)
        except GenAIError as error:
            return self._failed(error)

    async def _answered(self, asked: Asked) -> Any:
        model = asked.body.get("model", "")
        if asked.path == CHAT:
            given = asked.body.get("messages")
            reply = await self._client.acompletion(model, given, asked.stream, **asked.params)
            if isinstance(reply, Reply):
                return self._answer(json_of(reply.wire), reply)
            events = _async_events_of(self._httpx)(reply, usage=wants_usage(asked.body))
            return self._opened(reply, events)
        if asked.path == EMBEDDINGS:
            reply = await self._client.aembedding(model, asked.body.get("input"), **asked.params)
            return self._answer(embedded(reply, asked), reply)
        if asked.path.partition("/")[0] == MODELS:
            found = await asyncio.to_thread(listed, self._client, asked.path)
            return self._answer(json_of(found))
        raise unknown_path(asked.path)

    async def aclose(self) -> None:
        """As `InProcess.close`."""


class _Events:
    """A stream's body, as events."""

    def __init__(self, stream: ReplyStream, *, usage: bool) -> None:
        self._stream = stream
        self._usage = usage

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                if is_shown(chunk.wire, usage=self._usage):
                    yield event(chunk.wire)
        except GenAIError as error:
            yield event(failure(error).body)
            return
        yield DONE

    def close(self) -> None:
        """The SDK is done with it, or its user is."""
        self._stream.close()


class _AsyncEvents:
    """As `_Events`."""

    def __init__(self, stream: AsyncReplyStream, *, usage: bool) -> None:
        self._stream = stream
        self._usage = usage

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                if is_shown(chunk.wire, usage=self._usage):
                    yield event(chunk.wire)
        except GenAIError as error:
            yield event(failure(error).body)
            return
        yield DONE

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
