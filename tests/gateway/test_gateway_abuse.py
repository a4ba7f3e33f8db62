"""A gateway that is sent what no good client sends: it refuses in its own words, and serves the next one."""

from __future__ import annotations

import contextlib
import json
import socket
import threading

import httpx
import pytest
from gateway_support import served
from hostile_requests import (
    BODIES,
    ELSEWHERE,
    HEADS,
    HELLO,
    PATHS,
    SECRET,
    WORDS,
    all_of,
    answer_of,
    get,
    post,
    send,
    with_body,
)

from genai_integrations import Connection, GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider


@pytest.fixture(scope="module")
def target():
    """The provider behind the gateway of this module."""
    with ScriptedProvider("seoul") as server:
        yield server


@pytest.fixture(scope="module")
def port(target):
    """A gateway for everybody on this machine."""
    row = Connection.of("seoul", "openai", "sk-seoul", f"{target.url}/v1", custom_models=["gpt-4o"])
    client = GenAIClient(connections=[row], router_args={"num_retries": 0}, tracing=False)
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        yield int(url.rpartition(":")[2])


@pytest.fixture
def stays_sound(port, target, caplog):
    """Afterwards the gateway serves as before, and its log has nothing of what it was sent."""
    yield
    before = len(target.requests)
    answer = send(port, post())
    assert (answer.status, answer.count) == (200, 1)
    assert len(target.requests) == before + 1
    assert WORDS not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("name", HEADS)
def test_heads(name, port, stays_sound):
    """Heads that two servers could read in two ways, that are too large, or that are no HTTP: one answer, then the end."""
    data, status = HEADS[name]
    answer = send(port, data)

    assert (answer.status, answer.count) == (status, 1)


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name, port, target, stays_sound):
    """Bodies that are no JSON, or that two parsers could read in two ways. No provider hears of them."""
    before = len(target.requests)
    data, status = BODIES[name]
    answer = send(port, data)

    assert (answer.status, answer.count) == (status, 1)
    assert "error" in json.loads(answer.body)
    assert WORDS.encode() not in answer.body
    assert len(target.requests) == before


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
def test_a_body_leads_no_key_elsewhere(name, path, port, target, stays_sound):
    """Neither by a word of ours nor by one of LiteLLM's."""
    before = len(target.requests)
    body = {"model": "gpt-4o", "input": "Hi", name: ELSEWHERE[name]}
    if path.endswith("completions"):
        body = {**json.loads(HELLO), name: ELSEWHERE[name]}
    answer = send(port, post(body=json.dumps(body).encode(), path=path))

    assert answer.status == 400
    assert b"attackers" not in answer.body
    assert len(target.requests) == before


@pytest.mark.parametrize("path", PATHS)
def test_paths(path, port, stays_sound):
    """Nothing is cleaned up and then found: a path is a route as it is written, or it is none."""
    assert send(port, get(path)).status == 404
    assert send(port, post(path=path)).status in (404, 405)


def test_a_name_twice_is_read_once(port, target, stays_sound):
    """The provider is asked for the model that was looked at, and hears of no other."""
    answer = send(port, post(body=b'{"model": "others-model", ' + HELLO[1:]))

    assert answer.status == 200
    assert b"others-model" not in target.requests[-1].content


def test_a_large_body_is_no_large_head(port, target, stays_sound):
    """A picture of a megabyte, in one request after the other over one connection."""
    url = f"data:image/png;base64,{'A' * (1 << 20)}"
    part = {"type": "image_url", "image_url": {"url": url}}
    one = post(body=with_body(messages=[{"role": "user", "content": [part]}]))
    answer = send(port, one.replace(b"Connection: close\r\n", b"") + one)

    assert (answer.status, answer.count) == (200, 2)


def test_a_second_request_in_the_body_of_the_first(port, target, stays_sound):
    """What is left over of a refused body is never taken for a request."""
    before = len(target.requests)
    hidden = post(body=HELLO)
    keeps = post("Content-Encoding: gzip", body=hidden).replace(b"Connection: close\r\n", b"")
    answer = send(port, keeps)

    assert (answer.status, answer.count) == (415, 1)
    assert len(target.requests) == before


def test_requests_in_a_row_are_answered_in_order(port, target, stays_sound):
    """Pipelined, each gets its own answer."""
    first = post(body=with_body(messages=[{"role": "user", "content": "first"}]))
    second = post(body=with_body(messages=[{"role": "user", "content": "second"}]))
    answer = send(port, first.replace(b"Connection: close\r\n", b"") + second)

    assert answer.count == 2
    assert answer.body.index(b"seoul says: first") < answer.body.index(b"seoul says: second")


def test_pictures_are_not_fetched(port, target, stays_sound):
    """An address in a message is the provider's to fetch: this machine can reach what the caller cannot."""
    with ScriptedProvider("inside") as inside:
        part = {"type": "image_url", "image_url": {"url": f"{inside.url}/latest/meta-data"}}
        answer = send(port, post(body=with_body(messages=[{"role": "user", "content": [part]}])))

        assert answer.status == 200
        assert inside.connections_opened == 0
    assert json.loads(target.requests[-1].content)["messages"][0]["content"] == [part]


