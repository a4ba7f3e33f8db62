"""One attempt in the OpenAI dialect, spoken by ourselves: OpenAI, Azure and every compatible server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from genai_integrations.calls.incoming import IncomingChunks, check_reply
from genai_integrations.calls.wire import END, Operation, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import InvalidReplyError, ServerError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.transports.chunks import AsyncClosableChunks, ClosableChunks, Line
from genai_integrations.transports.failures import event_error, failure_in, status_error
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.shared import SHARED, Shared
from genai_integrations.transports.http.sse import ErrorData, SSEDecoder, WholeData
from genai_integrations.transports.openai.address import open_endpoint
from genai_integrations.transports.openai.shaping import shaped

if TYPE_CHECKING:
    from genai_integrations.transports.http.async_http import AsyncHttp
    from genai_integrations.transports.http.sync_http import SyncHttp

CARRYING = (b'"choices"', b'"usage"', b'"error"', b"[DONE]")
"""What a named event must have to be more than a `ping`, of which servers have many: OpenAI's events have no names."""

_OBJECT = b"{"
"""What every chunk begins with."""


class OpenAITransport:
    """Performs attempts by HTTP. Safe for threads, for several event loops and after fork.

    Args:
        pins: Which hosts each key may go to.
        shared: Has the connections.
    """

    def __init__(self, pins: OriginPins, shared: Shared = SHARED) -> None:
        self._pins = pins
        self._shared = shared
        self._endpoints: BoundedMap[tuple[str, str, Operation], tuple[Connection, Endpoint]] = (
            BoundedMap(_MOST_ENDPOINTS)
        )

    @cached_property
    def _sync(self) -> SyncHttp:
        return self._shared.sync_http

    @cached_property
    def _async(self) -> AsyncHttp:
        return self._shared.async_http

    def send(self, call: WireCall, patience: Patience) -> Wire:
        """One request, one reply.

        Raises:
            CallError: The attempt failed.
            CredentialError: The key cannot be had or may not go there.
        """
        from genai_integrations.transports.http import sync_http

        endpoint = self._endpoint(call)
        response = self._sync.post(endpoint, jsonbytes.dumps(shaped(call)), patience)
        body = sync_http.read_all(response, patience)
        return _reply(response.status, response.headers, body, endpoint, call.operation)

    def stream(self, call: WireCall, patience: Patience) -> ClosableChunks:
        """One request, chunks as they arrive. Nothing is sent before the first `next`.

        Raises:
            CallError: The attempt failed, at any chunk.
            CredentialError: As in `send`.
        """
        line = Line()
        return ClosableChunks(self._stream(call, patience, line), line.hang_up)

    def _stream(self, call: WireCall, patience: Patience, line: Line) -> Generator[Wire]:
        from genai_integrations.transports.http import sync_http

        endpoint = self._endpoint(call)
        response = self._sync.post(endpoint, jsonbytes.dumps(shaped(call)), patience)
        line.lead_to(response.hang_up)
        if not _is_good(response.status):
            body = sync_http.read_all(response, patience)
            raise status_error(response.status, response.headers, body, endpoint.secrets)
        decoder, incoming = SSEDecoder(CARRYING), IncomingChunks()
        pieces = sync_http.read_pieces(response, patience)
        try:
            for piece in pieces:
                for data in decoder.feed(piece):
                    if data[:1] != _OBJECT and _is_done(data):
                        sync_http.finish(response, patience)
                        yield END
                        return
                    if data and not data.isspace():
                        yield _chunk(data, endpoint, incoming)
            yield from _leftover(decoder, endpoint, incoming)
        finally:
            pieces.close()

    async def asend(self, call: WireCall, idle: float) -> Wire:
        """As `send`; how long the whole may take is the caller's to bound."""
        from genai_integrations.transports.http import async_http

        endpoint = self._endpoint(call)
        response = await self._async.post(endpoint, jsonbytes.dumps(shaped(call)), idle)
        body = await async_http.read_all(response, idle)
        return _reply(response.status, response.headers, body, endpoint, call.operation)

    def astream(self, call: WireCall, idle: float) -> AsyncClosableChunks:
        """As `stream`; how long the first content may take is the caller's to bound."""
        line = Line()
        return AsyncClosableChunks(self._astream(call, idle, line), line.hang_up)

    async def _astream(self, call: WireCall, idle: float, line: Line) -> AsyncGenerator[Wire]:
        from genai_integrations.transports.http import async_http

        endpoint = self._endpoint(call)
        response = await self._async.post(endpoint, jsonbytes.dumps(shaped(call)), idle)
        line.lead_to(response.close)
        if not _is_good(response.status):
            body = await async_http.read_all(response, idle)
            raise status_error(response.status, response.headers, body, endpoint.secrets)
        decoder, incoming = SSEDecoder(CARRYING), IncomingChunks()
        pieces = async_http.read_pieces(response, idle)
        try:
            async for piece in pieces:
                for data in decoder.feed(piece):
                    if data[:1] != _OBJECT and _is_done(data):
                        await async_http.finish(response)
                        yield END
                        return
                    if data and not data.isspace():
                        yield _chunk(data, endpoint, incoming)
            for chunk in _leftover(decoder, endpoint, incoming):
                yield chunk
        finally:
            await pieces.aclose()

    def close(self) -> None:
        """Forget every key. Connections have none, and others may use them."""
        self._endpoints.clear()

    def _endpoint(self, call: WireCall) -> Endpoint:
        """The call's endpoint, opened anew when the connection was read anew."""
        key = (call.connection.name, call.model, call.operation)
        known = self._endpoints.get(key)
        if known and known[0] is call.connection:
            return known[1].with_headers(call.headers) if call.headers else known[1]
        endpoint = open_endpoint(call.connection, call.model, call.operation, self._pins)
        self._endpoints.put(key, (call.connection, endpoint))
        return endpoint.with_headers(call.headers)


