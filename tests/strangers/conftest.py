"""Servers that other people wrote, started when a test first asks for one."""

from __future__ import annotations

import contextlib
import socket

import pytest
from stranger_servers import STRANGERS, run

from genai_integrations import Connection, GenAIClient


@pytest.fixture(scope="session")
def strangers():
    """The URL of a server by its name; it runs until the tests are over."""
    with contextlib.ExitStack() as stack:
        running = {}

        def url_of(name):
            stranger = STRANGERS[name]
            for other in stranger.needs:
                url_of(other)
            if name not in running:
                running[name] = stack.enter_context(run(stranger, running))
            return running[name]

        yield url_of, running


@pytest.fixture
def connect(strangers):
    """A connection to a server, both of the same name."""
    url_of, running = strangers

    def connect(name):
        url = url_of(name)
        return STRANGERS[name].connect(name, url, running)

    return connect


@pytest.fixture(scope="session")
def nobody():
    """A connection to a port of this machine where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        yield Connection.of("nobody", "openai", "sk-nobody", url)


@pytest.fixture
def make_client():
    """Make a client of connections; it is closed with the test."""
    with contextlib.ExitStack() as stack:

        def make(*connections, **router_args):
            given = {"num_retries": 0, "timeout": 20, **router_args}
            return stack.enter_context(GenAIClient(connections=connections, router_args=given))

        yield make
