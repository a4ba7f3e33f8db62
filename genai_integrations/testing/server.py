"""A real HTTP/1.1 server on loopback, in a thread of its own, that records what it is asked."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import weakref
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, Self
from urllib.parse import parse_qsl

from aiohttp import web

_POLL_SECONDS = 0.002
_SHUTDOWN_SECONDS = 0.05
_MAX_HEADER = 1 << 18


@dataclass(eq=False)
class Received:
    """One request as it arrived.

    Attributes:
        method: Such as `POST`.
        path: The path as sent, nothing decoded, without the query.
        query: The query's parameters, decoded.
        headers: Names in lower case.
        content: The body's bytes, decompressed.
        body: The body decoded from JSON; None if there is none or it is not JSON.
        malformed: There was a body, and it is not JSON.
        model: The model it asks for, where it names one.
        disconnected: Set once the client went away before the answer was complete.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    body: Any = field(default=None, repr=False)
    malformed: bool = field(default=False, repr=False)
    model: str | None = None
    disconnected: threading.Event = field(default_factory=threading.Event, repr=False)


class _HangUpError(Exception):
    """The connection was given up on purpose."""


class Exchange:
    """What a handler can do with one request: answer it well, or badly."""

    def __init__(self, request: web.BaseRequest, closing: asyncio.Event) -> None:
        self._request = request
        self._closing = closing
        self.response: web.StreamResponse | None = None

    @property
    def _transport(self) -> asyncio.Transport:
        if self._request.transport is None:
            raise ConnectionResetError("the client is gone")
        return self._request.transport

    async def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """A whole answer with its length."""
        self.response = web.Response(status=status, body=body, headers=headers)
        await self.response.prepare(self._request)
        await self.response.write_eof()

    async def begin(
        self, status: int, headers: Mapping[str, str], *, length: int | None = None
    ) -> None:
        """Only the head: of a body of that length, or of one in chunks."""
        self.response = web.StreamResponse(status=status, headers=headers)
        if length is None:
            self.response.enable_chunked_encoding()
        else:
            self.response.content_length = length
        await self.response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """A part of the body, sent at once."""
        assert self.response is not None
        await self.response.write(data)

    async def end(self) -> None:
        """The body is complete."""
        assert self.response is not None
        await self.response.write_eof()

    def send_raw(self, data: bytes) -> NoReturn:
        """These bytes in place of an answer, whatever they are; then the connection closes.

        Both arrive as one, or the client might use the connection again before it hears of its end.
        """
        self.hold_back()
        self._transport.write(data)
        self._transport.write_eof()
        self.hang_up()

    def hold_back(self) -> None:
        """Keep what is written until `close_after`, so that the answer and the end arrive as one."""
        connection = self._transport.get_extra_info("socket")
        with suppress(AttributeError):  # only Linux has it
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)

    def close_after(self) -> None:
        """Close the connection once the answer is out, without having announced it."""
        self._transport.write_eof()
        self._transport.close()

    def hang_up(self, *, reset: bool = False) -> NoReturn:
        """Close the connection now; what was written still arrives, unless it is reset."""
        if reset:
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        self._transport.close()
        raise _HangUpError

    async def hang(self) -> NoReturn:
        """Say nothing until the client goes away or the server closes."""
        await self._closing.wait()
        self.hang_up()

    async def wait_for(self, event: threading.Event, *, clear: bool = False) -> None:
        """Hold still until a test sets the event; clear it again for the next one if asked to."""
        while not event.is_set():
            if self._closing.is_set():
                self.hang_up()
            await asyncio.sleep(_POLL_SECONDS)
        if clear:
            event.clear()


