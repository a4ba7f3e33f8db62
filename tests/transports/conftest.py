"""What the tests of transports share: one attempt at a server, sync and async, whole and streamed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import pytest

from genai_integrations import Connection, Secret
from genai_integrations.calls.wire import WireCall
from genai_integrations.connections.origins import OriginPins
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.routing.streams import is_decisive
from genai_integrations.transports.direct import DirectTransport
from genai_integrations.transports.dispatch import dialect_of
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.shared import Shared

BODY = {"messages": [{"role": "user", "content": "Hello!"}]}
STREAM = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture
def connect():
    """Make a connection to an address."""

    def connect(
        base_url, provider="openai", key="sk-example", headers=None, name="seoul", **fields
    ):
        extra = None if headers is None else Secret(headers)
        return Connection(
            name, PROVIDERS[provider], Secret(key), base_url=base_url, extra_headers=extra, **fields
        )

    return connect


@pytest.fixture(params=["sync", "async", "stream", "async stream"])
def mode(request):
    return request.param


@pytest.fixture
def transport():
    """A transport with connections of its own."""
    transport = DirectTransport(OriginPins(), dialect_of, Shared())
    yield transport
    transport.close()


@pytest.fixture
def attempt(mode, transport):
    """Make one attempt; the answer, or the list of chunks."""

    def attempt(
        connection, model="gpt-4o", operation="chat/completions", timeout=10.0, idle=10.0, **body
    ):
        content = BODY if operation == "chat/completions" else {"input": ["Hello!"]}
        whole = {"model": model, **content, **body}
        if "stream" in mode:
            whole |= STREAM
        call = WireCall(connection, model, operation, whole)
        if mode == "sync":
            return transport.send(call, Patience(timeout, timeout))
        if mode == "stream":
            return _listened(transport, call, Patience(timeout, idle))
        return asyncio.run(_async(transport, call, max(timeout, idle), mode))

    return attempt


def _listened(transport, call, patience):
    chunks = []
    for chunk in transport.stream(call, patience):
        chunks.append(chunk)
        if is_decisive(chunk):
            patience.content_began()
    return chunks


async def _async(transport, call, idle, mode):
    if mode == "async":
        return await transport.asend(call, idle)
    return [chunk async for chunk in transport.astream(call, idle)]


class RawServer:
    """A server that a test writes byte by byte: `handle(connection, number)` runs for each connection."""

    def __init__(self, handle):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.closing = threading.Event()
        self.requests = []
        self._open = []
        self._handle = handle
        self._threads = [threading.Thread(target=self._accept, name="raw-accept", daemon=True)]
        self._threads[0].start()

    def _accept(self):
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self.closing.is_set():
                connection.close()
                return
            self._open.append(connection)
            thread = threading.Thread(
                target=self._serve, args=(connection, number), name=f"raw-{number}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
            number += 1

    def _serve(self, connection, number):
        with connection:
            try:
                self._handle(self, connection, number)
            except OSError:
                return

    def also_cut(self, connection):
        """One that was wrapped in another: what it was made of can no longer be cut."""
        self._open.append(connection)

    def read(self, connection):
        """Read one request with its body, and remember it; False if the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return False
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.split(b"\r\n")]
        length = next(
            (int(value) for name, _, value in lines if name.lower() == b"content-length"), 0
        )
        while len(rest) < length:
            piece = connection.recv(65536)
            if not piece:
                return False
            rest += piece
        self.requests.append((head, rest))
        return True

    def close(self):
        """Cut every connection; a handler that does not end then is an error of the test."""
        self.closing.set()
        with socket.create_connection(self._listener.getsockname(), timeout=_PATIENCE):
            pass
        self._threads[0].join(_PATIENCE)
        self._listener.close()
        for connection in self._open:
            # Wakes a handler that waits in recv() or sendall(), which closing alone would not.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(_PATIENCE)
        stuck = [thread.name for thread in self._threads if thread.is_alive()]
        assert not stuck, f"still running: {', '.join(stuck)}"


_PATIENCE = 5.0
"""Seconds after which a thread that should have ended is stuck."""


@pytest.fixture
def raw_server():
    """Start a server whose every byte the test decides."""
    servers = []

    def start(handle):
        servers.append(RawServer(handle))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
