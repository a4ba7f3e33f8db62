"""Kept-alive connections: used again when they can be, and never the reason for a failed call."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading

import pytest

from genai_integrations.calls.wire import WireCall
from genai_integrations.errors import APIConnectionError
from genai_integrations.testing.faults import Fault
from genai_integrations.transports.http.patience import Patience

CALL = {"messages": [{"role": "user", "content": "Hello!"}]}
REPLY = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}]}'


def _head(length=None, more=b""):
    length = len(REPLY) if length is None else length
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s\r\n" % (
        length,
        more,
    )


@pytest.fixture(params=["sync", "async", "stream", "async stream"])
def series(request, transport):
    """Make several calls one after the other, in one loop where they are asynchronous."""
    mode = request.param

    def calls(connection, count, between=lambda: None):
        body = {"model": "gpt-4o", **CALL, **({"stream": True} if "stream" in mode else {})}
        call = WireCall(connection, "gpt-4o", "chat/completions", body)
        if "async" in mode:
            return asyncio.run(many(call, count, between))
        results = []
        for _ in range(count):
            if mode == "sync":
                results.append(transport.send(call, Patience(10, 10)))
            else:
                results.append(list(transport.stream(call, Patience(10, 10))))
            between()
        return results

    async def many(call, count, between):
        results = []
        for _ in range(count):
            if mode == "async":
                results.append(await transport.asend(call, 10))
            else:
                results.append([chunk async for chunk in transport.astream(call, 10)])
            # The loop must have a chance to learn that the server has closed, as it has in real life.
            await asyncio.sleep(0)
            between()
        return results

    return calls


def test_calls_one_after_the_other_share_a_connection(series, connect, provider):
    """Streams too: the end of the body is taken, so the connection is free again."""
    series(connect(f"{provider.url}/v1"), 10)

    assert len(provider.requests) == 10
    assert provider.connections_opened == 1


@pytest.mark.parametrize(
    "fault", [Fault.status(429), Fault.status(500), Fault.html(), Fault.wrong_json()]
)
@pytest.mark.parametrize("mode", ["sync", "stream"], indirect=True)
def test_failed_calls_share_it_too(fault, attempt, connect, provider):
    """An error's body is read to its end."""
    provider.faults["*"] = fault
    for _ in range(3):
        with pytest.raises(Exception, match=r"."):
            attempt(connect(f"{provider.url}/v1"))

    assert provider.connections_opened == 1


def test_a_server_that_closes_after_each_answer_costs_no_call(series, connect, provider):
    """It never announced it; each call goes out once and comes back."""
    provider.faults["*"] = Fault.stale()

    assert len(series(connect(f"{provider.url}/v1"), 8)) == 8
    assert len(provider.requests) == 8


def test_a_restarted_server_costs_no_call(series, connect, provider):
    """All idle connections are gone at once, as after a deployment."""

    def restart():
        provider.close()
        provider.start()

    assert len(series(connect(f"{provider.url}/v1"), 4, restart)) == 4
    assert len(provider.requests) == 4