class LoopbackServer:
    """Listens on 127.0.0.1 from `start()` to `close()`, or as a context manager.

    Attributes:
        requests: What arrived so far, in order. Any thread may read it.
        connections_opened: How many connections clients have made so far.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.requests: list[Received] = []
        self.connections_opened = 0
        self._port = port
        self._arrived = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._refusing: list[socket.socket] = []

    def __repr__(self) -> str:
        state = self.url if self._thread else "not started"
        return f"{type(self).__name__}({state})"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The origin, such as `http://127.0.0.1:40123`."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen. A server that was closed starts again on the same port."""
        if self._thread is not None:
            return
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run,
            args=(listener, ready),
            name=f"{type(self).__name__}:{self._port}",
            daemon=True,
        )
        self._thread.start()
        try:
            ready.result()
        except BaseException:
            self._thread = None
            listener.close()
            raise

    def close(self) -> None:
        """Stop listening and cut every connection, also those that are still waiting for an answer."""
        for held in self._refusing:
            held.close()
        self._refusing.clear()
        if self._thread is None:
            return
        assert self._loop is not None
        assert self._closing is not None
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._thread = None

    def wait_for_requests(self, count: int, timeout: float = 10) -> list[Received]:
        """Wait until that many requests have arrived, and return them.

        Raises:
            TimeoutError: They did not arrive.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) >= count, timeout):
                raise TimeoutError(f"{len(self.requests)} of {count} requests arrived")
            return self.requests[:count]

    def refused_url(self) -> str:
        """An address on loopback that refuses connections for as long as this server lives."""
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        held.bind(("127.0.0.1", 0))
        self._refusing.append(held)
        return f"http://127.0.0.1:{held.getsockname()[1]}"

    async def respond(self, request: Received, exchange: Exchange) -> None:
        """Answer one request; what a subclass is for."""
        raise NotImplementedError

    def _run(self, listener: socket.socket, ready: Future[None]) -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve(listener, ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _serve(self, listener: socket.socket, ready: Future[None]) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        server = _Server(self._handle)
        accepting: set[asyncio.Task[Any]] = set()

        def accept() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                self.connections_opened += 1
                connection.setblocking(False)
                task = loop.create_task(loop.connect_accepted_socket(server, connection))
                accepting.add(task)
                task.add_done_callback(accepting.discard)

        # asyncio's own server loses connections that arrive while it closes, with a noise.
        listener.setblocking(False)
        loop.add_reader(listener, accept)
        ready.set_result(None)
        await self._closing.wait()
        loop.remove_reader(listener)
        listener.close()
        await asyncio.gather(*accepting)
        await server.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        received = await _received(request)
        with self._arrived:
            self.requests.append(received)
            self._arrived.notify_all()
        assert self._closing is not None
        exchange = Exchange(request, self._closing)
        try:
            await self.respond(received, exchange)
        except _HangUpError:
            # Cancelled is how aiohttp is told, without a word in the log, that there is no answer.
            raise asyncio.CancelledError from None
        except (ConnectionError, asyncio.CancelledError):
            received.disconnected.set()
            raise asyncio.CancelledError from None
        assert exchange.response is not None
        return exchange.response


class _Server(web.Server):
    """Accepts large requests, notices clients that go away, and closes at once."""

    def __init__(self, handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        super().__init__(
            handle,
            request_factory=self._request,
            handler_cancellation=True,
            access_log=None,
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
        )
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        """Remember the transport."""
        self._transports.add(transport)
        super().connection_made(handler, transport)

    async def close(self) -> None:
        """End every handler and connection, also those whose client does not read."""
        self.pre_shutdown()
        await self.shutdown(_SHUTDOWN_SECONDS)
        for transport in self._transports:
            transport.abort()
        # Transports close in the next turn of the loop.
        await asyncio.sleep(0)

    def _request(
        self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any
    ) -> web.BaseRequest:
        return web.BaseRequest(
            message, payload, protocol, writer, task, self._loop, client_max_size=0
        )


async def _received(request: web.BaseRequest) -> Received:
    content = await request.read()
    path, _, query = request.raw_path.partition("?")
    received = Received(
        method=request.method,
        path=path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.items()},
        content=content,
    )
    if content:
        try:
            received.body = json.loads(content)
        except ValueError:
            received.malformed = True
    return received
