"""What the tests of the client share: two regions to fail over between, and four ways to call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.routing import retry_rules
from genai_integrations.testing.provider import ScriptedProvider

QUESTION = [{"role": "user", "content": "one two three four"}]


@dataclass
class Answer:
    """What came of a call, in whichever way it was made."""

    text: str
    route: Any
    usage: Any


@pytest.fixture(params=["sync", "async", "stream", "async stream"])
def mode(request):
    """The four ways to call."""
    return request.param


@pytest.fixture
def ask(mode):
    """Ask a client in the way of `mode`, and read the answer to its end."""

    def ask(client, model="gpt-4o", **params):
        params.setdefault("messages", QUESTION)
        if mode == "sync":
            return _answer(client.completion(model, **params))
        if mode == "stream":
            stream = client.completion(model, stream=True, **params)
            return _streamed(list(stream), stream.route)
        return asyncio.run(_ask_async(client, model, params, stream=mode == "async stream"))

    return ask


async def _ask_async(client, model, params, *, stream):
    if not stream:
        return _answer(await client.acompletion(model, **params))
    chunks = await client.acompletion(model, stream=True, **params)
    return _streamed([chunk async for chunk in chunks], chunks.route)


def _answer(reply):
    return Answer(reply.choices[0].message.content, reply.route, reply.usage)


def _streamed(chunks, route):
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return Answer(text, route, chunks[-1].usage)


@pytest.fixture(scope="module")
def regions():
    """Two servers for the tests of a module; `seoul` and `usa` clean them for each test."""
    with ScriptedProvider("seoul") as seoul, ScriptedProvider("usa") as usa:
        yield seoul, usa


@pytest.fixture
def seoul(regions):
    """The region that is preferred."""
    return _cleaned(regions[0])


@pytest.fixture
def usa(regions):
    """The other region."""
    return _cleaned(regions[1])


def _cleaned(server):
    server.requests.clear()
    server.faults.clear()
    server.replies.clear()
    server.api_keys = server.models = None
    return server


@pytest.fixture
def connect():
    """Make a connection to a server (or an address)."""

    def connect(server, name=None, provider="openai", key=None, headers=None, **fields):
        url = server if isinstance(server, str) else f"{server.url}/v1"
        extra = None if headers is None else Secret(headers)
        name = name or getattr(server, "name", "seoul")
        row, secret = PROVIDERS[provider], Secret(key or f"sk-example-{name}")
        return Connection(name, row, secret, base_url=url, extra_headers=extra, **fields)

    return connect


@pytest.fixture
def make_client(connect):
    """Make a client of servers or connections; it is closed with the test."""
    clients = []

    def make(*targets, allowed_hosts=(), **router_args):
        connections = [row if isinstance(row, Connection) else connect(row) for row in targets]
        client = GenAIClient(
            connections=connections, router_args=router_args, allowed_hosts=allowed_hosts
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def no_backoff(monkeypatch):
    """Repeat at once instead of after half a second."""
    monkeypatch.setattr(retry_rules, "_BACKOFF", (0.0, 0.0))