CHUNKS = (
    b'data: {"choices": [{"index": 0, "delta": {"content": "hi"}}]}\n\n'
    b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


def _answer(connection, request):
    """A whole answer or a stream, by what was asked."""
    if b'"stream":true' in request[1]:
        head = _head(len(CHUNKS)).replace(b"application/json", b"text/event-stream")
        connection.sendall(head + CHUNKS)
    else:
        connection.sendall(_head() + REPLY)


def _takes_requests_and_hangs_up(server, connection, number):
    """Answers the first request of a connection, reads each further one, and closes without an answer."""
    if server.read(connection):
        _answer(connection, server.requests[-1])
        server.read(connection)


@pytest.mark.parametrize("reset", [False, True])
def test_a_request_that_was_written_is_not_written_again(reset, series, connect, raw_server):
    """Nobody knows whether the server worked on it: a failure, which the policy counts, and no second bill."""

    def handle(server, connection, number):
        _takes_requests_and_hangs_up(server, connection, number)
        if reset:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    server = raw_server(handle)

    with pytest.raises(APIConnectionError, match="the connection broke"):
        series(connect(server.url), 2)
    assert len(server.requests) == 2


def test_a_connection_with_bytes_waiting_is_not_used_again(series, connect, raw_server):
    """What comes unasked on an idle connection would be taken for the answer to the next request."""
    sent = threading.Event()

    def handle(server, connection, number):
        if server.read(connection):
            _answer(connection, server.requests[-1])
            if number == 0:
                server.heard.wait(10)
                connection.sendall(_head() + REPLY.replace(b"hi", b"no"))
                sent.set()
            server.read(connection)

    server = raw_server(handle)
    server.heard = threading.Event()

    def between():
        server.heard.set()
        assert sent.wait(10)

    results = series(connect(server.url), 2, between)

    assert "'no'" not in repr(results)
    assert len(server.requests) == 2


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("announced", [True, False])
def test_a_server_that_takes_so_many_requests_a_connection(
    announced, limit, series, connect, raw_server
):
    """As nginx's `keepalive_requests`: each call goes out once, however many fit a connection."""
    closed = threading.Semaphore(0)

    def handle(server, connection, number):
        try:
            serve(server, connection)
        finally:
            connection.close()
            closed.release()

    def serve(server, connection):
        for count in range(1, limit + 1):
            if not server.read(connection):
                return
            if announced and count == limit:
                more = b"connection: close\r\n"
                stream = b'"stream":true' in server.requests[-1][1]
                head = _head(len(CHUNKS) if stream else len(REPLY), more)
                head = head.replace(b"application/json", b"text/event-stream") if stream else head
                connection.sendall(head + (CHUNKS if stream else REPLY))
            else:
                _answer(connection, server.requests[-1])

    def between():
        """Wait until a server that has had enough has closed: before that, nobody can know."""
        if len(server.requests) % limit == 0:
            assert closed.acquire(timeout=10)

    server = raw_server(handle)

    assert len(series(connect(server.url), 7, between)) == 7
    assert len(server.requests) == 7


def _hangs_up_when_told(told):
    """Answers until told; from then on reads each request and hangs up."""

    def handle(server, connection, number):
        while server.read(connection):
            if told.is_set():
                return
            server.answering.wait(10)
            connection.sendall(_head() + REPLY)

    return handle


def test_a_provider_that_hangs_up_is_asked_once(transport, connect, raw_server):
    """However many idle connections there are: each of them would be asked in vain."""
    told = threading.Event()
    server = raw_server(_hangs_up_when_told(told))
    server.answering = threading.Barrier(8)
    call = WireCall(connect(server.url), "gpt-4o", "chat/completions", {"model": "gpt-4o", **CALL})
    threads = [
        threading.Thread(target=transport.send, args=(call, Patience(10, 10))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.requests.clear()
    told.set()

    with pytest.raises(APIConnectionError):
        transport.send(call, Patience(10, 10))

    assert len(server.requests) == 1


def test_nor_in_a_loop(transport, connect, raw_server):
    """The same for an event loop's connections."""
    told = threading.Event()
    server = raw_server(_hangs_up_when_told(told))
    server.answering = threading.Barrier(8)
    call = WireCall(connect(server.url), "gpt-4o", "chat/completions", {"model": "gpt-4o", **CALL})

    async def run():
        await asyncio.gather(*(transport.asend(call, 10) for _ in range(8)))
        server.requests.clear()
        told.set()
        with pytest.raises(APIConnectionError):
            await transport.asend(call, 10)

    asyncio.run(run())

    assert len(server.requests) == 1


def test_an_answer_that_broke_half_way_is_not_asked_for_again(attempt, connect, provider):
    """Once a byte of the answer has come the model has run: a second request would be a second bill."""
    connection = connect(f"{provider.url}/v1")
    attempt(connection)
    provider.requests.clear()
    provider.faults["*"] = Fault.cut(1)

    with pytest.raises(APIConnectionError):
        attempt(connection)

    assert len(provider.requests) == 1


def test_a_server_that_says_close_is_believed(series, connect, raw_server, transport):
    """`Connection: close` is honoured: a new connection for each call, and each call answered."""

    def handle(server, connection, number):
        if server.read(connection):
            connection.sendall(_head(more=b"connection: close\r\n") + REPLY)

    server = raw_server(handle)
    call = WireCall(connect(server.url), "gpt-4o", "chat/completions", {"model": "gpt-4o", **CALL})

    for _ in range(3):
        assert transport.send(call, Patience(10, 10))["choices"]

    assert len(server.requests) == 3
