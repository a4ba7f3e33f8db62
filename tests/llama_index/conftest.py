"""What the tests of the LlamaIndex adapter share."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest
from llama_index.core import Settings
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index.core.llms import ChatMessage

from genai_integrations import Connection, GenAIClient
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.provider import ScriptedProvider


@pytest.fixture
def client(provider):
    """A client with one connection, `openai`, that leads to the scripted provider."""
    with GenAIClient(
        connections=[Connection.of("openai", "openai", "sk-secret", f"{provider.url}/v1")]
    ) as client:
        yield client


@pytest.fixture
def llm(client):
    """An ordinary LLM."""
    return GenAI("gpt-4o-mini", client=client)


@pytest.fixture
def hello():
    """A conversation."""
    return [ChatMessage(role="user", content="Hello!")]


@pytest.fixture
def sent(provider):
    """The bodies of the chat requests that arrived."""

    def bodies():
        return [row.body for row in provider.requests if row.path.endswith("/chat/completions")]

    return bodies


@pytest.fixture
def usa():
    """Another provider, to fall back to."""
    with ScriptedProvider("usa") as server:
        yield server


@pytest.fixture
def pair(provider, usa):
    """A client whose model `seoul/gpt-4o` falls back to `usa/gpt-4o`."""
    seoul = Connection.of("seoul", "openai", "sk-seoul", f"{provider.url}/v1")
    there = Connection.of("usa", "openai", "sk-usa", f"{usa.url}/v1")
    args = {"fallbacks": [{"seoul/gpt-4o": ["usa/gpt-4o"]}], "num_retries": 0}
    with GenAIClient(connections=[seoul, there], router_args=args) as client:
        yield client


@pytest.fixture
def loop():
    """The thread's event loop. LlamaIndex's `asyncio_run` takes it; where there is none, it makes one that it never closes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.run_until_complete(loop.shutdown_asyncgens())
    asyncio.set_event_loop(None)
    loop.close()


class Events(BaseEventHandler):
    """Keeps every event."""

    events: list = []  # noqa: RUF012  pydantic copies it

    def handle(self, event, **kwargs):
        self.events.append(event)


class Spans(BaseSpanHandler):
    """Keeps what every span was given and came to."""

    seen: list = []  # noqa: RUF012  pydantic copies it

    def new_span(self, id_, bound_args, **kwargs):
        self.seen.append((id_, dict(bound_args.arguments)))

    def prepare_to_exit_span(self, id_, result=None, **kwargs):
        self.seen.append((id_, result))

    def prepare_to_drop_span(self, id_, err=None, **kwargs):
        self.seen.append((id_, err))


@pytest.fixture
def recorder():
    """A handler of all instrumentation events."""
    recorder, dispatcher = Events(), get_dispatcher()
    dispatcher.add_event_handler(recorder)
    yield recorder
    dispatcher.event_handlers.remove(recorder)


@pytest.fixture
def spans():
    """A handler of all instrumentation spans."""
    spans, dispatcher = Spans(), get_dispatcher()
    dispatcher.add_span_handler(spans)
    yield spans
    dispatcher.span_handlers.remove(spans)


@pytest.fixture
def memories():
    """LlamaIndex's memory keeps its messages in an SQLite of its own, which it never closes."""
    yield
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "<aiosqlite.core.Connection", ResourceWarning)
        gc.collect()


@pytest.fixture
def settings(llm, monkeypatch):
    """LlamaIndex's global settings with our LLM, put back afterwards."""
    for name in ("_llm", "_embed_model", "_callback_manager", "_node_parser", "_transformations"):
        monkeypatch.setattr(Settings, name, None)
    Settings.llm = llm
    return Settings


@pytest.fixture
def four_ways():
    """Ask in the four ways that LlamaIndex has, and get what the last response of each is."""

    def ask(llm, messages, **kwargs):
        async def asked():
            last = None
            async for response in await llm.astream_chat(messages, **kwargs):
                last = response
            return await llm.achat(messages, **kwargs), last

        *_, streamed = llm.stream_chat(messages, **kwargs)
        return [llm.chat(messages, **kwargs), streamed, *asyncio.run(asked())]

    return ask


@pytest.fixture
def conversation(provider):
    """Have the provider answer each request with the next of some replies; the last one is repeated."""

    def script(*replies, model="*"):
        left = list(replies)
        provider.replies[model] = lambda _body: left.pop(0) if len(left) > 1 else left[0]

    return script
