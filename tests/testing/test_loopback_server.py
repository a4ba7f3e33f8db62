"""The server under every fake: listening, recording, closing."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from wire import USER, call, connect

from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.server import Exchange, LoopbackServer, Received


def test_it_listens_only_between_start_and_close():
    """Before and after, its address refuses; starting or closing twice changes nothing."""
    server = ScriptedProvider()
    server.close()
    server.start()
    server.start()
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    socket.create_connection(address).close()
    server.close()
    server.close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_it_starts_again_where_it_was():
    """After closing it can start once more, on the same port and with its records."""
    server = ScriptedProvider()
    with server:
        url = server.url
        call(server, {"model": "m", "messages": USER})
    with server:
        call(server, {"model": "m", "messages": USER})

        assert server.url == url
    assert len(server.requests) == 2


def test_the_port_can_be_chosen():
    """A port that is taken is an error of `start`."""
    with ScriptedProvider() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="Address already in use"):
            ScriptedProvider(port=port).start()
    with ScriptedProvider(port=port) as second:
        assert second.url == first.url


def test_a_server_that_cannot_start_says_so(monkeypatch):
    """An error in the server's own thread is raised by `start`, and nothing is left to close."""
    monkeypatch.setattr("asyncio.SelectorEventLoop", lambda: 1 / 0)
    server = ScriptedProvider()
    with pytest.raises(ZeroDivisionError):
        server.start()
    server.close()
    monkeypatch.undo()
    with server:
        assert call(server, {"model": "m", "messages": USER})[0] == 200


def test_an_error_while_it_serves_ends_its_thread(monkeypatch):
    """What breaks the server after its start is no error of `start`."""
    seen = []
    monkeypatch.setattr("threading.excepthook", seen.append)
    server = ScriptedProvider()
    monkeypatch.setattr("genai_integrations.testing.server._Server.close", lambda self: 1 / 0)
    with server:
        pass

    assert [hook.exc_type for hook in seen] == [ZeroDivisionError]


def test_a_client_that_is_gone_cannot_be_hung_up_on():
    """Where the connection is already lost, that is what is said."""
    request = SimpleNamespace(transport=None)

    with pytest.raises(ConnectionResetError):
        Exchange(request, asyncio.Event()).hang_up()


def test_its_name_and_its_records_can_be_read(provider):
    """Reprs show what identifies a server and a request, and no header."""
    call(provider, {"model": "m", "messages": USER}, headers={"authorization": "Bearer sk-1"})

    assert repr(provider) == f"ScriptedProvider({provider.url})"
    assert "model='m'" in repr(provider.requests[0])
    assert "sk-1" not in repr(provider.requests[0])


def test_waiting_for_requests_ends(provider):
    """Requests that arrived are returned; those that do not are a timeout."""
    waiter = threading.Thread(target=call, args=(provider, {"model": "m", "messages": USER}))
    waiter.start()
    (request,) = provider.wait_for_requests(1)
    waiter.join()

    assert request.model == "m"
    with pytest.raises(TimeoutError, match="1 of 2"):
        provider.wait_for_requests(2, timeout=0)


def test_compressed_bodies_are_recorded_decompressed(provider):
    """A gzip body is decoded before it is recorded."""
    content = gzip.compress(json.dumps({"model": "m", "messages": USER}).encode())
    call(provider, content, headers={"content-encoding": "gzip"})

    assert provider.requests[0].body["model"] == "m"


def test_a_base_server_answers_nothing_by_itself():
    """What to answer is a subclass's business."""
    request = Received("GET", "/", {}, {}, b"")
    coroutine = LoopbackServer().respond(request, Exchange.__new__(Exchange))

    with pytest.raises(NotImplementedError):
        coroutine.send(None)


def test_closing_is_quiet_whatever_is_under_way():
    """With warnings as errors, hanging requests and half-read streams leave not a word behind."""
    script = """
import gc, json, http.client, threading
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.faults import Fault

messages = [{"role": "user", "content": "hi"}]
with ScriptedProvider() as provider:
    provider.faults["drip"] = Fault.drip(threading.Event(), after=1)
    kept = []
    for model in ("fault-hang", "drip", "fault-stall-1", "gpt-4o"):
        connection = http.client.HTTPConnection(provider.url.removeprefix("http://"))
        body = {"model": model, "messages": messages, "stream": True}
        connection.request("POST", "/chat/completions", json.dumps(body))
        kept.append(connection)
    reply = kept[-1].getresponse()
    reply.read()
    half = kept[1].getresponse()
    half.readline()
    provider.wait_for_requests(4)
    provider.refused_url()
for connection in kept:
    connection.close()
half.close()
gc.collect()
print(len(provider.requests))
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout, done.stderr, done.returncode) == ("4\n", "", 0)


def test_a_client_that_sends_no_http_harms_nobody(provider):
    """Garbage and a connection without a request are survived."""
    address = ("127.0.0.1", int(provider.url.rpartition(":")[2]))
    socket.create_connection(address).close()
    with socket.create_connection(address) as raw:
        raw.sendall(b"\x16\x03\x01 not http\r\n\r\n")
        assert b"400" in raw.recv(100)
    with connect(provider) as connection:
        connection.request("GET", "/v1/models", headers={"x-long": "x" * 100_000})
        assert connection.getresponse().read()
