"""LlamaIndex: one generation per call, with and without OpenInference's instrumentor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
import time

import pytest
from langfuse import Langfuse, propagate_attributes
from llama_index.core import Document, PromptTemplate, VectorStoreIndex
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel
from tracing_support import calls

from genai_integrations.errors import BadRequestError
from genai_integrations.llama_index import GenAI, GenAIEmbedding
from genai_integrations.testing.faults import Fault

# OpenInference uses pydantic's old names, and swallows what they raise where warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

QUESTION = [ChatMessage("Hello!")]
TEMPLATE = PromptTemplate("Hello, {name}!")


class Menu(BaseModel):
    """A menu."""

    dish: str


def weather(city: str) -> str:
    """The weather of a city."""
    return city


TOOL = FunctionTool.from_defaults(weather)


@pytest.fixture(autouse=True)
def loop():
    """The thread's event loop, which LlamaIndex's `asyncio_run` takes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.run_until_complete(loop.shutdown_asyncgens())
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def sdk(langfuse):
    """A program's own Langfuse."""

    def sdk(**options):
        pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
        return Langfuse(**pair, base_url=langfuse.host, **options)

    return sdk


@contextlib.contextmanager
def instrumented(**options):
    """OpenInference's instrumentor, for a block: it belongs to the process."""
    instrumentor = LlamaIndexInstrumentor()
    instrumentor.instrument(**options)
    try:
        yield
    finally:
        instrumentor.uninstrument()


@pytest.fixture
def openinference(sdk):
    """As Langfuse's documentation has it: its client first, then the instrumentor."""
    sdk()
    with instrumented():
        yield


@pytest.fixture
def llm(client):
    """An ordinary LLM."""
    return GenAI("gpt-4o-mini", client=client)


def drained(stream):
    """The last of a stream."""
    *_, last = stream
    return last


async def adrained(stream):
    """The same of an async one."""
    return [part async for part in await stream][-1]


SYNC = {
    "chat": lambda llm: llm.chat(QUESTION),
    "complete": lambda llm: llm.complete("Hello!"),
    "stream_chat": lambda llm: drained(llm.stream_chat(QUESTION)),
    "stream_complete": lambda llm: drained(llm.stream_complete("Hello!")),
    "predict": lambda llm: llm.predict(TEMPLATE, name="Kim"),
    "stream": lambda llm: drained(llm.stream(TEMPLATE, name="Kim")),
    "structured_predict": lambda llm: llm.structured_predict(Menu, TEMPLATE, name="Kim"),
    "stream_structured_predict": lambda llm: drained(
        llm.stream_structured_predict(Menu, TEMPLATE, name="Kim")
    ),
    "chat_with_tools": lambda llm: llm.chat_with_tools([TOOL], "Hello!"),
    "stream_chat_with_tools": lambda llm: drained(llm.stream_chat_with_tools([TOOL], "Hello!")),
    "predict_and_call": lambda llm: llm.predict_and_call([TOOL], "Hello!", tool_required=True),
    "structured chat": lambda llm: llm.as_structured_llm(Menu).chat(QUESTION),
    "structured stream": lambda llm: drained(llm.as_structured_llm(Menu).stream_chat(QUESTION)),
    "structured complete": lambda llm: llm.as_structured_llm(Menu).complete("Hello!"),
}
ASYNC = {
    "achat": lambda llm: llm.achat(QUESTION),
    "acomplete": lambda llm: llm.acomplete("Hello!"),
    "astream_chat": lambda llm: adrained(llm.astream_chat(QUESTION)),
    "astream_complete": lambda llm: adrained(llm.astream_complete("Hello!")),
    "apredict": lambda llm: llm.apredict(TEMPLATE, name="Kim"),
    "astream": lambda llm: adrained(llm.astream(TEMPLATE, name="Kim")),
    "astructured_predict": lambda llm: llm.astructured_predict(Menu, TEMPLATE, name="Kim"),
    "astream_structured_predict": lambda llm: adrained(
        llm.astream_structured_predict(Menu, TEMPLATE, name="Kim")
    ),
    "achat_with_tools": lambda llm: llm.achat_with_tools([TOOL], "Hello!"),
    "astream_chat_with_tools": lambda llm: adrained(llm.astream_chat_with_tools([TOOL], "Hello!")),
    "structured achat": lambda llm: llm.as_structured_llm(Menu).achat(QUESTION),
    "structured acomplete": lambda llm: llm.as_structured_llm(Menu).acomplete("Hello!"),
}
IS_STREAM = re.compile("structured.*stream|stream.*structured")
"""OpenInference ends these methods' spans before their generators run, so that those nest in nothing."""

