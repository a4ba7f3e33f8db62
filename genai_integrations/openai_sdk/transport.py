"""httpx transports that answer OpenAI's SDK by a client of ours: nothing leaves the process but what the router sends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

from genai_integrations.calls.openai_http import json_of, route_headers
from genai_integrations.calls.reply import Reply
from genai_integrations.errors import GenAIError, RequestTimeoutError
from genai_integrations.openai_sdk.asking import (
    EVENTS,
    JSON,
    Asked,
    Client,
    answered,
    asked,
    failed,
    never_came,
    question,
)
from genai_integrations.openai_sdk.events import aevents, events
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
        return asked(request.method, request.url.path, content, request.headers, timeout)

    def _told(self, asked: Asked, found: Any, body: Callable[[ModuleType], Any]) -> Any:
        """The response for what the client has found."""
        if isinstance(found, Reply):
            return self._answer(answered(found, asked), found)
        if isinstance(found, (ReplyStream, AsyncReplyStream)):
            return self._opened(found, body(self._httpx)(found, asked))
        return self._answer(json_of(found))

    def _answer(self, body: bytes, reply: Reply | None = None) -> Any:
        headers = [JSON]
        if reply is not None:
            headers += route_headers(reply.route, reply.route.cost)
            if reply.request_id:
                headers.append((b"x-request-id", reply.request_id.encode("ascii", "replace")))
        return self._httpx.Response(200, headers=headers, content=body)

    def _opened(self, stream: ReplyStream | AsyncReplyStream, body: Any) -> Any:
        headers = [EVENTS, *route_headers(stream.route, None)]
        return self._httpx.Response(200, headers=headers, stream=body)

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
        try:
            asked = self._asked(request, request.read())
            own = question(self._client, asked)
            return self._told(asked, own.ask(*own.given, **own.params), _body_of)
        except GenAIError as error:
            return self._failed(error)

    def close(self) -> None:
        """Nothing is open: connections are the process's."""


class AsyncInProcess(_Http):
    """For `openai.AsyncOpenAI`."""

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request, as httpx wants it of a transport."""
        try:
            asked = self._asked(request, await request.aread())
            own = question(self._client, asked)
            found = await own.aask(*own.given, **own.params)
            return self._told(asked, found, _async_body_of)
        except GenAIError as error:
            return self._failed(error)

    async def aclose(self) -> None:
        """As `InProcess.close`."""


class _Body:
    """A stream's body.

    Args:
        stream: Of the client.
        asked: What was asked for.
    """

    def __init__(self, stream: ReplyStream, asked: Asked) -> None:
        self._stream = stream
        self._events = events(stream, asked)
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        for data in self._events:
            # A stream that was left ends like a whole one, and what is written then would say so.
            if self._is_closed:
                return
            yield data

    def close(self) -> None:
        """The SDK is done with it, or its user is."""
        self._is_closed = True
        self._stream.close()


class _AsyncBody:
    """As `_Body`."""

    def __init__(self, stream: AsyncReplyStream, asked: Asked) -> None:
        self._stream = stream
        self._events = aevents(stream, asked)
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._events:
            if self._is_closed:
                return
            yield data

    async def aclose(self) -> None:
        """As `_Body.close`."""
        self._is_closed = True
        await self._stream.aclose()


def _body_of(httpx: ModuleType) -> Callable[..., Any]:
    return _of_httpx(_Body, httpx.SyncByteStream)


def _async_body_of(httpx: ModuleType) -> Callable[..., Any]:
    return _of_httpx(_AsyncBody, httpx.AsyncByteStream)


def _of_httpx(own: type, theirs: type) -> type:
    """The class as one of httpx's, which looks at that; made once for each module."""
    made = _made.get((own, theirs))
    if made is None:
        made = _made[own, theirs] = type(own.__name__, (own, theirs), {})
    return made


_made: dict[tuple[type, type], type] = {}
