"""Requests that offer another protocol, as Java's HTTP client makes them, are HTTP/1.1 all the same."""

from __future__ import annotations

import json

import pytest
from gateway_support import served
from hostile_requests import chunked, get, post, send

from genai_integrations import Connection, GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys
from genai_integrations.gateway.upgrades import Parser
from genai_integrations.testing.provider import ScriptedProvider

H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA"
WEBSOCKET = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"


@pytest.fixture(scope="module")
def port():
    """A gateway for everybody on this machine."""
    with ScriptedProvider("seoul") as server:
        row = Connection.of("seoul", "openai", "sk-seoul", f"{server.url}/v1")
        client = GenAIClient(connections=[row], tracing=False)
        with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
            yield int(url.rpartition(":")[2])


def asks(what, *headers, framing="length"):
    """A request that offers something and asks something; its connection is kept."""
    row = {"model": "seoul/gpt-4o", "messages": [{"role": "user", "content": what}]}
    body = json.dumps(row).encode()
    if framing == "chunks":
        headers = (*headers, "Transfer-Encoding: chunked")
        made = post(*headers, body=chunked(body[:9], body[9:]), length=False)
    else:
        made = post(*headers, body=body)
    return made.replace(b"Connection: close\r\n", b"")


@pytest.mark.parametrize("offer", [H2C, WEBSOCKET])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_an_offer_is_not_taken(port, caplog, offer, framing):
    """The body belongs to the request, what is behind it is the next one, and nobody's log is filled."""
    first, second = (asks(word, offer, framing=framing) for word in ("first", "second"))
    answer = send(port, first + second + get("/health/live"))

    assert (answer.status, answer.count) == (200, 3)
    assert answer.body.index(b"seoul says: first") < answer.body.index(b"seoul says: second")
    assert "pgrade" not in caplog.text


def test_a_request_in_a_body_that_was_refused(port):
    """Behind an offer, too, it is no request."""
    hidden = asks("hidden")
    answer = send(port, post(H2C, "Content-Encoding: gzip", body=hidden))

    assert (answer.status, answer.count) == (415, 1)


class Told:
    """What a parser tells, as uvicorn's protocol takes it: a request is what it has of it when that is whole."""

    def __init__(self):
        self.requests = []
        self.parser = Parser(self)

    def on_message_begin(self):
        self.url, self.headers, self.body = b"", [], b""

    def on_url(self, url):
        self.url += url

    def on_header(self, name, value):
        self.headers.append((name.lower(), value))

    def on_headers_complete(self):
        self.method = self.parser.get_method()

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        if not self.parser.has_offer():
            self.requests.append((self.method, self.url, self.body))


def request(method, path, body=b"", *headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: h", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


FIVE = (
    request("POST", "/a", b"abc", H2C, "Content-Length: 3")
    + request("GET", "/b", b"", WEBSOCKET)
    + request("POST", "/c", chunked(b"d", b"ef"), H2C, "Transfer-Encoding: chunked")
    + request("POST", "/d", b"", H2C, "Content-Length: 0")
    + request("PUT", "/e", b"g", "Content-Length: 1")
)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 60, len(FIVE)])
def test_in_whatever_pieces_it_comes(size):
    """A head, an offer and a body may be cut anywhere."""
    told = Told()
    for at in range(0, len(FIVE), size):
        told.parser.feed_data(FIVE[at : at + size])

    assert told.requests == [
        (b"POST", b"/a", b"abc"),
        (b"GET", b"/b", b""),
        (b"POST", b"/c", b"def"),
        (b"POST", b"/d", b""),
        (b"PUT", b"/e", b"g"),
    ]