each_way = pytest.mark.parametrize("way", [*SYNC, *ASYNC])


def run(llm, way):
    """Ask in one of LlamaIndex's ways."""
    return SYNC[way](llm) if way in SYNC else asyncio.run(ASYNC[way](llm))


def requests(provider):
    """How many requests of a model arrived."""
    return len(provider.requests)


def parents(observation, observations):
    """The observations above one, the nearest first."""
    by_id = {row.id: row for row in observations}
    while observation := by_id.get(observation.parent):
        yield observation


def assert_one_owner(observations, provider):
    """Each real call is one generation, and no span of OpenInference's around it is another."""
    found = calls(observations)
    assert len(found) == requests(provider) > 0
    for row in observations:
        if row.attributes.get("openinference.span.kind") in {"LLM", "EMBEDDING"}:
            assert row.type in {"span", "generation", "embedding"}
    for row in found:
        assert row.json("usage_details")["total"] > 0
        assert row.json("cost_details")["total"] > 0
        assert row.metadata["attempts"][-1]["outcome"] == "ok"
    return found


@each_way
def test_one_owner(way, llm, openinference, provider, recorded, client):
    """With the instrumentor each real call is one generation, on the span of the method that makes it."""
    run(llm, way)

    observations = recorded(client)
    (generation,) = assert_one_owner(observations, provider)
    assert generation.type == "generation"
    assert generation.name.startswith("GenAI.")
    assert generation["model.name"] == "gpt-4o-mini"
    assert generation.json("input")
    assert generation.json("output")
    if not IS_STREAM.search(way):
        (root,) = {row for row in observations if row.parent is None and "._" not in row.name}
        assert [generation, *parents(generation, observations)][-1] is root


@each_way
def test_without_the_instrumentor(way, llm, provider, recorded, client):
    """The client records by itself."""
    run(llm, way)

    found = recorded(client)
    assert [row.name for row in found] == ["genai-completion"] * requests(provider)


@pytest.mark.parametrize("way", ["predict", "astream", "structured_predict"])
def test_attributes_reach_the_generation(way, llm, openinference, recorded, client):
    """User and prompt of `propagate_attributes` are on the span that is the generation."""
    with propagate_attributes(user_id="kim", prompt={"name": "greeting", "version": 3}):
        run(llm, way)

    (generation,) = calls(recorded(client))
    assert generation.attributes["user.id"] == "kim"
    assert (generation["prompt.name"], generation["prompt.version"]) == ("greeting", 3)


