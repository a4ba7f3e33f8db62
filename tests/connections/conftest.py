"""What the tests of connections share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.langfuse.store import LangfuseStore
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.runtime.secret import Secret


@dataclass
class AnsweringServer:
    """An HTTP server that gives one answer to everything and remembers what it was asked."""

    url: str = ""
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b"{}"
    requests: list = field(default_factory=list, repr=False)


@pytest.fixture
def answering_server():
    answer = AnsweringServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer.requests.append((self.path, headers))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_GET  # noqa: N815 - the standard library's own name

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        answer.url = f"http://127.0.0.1:{server.server_port}"
        yield answer
        server.shutdown()
        thread.join()


@pytest.fixture
def make_connection():
    """Make a connection of a provider; the secret and the headers are given as text."""

    def make(provider, secret="sk-example", name="seoul", extra_headers=None, **fields):
        headers = None if extra_headers is None else Secret(extra_headers)
        return Connection(
            name, PROVIDERS[provider], Secret(secret), extra_headers=headers, **fields
        )

    return make


@pytest.fixture
def make_store(golden_connections):
    """A store of the recorded project in a database."""

    def make(database, keys=None, project_id="lab-project"):
        url = database if isinstance(database, str) else database.url
        return LangfuseStore(
            url, keys or [golden_connections["ENCRYPTION_KEY"]], project_id=lambda: project_id
        )

    return make
