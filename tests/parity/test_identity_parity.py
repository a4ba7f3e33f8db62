"""`user` and `metadata` per call and of a model: the same through the client and both adapters."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.llms import ChatMessage

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI

HELLO = [{"role": "user", "content": "Hello!"}]
TOLD = [ChatMessage(role="user", content="Hello!")]


class Seen:
    """An observer that keeps the requests."""

    is_ready = True

    def __init__(self):
        self.requests = []

    def prepare(self):
        """Nothing to make."""

    def call_began(self, request):
        """Keep it, and watch no further."""
        self.requests.append(request)


@pytest.fixture
def seen():
    """The requests that the client makes."""
    return Seen()


@pytest.fixture
def client(provider, seen):
    """A client with one connection, whose requests are kept."""
    row = Connection.of("home", "openai", "sk-example", f"{provider.url}/v1")
    with GenAIClient(connections=[row], observers=[seen]) as client:
        yield client


def spent(chunks):
    """Read a stream to its end."""
    for _ in chunks:
        pass


async def aspent(chunks):
    """As `spent`."""
    async for _ in await chunks if asyncio.iscoroutine(chunks) else chunks:
        pass


def ask(door, client, own, given):
    """Ask once in one way, with a model's own settings and a call's."""
    if door.startswith("client"):
        params = {**own, **given}
        if "metadata" in own and "metadata" in given:
            params["metadata"] = {**own["metadata"], **given["metadata"]}
    lang, llama = ChatGenAI("gpt-4o", client=client, **own), GenAI("gpt-4o", client=client, **own)
    ways = {
        "client": lambda: client.completion("gpt-4o", HELLO, **params),
        "client stream": lambda: spent(client.completion("gpt-4o", HELLO, True, **params)),
        "client async": lambda: asyncio.run(client.acompletion("gpt-4o", HELLO, **params)),
        "langchain": lambda: lang.invoke("Hello!", **given),
        "langchain bound": lambda: lang.bind(**given).batch(["Hello!"]),
        "langchain streaming": lambda: lang.model_copy(update={"streaming": True}).invoke(
            "Hello!", **given
        ),
        "langchain stream": lambda: spent(lang.stream("Hello!", **given)),
        "langchain async": lambda: asyncio.run(lang.ainvoke("Hello!", **given)),
        "langchain async stream": lambda: asyncio.run(aspent(lang.astream("Hello!", **given))),
        "llama": lambda: llama.chat(TOLD, **given),
        "llama complete": lambda: llama.complete("Hello!", **given),
        "llama stream": lambda: spent(llama.stream_chat(TOLD, **given)),
        "llama async": lambda: asyncio.run(llama.achat(TOLD, **given)),
        "llama async stream": lambda: asyncio.run(aspent(llama.astream_chat(TOLD, **given))),
    }
    ways[door]()


DOORS = [
    "client", "client stream", "client async",
    "langchain", "langchain bound", "langchain streaming", "langchain stream", "langchain async", "langchain async stream",
    "llama", "llama complete", "llama stream", "llama async", "llama async stream",
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_a_call_says_on_whose_behalf_it_is(door, client, seen, provider):
    """The call's user wins over the model's, metadata is put together, and only `user` is sent."""
    own = {"user": "ann", "metadata": {"tier": "free", "team": "a"}}
    ask(door, client, own, {"user": "bob", "metadata": {"team": "b"}})
    (request,) = seen.requests

    assert (request.user, request.metadata) == ("bob", {"tier": "free", "team": "b"})
    assert provider.requests[-1].body["user"] == "bob"
    assert "metadata" not in provider.requests[-1].body


@pytest.mark.parametrize("door", ["client", "langchain", "langchain stream", "llama"])
def test_a_models_own_holds_where_a_call_says_nothing(door, client, seen, provider):
    """Given once to the model, it is said in every call."""
    ask(door, client, {"user": "ann", "metadata": {"tier": "free"}}, {})
    (request,) = seen.requests

    assert (request.user, request.metadata) == ("ann", {"tier": "free"})
    assert "metadata" not in provider.requests[-1].body


@pytest.mark.parametrize("stream", [False, True])
def test_a_langchain_config_says_it_too(stream, client, seen):
    """A chain has no other way; what the frameworks put there for themselves is left out."""
    config = {"metadata": {"tier": "free", "langgraph_node": "n", "langfuse_user_id": "kim"}}
    model = ChatGenAI("gpt-4o", client=client)
    _ = list(model.stream("Hello!", config)) if stream else model.invoke("Hello!", config)
    (request,) = seen.requests

    assert request.metadata == {"tier": "free"}
    assert request.trace["langfuse_user_id"] == "kim"


@pytest.mark.parametrize("door", DOORS)
def test_metadata_of_another_shape_is_refused_in_one_line(door, client, provider):
    """Before anything is sent, and in the same words everywhere."""
    with pytest.raises(ConfigurationError, match=r"metadata must be a mapping such as"):
        ask(door, client, {}, {"metadata": "free"})

    assert provider.requests == []