@pytest.mark.parametrize("way", ["chat", "stream_chat", "achat", "astream_chat", "predict"])
def test_an_error(way, llm, openinference, provider, recorded, client):
    """One generation, with the error."""
    provider.faults["*"] = Fault.bad_request("no such thing")
    with pytest.raises(BadRequestError):
        run(llm, way)

    (generation,) = calls(recorded(client))
    assert (generation["level"], generation.code) == ("ERROR", 2)
    assert "no such thing" in generation["status_message"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_streams_latency(is_async, llm, openinference, provider, langfuse, client):
    """A stream lasts until its last content, not only until the method that gives it has returned."""
    event = threading.Event()
    provider.faults = {"*": Fault.drip(event, after=1)}
    moments = []

    def go_on():
        moments.append(time.time_ns())
        event.set()

    async def asked():
        stream = await llm.astream_chat(QUESTION)
        await anext(stream)
        go_on()
        return [part async for part in stream]

    if is_async:
        asyncio.run(asked())
    else:
        stream = llm.stream_chat(QUESTION)
        next(stream)
        go_on()
        drained(stream)
    client.flush()

    (span,) = langfuse.spans
    (shown,) = langfuse.observations
    assert span["start"] < moments[0] < span["end"]
    assert 0 < shown["timeToFirstToken"] <= shown["latency"]
    assert shown["modelParameters"] == {}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stream_that_is_left(is_async, llm, openinference, recorded, client):
    """It is one generation still; OpenInference ends its span before the client knows what came."""

    async def read():
        async for _ in await llm.astream_chat(QUESTION):
            break

    if is_async:
        asyncio.run(read())
    else:
        for _ in llm.stream_chat(QUESTION):
            break

    (generation,) = calls(recorded(client))
    assert generation.metadata["attempts"][0]["target"] == "home/gpt-4o-mini"
    assert generation["model.name"] == "gpt-4o-mini"
    assert generation.json("input")[0]["content"] == "Hello!"
    assert generation["completion_start_time"]


def test_a_query_engine(llm, client, openinference, provider, recorded):
    """One trace with the retriever's embedding and the synthesizer's answer, each counted once."""
    embedding = GenAIEmbedding(client=client)
    index = VectorStoreIndex.from_documents([Document(text="Seoul.")], embed_model=embedding)
    assert_one_owner(recorded(client), provider)
    provider.requests.clear()
    answer = index.as_query_engine(llm=llm).query("Where?")

    observations = recorded(client)
    found = assert_one_owner(observations, provider)
    assert str(answer).startswith("provider says")
    assert sorted(row.type for row in found) == ["embedding", "generation"]
    assert len({row.trace for row in observations}) == 1
    for row in found:
        *_, root = parents(row, observations)
        assert root.name.endswith("QueryEngine.query")


@pytest.mark.parametrize(
    "work",
    [
        lambda model: model.get_text_embedding_batch(["one", "two", "three"]),
        lambda model: model.get_query_embedding("one"),
        lambda model: model.get_text_embedding("one"),
        lambda model: asyncio.run(model.aget_text_embedding_batch(["one", "two", "three"])),
        lambda model: asyncio.run(model.aget_query_embedding("one")),
        lambda model: asyncio.run(model.aget_text_embedding("one")),
    ],
)
def test_embeddings(work, client, openinference, provider, recorded):
    """The first batch is written on the span, each further one is its own embedding below it."""
    work(GenAIEmbedding(client=client, embed_batch_size=2))

    observations = recorded(client)
    found = assert_one_owner(observations, provider)
    texts = [text for row in found for text in row.json("input")]
    assert {row.type for row in found} == {"embedding"}
    assert len({row.trace for row in observations}) == 1
    assert sorted(texts) == sorted(["one", "two", "three"][: len(texts)])


@pytest.mark.parametrize("filtered", ["openinference", "kind"])
def test_a_filter_that_leaves_its_spans_out(filtered, llm, sdk, provider, recorded, client):
    """What would not be sent is not written on: the call has a generation of its own."""

    def keep(span):
        if filtered == "openinference":
            return not span.instrumentation_scope.name.startswith("openinference")
        return (span.attributes or {}).get("openinference.span.kind") != "LLM"

    sdk(should_export_span=keep)
    with instrumented():
        llm.predict(TEMPLATE, name="Kim")

    assert [row.name for row in recorded(client)] == ["genai-completion"]


def test_an_instrumentor_that_sends_elsewhere(llm, sdk, provider, recorded, client):
    """Spans for another back end stay as they are, and the call is recorded in Langfuse."""
    elsewhere, other = InMemorySpanExporter(), TracerProvider()
    other.add_span_processor(SimpleSpanProcessor(elsewhere))
    sdk()
    with instrumented(tracer_provider=other):
        llm.chat(QUESTION)

    (generation,) = recorded(client)
    (span,) = elsewhere.get_finished_spans()
    assert generation.name == "genai-completion"
    assert not any(name.startswith("langfuse") for name in span.attributes)


def test_langfuse_on_a_provider_of_its_own(llm, sdk, recorded, client):
    """Where the instrumentor has the same provider, its span is the generation."""
    own = TracerProvider()
    sdk(tracer_provider=own)
    with instrumented(tracer_provider=own):
        llm.chat(QUESTION)

    (generation,) = recorded(client)
    assert (generation.name, generation.type) == ("GenAI.chat", "generation")


def test_subclasses(client, openinference, provider, recorded):
    """A program's own class made from ours is treated alike."""

    class MyLLM(GenAI):
        """Ours."""

    MyLLM("gpt-4o-mini", client=client).predict(TEMPLATE, name="Kim")

    (generation,) = assert_one_owner(recorded(client), provider)
    assert generation.name == "MyLLM.chat"


def test_arguments_are_no_secret(llm, openinference, recorded, client):
    """OpenInference records the fields of the LLM: there is no key among them."""
    llm.chat(QUESTION)

    assert "sk-example" not in json.dumps([row.span for row in recorded(client)], default=repr)