_MOST_ENDPOINTS = 1024


def _reply(
    status: int, headers: Mapping[str, str], body: bytes, endpoint: Endpoint, operation: Operation
) -> Wire:
    if not _is_good(status):
        raise status_error(status, headers, body, endpoint.secrets)
    try:
        reply = check_reply(_decoded(body, endpoint), operation)
    except ValueError:
        raise _no_json(body) from None
    if failure := failure_in(reply, endpoint.secrets):
        raise failure
    return reply


def _is_good(status: int) -> bool:
    """Frameworks whose POST answers 201 serve models too."""
    return 200 <= status < 300


def _no_json(body: bytes) -> InvalidReplyError:
    kind = (
        "an HTML page"
        if body.lstrip()[:1] == b"<"
        else "nothing"
        if not body.strip()
        else "no JSON"
    )
    return InvalidReplyError(f"the server answered 200 with {kind}: is the base URL right?")


def _chunk(data: bytes, endpoint: Endpoint, incoming: IncomingChunks) -> Wire:
    try:
        decoded = _decoded(data, endpoint)
    except ValueError:
        kind = ServerError if isinstance(data, ErrorData) else InvalidReplyError
        raise kind("the stream has an event that is no JSON") from None
    if isinstance(data, ErrorData):
        raise event_error(decoded, endpoint.secrets)
    chunk = incoming.check(decoded)
    if failure := failure_in(chunk, endpoint.secrets):
        raise failure
    return chunk


def _is_done(data: bytes) -> bool:
    return data.strip() == b"[DONE]"


def _decoded(data: bytes, endpoint: Endpoint) -> object:
    """The JSON in an answer or event, unless it is an error object, which is raised."""
    decoded = jsonbytes.loads(data)
    if isinstance(decoded, dict) and decoded.get("error"):
        raise event_error(decoded, endpoint.secrets)
    return decoded


def _leftover(decoder: SSEDecoder, endpoint: Endpoint, incoming: IncomingChunks) -> Iterable[Wire]:
    """A last event without its blank line counts if it is whole; if not, the stream was cut short.

    A whole answer, though a stream was asked for, is one chunk.
    """
    for data in decoder.flush():
        if isinstance(data, WholeData):
            yield incoming.whole(_reply(200, {}, data, endpoint, "chat/completions"))
            yield END
            return
        try:
            yield END if _is_done(data) else _chunk(data, endpoint, incoming)
        except InvalidReplyError:
            return