@pytest.fixture
def hasty(target, monkeypatch):
    """A gateway that waits for nobody: its limits of time are a tenth of a second."""
    monkeypatch.setattr("genai_integrations.gateway.protocol.HEAD_TIME", 0.1)
    row = Connection.of("seoul", "openai", "sk-seoul", f"{target.url}/v1", custom_models=["gpt-4o"])
    client = GenAIClient(connections=[row], router_args={"num_retries": 0}, tracing=False)
    with served(GatewayOptions(OpenKeys(client), body_timeout=0.1, drain_delay=0)) as url:
        yield int(url.rpartition(":")[2])


def _until_closed(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return answer_of(b"".join(parts))


def test_a_head_that_never_ends(hasty):
    """Its connection is closed: there is nothing to answer yet."""
    assert (
        _until_closed(hasty, b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n").count
        == 0
    )


def test_a_slow_answer_is_no_slow_head(hasty, target):
    """The time for a head is over when the head is there, however long the answer takes."""
    go_on = threading.Event()
    target.faults["gpt-4o"] = Fault.drip(go_on, times=1)
    before = len(target.requests)
    with socket.create_connection(("127.0.0.1", hasty), timeout=10) as connection:
        connection.sendall(post())
        target.wait_for_requests(before + 1)
        # One that began later is closed already.
        assert _until_closed(hasty, b"GET").count == 0
        go_on.set()

        assert answer_of(connection.recv(65536)).status == 200


def test_a_body_that_never_ends(hasty):
    """Is answered, and the connection closed: what follows would be taken for a request."""
    data = post("Content-Length: 1000", length=False)
    answer = _until_closed(hasty, data)

    assert (answer.status, answer.count) == (408, 1)


@pytest.mark.parametrize("stream", [b"false", b"true"])
def test_a_models_name_that_is_no_unicode(stream, target):
    """Half of a surrogate pair, which JSON can write: where the provider answers, the caller gets the answer."""
    question = HELLO.replace(b'"gpt-4o"', b'"seoul/\\ud800", "stream": ' + stream)
    row = Connection.of("seoul", "openai", "sk-seoul", f"{target.url}/v1")
    client = GenAIClient(connections=[row], router_args={"num_retries": 0}, tracing=False)
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        answer = httpx.post(
            f"{url}/v1/chat/completions",
            content=question,
            headers={"content-type": "application/json"},
        )

    assert answer.status_code == 200
    assert answer.headers["x-genai-target"] == "seoul/%3F"
    assert b"seoul" in answer.content.partition(b'"content":')[2]


@pytest.mark.parametrize("digits", [300, 400])
def test_a_wait_that_never_ends(digits, port, target, stays_sound):
    """A server that asks to wait for longer than there are numbers is no reason to fail: the caller is told of a day."""
    words = f"Rate limit reached. Please try again in {'9' * digits}s."
    target.faults["endless"] = Fault.status(429, message=words)
    answer = httpx.post(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        json=json.loads(with_body(model="seoul/endless")),
    )

    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert answer.headers.get("retry-after", "86400") == "86400"


@pytest.mark.parametrize("line", [b"a: b\r\n", b"a"])
def test_trailers_that_never_end(line, port, stays_sound):
    """What follows the last chunk is bounded as a head is, whether in many lines or in one."""
    whole = post("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n", length=False)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(whole + line * (1 << 20))
        parts = []
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                parts.append(part)

    # It may be reset for what was not read of it, before its answer is.
    assert answer_of(b"".join(parts)).status in (0, 431)


def test_slow_clients_hold_nobody_up(port):
    """While a hundred send their heads byte by byte and a hundred their bodies, others are served."""
    slow = []
    try:
        for at in range(200):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            slow.append(connection)
            connection.sendall(post("Content-Length: 1000", length=False)[: 40 if at % 2 else None])
        assert send(port, post()).status == 200
    finally:
        for connection in slow:
            connection.close()


def test_readers_that_do_not_read_hold_nobody_up(target, port):
    """A client that takes nothing of its stream costs a buffer, and others are served."""
    target.replies["long"] = ["word " * 20_000] * 50
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(post(body=with_body(model="seoul/long", stream=True)))
        connection.recv(1)
        answers = [send(port, post()).status for _ in range(20)]

    assert answers == [200] * 20


@pytest.mark.usefixtures("stays_sound")
def test_a_stream_over_http_1_0(port):
    """That version knows no chunks: the events come as they are, and end with the connection."""
    body = with_body(stream=True)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(post(body=body).replace(b"HTTP/1.1", b"HTTP/1.0"))
        head, _, rest = all_of(connection).partition(b"\r\n\r\n")

    assert b"connection: close" in head
    assert b"transfer-encoding" not in head
    assert rest.startswith(b"data: {")
    assert rest.endswith(b"\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize("path", ["/", "/health/live", "/v1/models", "/metrics", "/status/events"])
@pytest.mark.usefixtures("stays_sound")
def test_a_head_alone(port, path):
    """Whoever only looks whether the gateway is there gets what GET has, without the body."""
    url = f"http://localhost:{port}{path}"
    asked = httpx.head(url)

    assert (asked.status_code, asked.content) == (200, b"")
    with httpx.stream("GET", url) as whole:
        assert asked.headers["content-type"] == whole.headers["content-type"]
