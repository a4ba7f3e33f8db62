"""What the tests of the translated providers share: one server in every dialect, and six ways to reach it."""

from __future__ import annotations

import asyncio
import json
import warnings
from dataclasses import dataclass, field
from typing import Any

import pytest
from places import AWS_SECRET, BY_LITELLM, KEY_ID, KEYS, PLACES, QUESTION, REGIONS, Place

from genai_integrations import Connection, GenAIClient
from genai_integrations.routing import retry_rules
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.providers.vertex.tokens import service_account


@dataclass
class Answer:
    """What came of a call, in whichever way it was made; a stream is put together as OpenAI's users do."""

    message: dict[str, Any]
    finish: str
    usage: dict[str, Any]
    route: Any
    chunks: list[Any] = field(default_factory=list)

    @property
    def text(self):
        """The words of the answer."""
        return self.message.get("content") or ""


@pytest.fixture(scope="session")
def _first_calls(servers):
    """LiteLLM's import is not the subject of any one test, nor what it imports at a provider's first call."""
    models = {
        place.provider: place.model for place in BY_LITELLM.values() if place.provider in KEYS
    }
    there = [
        Connection.of(
            name, name, KEYS[name], servers[0].url, region=REGIONS.get(name), dialect="litellm"
        )
        for name in models
    ]
    with warnings.catch_warnings(), GenAIClient(connections=there) as client:
        warnings.simplefilter("ignore")
        for name, model in models.items():
            client.completion(f"{name}/{model}", QUESTION)


@pytest.fixture(autouse=True)
def _no_aws_but_ours(monkeypatch):
    """Neither a file nor a metadata service of the machine gives credentials."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")


@pytest.fixture(params=["sync", "async", "stream", "async stream"])
def mode(request):
    """The four ways to call."""
    return request.param


@pytest.fixture
def ask(mode):
    """Ask a client in the way of `mode`, and read the answer to its end."""

    def ask(client, model, messages=QUESTION, **params):
        if mode == "sync":
            return _answer(client.completion(model, messages, **params))
        if mode == "stream":
            stream = client.completion(model, messages, stream=True, **params)
            return _streamed(list(stream), stream.route)
        stream = mode == "async stream"
        return asyncio.run(_ask_async(client, model, messages, params, stream=stream))

    return ask


async def _ask_async(client, model, messages, params, *, stream):
    if not stream:
        return _answer(await client.acompletion(model, messages, **params))
    chunks = await client.acompletion(model, messages, stream=True, **params)
    return _streamed([chunk async for chunk in chunks], chunks.route)


def _answer(reply):
    (choice,) = reply["choices"]
    return Answer(choice["message"], choice["finish_reason"], reply["usage"], reply.route)


def _streamed(chunks, route):
    message = {"role": "assistant", "content": None}
    finishes = []
    for chunk in chunks:
        for choice in chunk["choices"]:
            _add(message, choice.get("delta") or {})
            finishes += [choice["finish_reason"]] if choice.get("finish_reason") else []
    assert len(finishes) == 1, "a stream has one end"
    assert [bool(chunk.get("usage")) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1]["choices"] == []
    return Answer(message, finishes[0], chunks[-1]["usage"], route, chunks)


def _add(message, delta):
    """Put a delta to what is there: texts and arguments grow, calls are told apart by their index."""
    for name in ("content", "reasoning_content"):
        if delta.get(name):
            message[name] = (message.get(name) or "") + delta[name]
    for piece in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        if piece["index"] == len(calls):
            calls.append({"id": piece["id"], "type": "function", "function": {"arguments": ""}})
        call = calls[piece["index"]]
        function = piece.get("function") or {}
        if function.get("name"):
            call["function"]["name"] = function["name"]
        call["function"]["arguments"] += function.get("arguments") or ""
    for block in delta.get("thinking_blocks") or ():
        blocks = message.setdefault("thinking_blocks", [{"type": "thinking", "thinking": ""}])
        blocks[0]["thinking"] += block.get("thinking") or ""
        if block.get("signature"):
            blocks[0]["signature"] = block["signature"]


@pytest.fixture(scope="session")
def servers():
    """A server in every provider's dialect, and one that is asked in OpenAI's."""
    with ScriptedProvider("abroad") as abroad, ScriptedProvider("home") as home:
        yield abroad, home


@pytest.fixture(scope="session")
def account():
    """A service account's JSON key without an address."""
    return service_account("")[0]


@pytest.fixture
def abroad(servers, account):
    """The server whose dialects are translated; it takes only the right keys."""
    server = _cleaned(servers[0])
    pair = f"{KEY_ID}:{AWS_SECRET}"
    server.api_keys = {pair, account["client_email"], *KEYS.values()} - {KEYS["bedrock"]}
    return server


@pytest.fixture
def home(servers):
    """The server in OpenAI's dialect."""
    server = _cleaned(servers[1])
    server.api_keys = {"sk-home"}
    return server


def _cleaned(server):
    server.requests.clear()
    server.faults.clear()
    server.replies.clear()
    server.models = None
    return server


@pytest.fixture
def connect(abroad, account):
    """Make a connection to `abroad`, to a place or a provider, with the right key."""

    def connect(at, name="abroad", url=None, key=None, **fields):
        place = at if isinstance(at, Place) else Place(at, "")
        provider = place.provider
        if key is None:
            info = {**account, "token_uri": f"{abroad.url}/token"}
            key = json.dumps(info) if provider == "vertex" else KEYS[provider]
        fields.setdefault("region", REGIONS.get(provider))
        fields.setdefault("dialect", place.dialect)
        return Connection.of(name, provider, key, url or abroad.url, **fields)

    return connect


@pytest.fixture
def at_home(home):
    """A connection to the server in OpenAI's dialect."""
    return Connection.of("home", "openai", "sk-home", f"{home.url}/v1")


@pytest.fixture
def make_client():
    """Make a client of connections; it is closed with the test."""
    clients = []

    def make(*connections, allowed_hosts=(), **router_args):
        router_args = {"num_retries": 0, "timeout": 20, **router_args}
        client = GenAIClient(
            connections=connections, router_args=router_args, allowed_hosts=allowed_hosts
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture(
    params=[*PLACES, *(pytest.param(name, marks=pytest.mark.slow) for name in BY_LITELLM)]
)
def place(request):
    """Each of the providers' models."""
    if request.param in BY_LITELLM:
        request.getfixturevalue("_first_calls")
    return {**PLACES, **BY_LITELLM}[request.param]


@pytest.fixture
def model(place):
    """The name that means exactly that model."""
    return f"abroad/{place.model}"


@pytest.fixture
def client(make_client, connect, place):
    """A client with one connection, to the provider of `place`."""
    return make_client(connect(place))


@pytest.fixture
def no_backoff(monkeypatch):
    """Repeat at once instead of after half a second."""
    monkeypatch.setattr(retry_rules, "_BACKOFF", (0.0, 0.0))


@pytest.fixture
def said(abroad):
    """What was asked of the model, without the requests for access tokens."""

    def said():
        return [request for request in abroad.requests if request.model]

    return said
