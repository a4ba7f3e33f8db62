"""LangChain: one generation per call, with and without Langfuse's own handler."""

from __future__ import annotations

import asyncio
import contextvars

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langfuse import Langfuse, propagate_attributes
from langfuse.langchain import CallbackHandler
from tracing_support import HELLO, calls

from genai_integrations.errors import BadRequestError
from genai_integrations.langchain import ChatGenAI, GenAIEmbeddings
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.langfuse import LangfuseStandIn

WAYS = ("invoke", "stream", "batch", "ainvoke", "astream", "abatch")
each_way = pytest.mark.parametrize("way", WAYS)


def make_handler(langfuse, kind=CallbackHandler):
    """Langfuse's handler for a stand-in's project."""
    Langfuse(public_key=langfuse.public_key, secret_key=langfuse.secret_key, base_url=langfuse.host)
    return kind(public_key=langfuse.public_key)


@pytest.fixture
def handler(langfuse):
    """Langfuse's own handler, of the same project."""
    return make_handler(langfuse)


@pytest.fixture
def chain(client):
    """A prompt and a model."""
    return ChatPromptTemplate.from_messages([("user", "{text}")]) | ChatGenAI(client=client)


def run(runnable, way, value, config):
    """Ask in one of the six ways; a batch asks twice."""
    # The handler leaves a batch's span behind as the current one, whatever model it is.
    return contextvars.copy_context().run(_run, runnable, way, value, config)


def _run(runnable, way, value, config):
    if way == "invoke":
        return runnable.invoke(value, config)
    if way == "stream":
        return list(runnable.stream(value, config))
    if way == "batch":
        return runnable.batch([value, value], config)

    async def asked():
        if way == "ainvoke":
            return await runnable.ainvoke(value, config)
        if way == "abatch":
            return await runnable.abatch([value, value], config)
        return [part async for part in runnable.astream(value, config)]

    return asyncio.run(asked())


def asked(provider):
    """How many chat requests arrived."""
    return len([row for row in provider.requests if row.path.endswith("/chat/completions")])


@each_way
def test_one_owner(way, chain, client, handler, provider, recorded):
    """With the handler each real call is one generation, below its chain, with the route on it."""
    run(chain, way, {"text": "Hello!"}, {"callbacks": [handler]})

    observations = recorded(client)
    generations = calls(observations)
    chains = {row.id for row in observations if row.name == "RunnableSequence"}
    assert len(generations) == len(chains) == asked(provider) == (2 if "batch" in way else 1)
    assert {row.parent for row in generations} == chains
    for row in generations:
        assert row.name == "ChatGenAI"
        assert row.json("output")["content"] == "provider says: Hello!"
        assert row.json("input") == HELLO
        assert row["model.name"] == "gpt-4o-mini"
        assert row.metadata["attempts"][0]["target"] == "home/gpt-4o-mini"
        assert row.json("cost_details")["total"] > 0
        assert row.json("usage_details")["total"] == 4
        assert bool(row["completion_start_time"]) == ("stream" in way)


@each_way
def test_without_the_handler(way, chain, client, provider, recorded):
    """The client records by itself, and what the config says of the call."""
    metadata = {
        "langfuse_user_id": "kim",
        "langfuse_session_id": "chat-7",
        "langfuse_tags": ["a"],
        "langfuse_prompt": {"name": "greeting", "version": 3},
    }
    run(chain, way, {"text": "Hello!"}, {"metadata": metadata})

    generations = recorded(client)
    assert len(generations) == asked(provider)
    for row in generations:
        assert (row.name, row.type, row.parent) == ("genai-completion", "generation", None)
        assert row.attributes["user.id"] == "kim"
        assert row.attributes["session.id"] == "chat-7"
        assert row.attributes["langfuse.trace.tags"] == ["a"]
        assert (row["prompt.name"], row["prompt.version"]) == ("greeting", 3)


@each_way
@pytest.mark.parametrize("bare", [False, True])
def test_who_asks(way, bare, chain, client, handler, recorded):
    """User, session and prompt reach the generation with the handler too, of a bare model as of a chain."""
    metadata = {"langfuse_user_id": "kim", "langfuse_prompt": {"name": "greeting", "version": 3}}
    model = ChatGenAI(client=client)
    value = "Hello!" if bare else {"text": "Hello!"}
    run(model if bare else chain, way, value, {"callbacks": [handler], "metadata": metadata})

    for row in calls(recorded(client)):
        assert row.attributes["user.id"] == "kim"
        assert (row["prompt.name"], row["prompt.version"]) == ("greeting", 3)


@each_way
def test_an_error(way, chain, client, handler, provider, recorded):
    """One generation, with the error."""
    provider.faults["*"] = Fault.bad_request("no such thing")
    with pytest.raises(BadRequestError):
        run(chain, way, {"text": "Hello!"}, {"callbacks": [handler]})

    for row in calls(recorded(client)):
        assert (row["level"], row.code) == ("ERROR", 2)
        assert "no such thing" in row["status_message"]
        assert row.metadata["attempts"][0]["status"] == 400


@each_way
def test_a_call_that_falls_over(way, make_client, connect, handler, provider, recorded):
    """The model on the handler's generation is the one that answered."""
    provider.faults["gpt-4o"] = Fault.status(500)
    client = make_client(connect(), router_args={"fallbacks": [{"gpt-4o": ["gpt-4o-mini"]}]})
    run(ChatGenAI("gpt-4o", client=client), way, "Hello!", {"callbacks": [handler]})

    for row in calls(recorded(client)):
        assert row["model.name"] == "gpt-4o-mini"
        assert row.metadata["asked"] == "gpt-4o"
        assert row.metadata["attempts"][-1]["outcome"] == "ok"


@each_way
def test_a_handler_of_another_project(way, chain, client, provider, recorded):
    """It records in its project, and the client in its own."""
    with LangfuseStandIn(public_key="pk-lf-other") as other:
        handler = make_handler(other)
        run(chain, way, {"text": "Hello!"}, {"callbacks": [handler]})
        handler._langfuse_client.flush()
        there, here = recorded(client, other), recorded(client)

    assert len(calls(there)) == len(calls(here)) == asked(provider)
    assert {row.name for row in here} == {"genai-completion"}
    assert "attempts" not in calls(there)[0].metadata


@each_way
def test_two_handlers(way, chain, client, handler, provider, recorded):
    """Of those for two projects, the call is written on the one for its own, whichever comes first."""
    with LangfuseStandIn(public_key="pk-lf-other") as other:
        theirs = make_handler(other)
        for callbacks in ([theirs, handler], [handler, theirs]):
            run(chain, way, {"text": "Hello!"}, {"callbacks": callbacks})
        theirs._langfuse_client.flush()
        there, here = recorded(client, other), recorded(client)

    assert len(calls(there)) == len(calls(here)) == asked(provider)
    assert all("attempts" in row.metadata for row in calls(here))


class Own(CallbackHandler):
    """A program's own handler, made from Langfuse's."""


@each_way
def test_a_handler_s_subclass(way, chain, client, langfuse, provider, recorded):
    """It counts like the original."""
    handler = make_handler(langfuse, Own)
    run(chain, way, {"text": "Hello!"}, {"callbacks": [handler]})

    assert len(calls(recorded(client))) == asked(provider)


@each_way
def test_a_model_made_before_langfuse(way, client, langfuse, provider, recorded):
    """The order in which a program makes its parts does not matter."""
    model = ChatGenAI(client=client)
    run(model, way, "Hello!", {"callbacks": [make_handler(langfuse)]})

    assert len(calls(recorded(client))) == asked(provider)


def test_several_questions_at_once(client, handler, provider, recorded):
    """`generate` starts a run for each before it asks the first."""
    questions = [[HumanMessage(text)] for text in ("one", "two", "three")]
    ChatGenAI(client=client).generate(questions, callbacks=[handler])

    generations = calls(recorded(client))
    assert len(generations) == asked(provider) == 3
    assert {row.json("input")[0]["content"] for row in generations} == {"one", "two", "three"}


def test_a_stream_that_is_left(chain, client, handler, recorded):
    """It is one generation still."""
    for _ in chain.stream({"text": "Hello!"}, {"callbacks": [handler]}):
        break

    (generation,) = calls(recorded(client))
    assert generation.metadata["attempts"][0]["target"] == "home/gpt-4o-mini"


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream", "messages"])
def test_an_agent(way, client, handler, provider, recorded):
    """Each of its two calls is one generation in the agent's one trace, also where it streams its messages."""
    call = {"tool_calls": [{"name": "weather", "arguments": {"city": "Seoul"}}]}
    provider.replies["*"] = lambda body: (
        call if body["messages"][-1]["role"] == "user" else "Sunny."
    )
    agent = create_agent(ChatGenAI(client=client), [weather])
    value, config = {"messages": [HumanMessage("Weather?")]}, {"callbacks": [handler]}
    if way == "messages":
        list(agent.stream(value, config, stream_mode="messages"))
    else:
        run(agent, way, value, config)

    observations = recorded(client)
    generations = calls(observations)
    ids = {row.id for row in observations}
    assert len(generations) == asked(provider) == 2
    assert len({row.trace for row in observations}) == 1
    assert all(row.parent in ids and "attempts" in row.metadata for row in generations)
    assert [row.name for row in observations if row.type == "tool"] == ["weather"]


def test_a_call_of_the_client_in_a_chain(client, handler, recorded):
    """A step that asks the client itself nests below the step."""
    step = RunnableLambda(lambda text: client.completion("gpt-4o", [{**HELLO[0], "content": text}]))
    step.invoke("Hello!", {"callbacks": [handler]})

    inner, outer = recorded(client)
    assert (inner.name, inner.parent) == ("genai-completion", outer.id)


def test_a_structured_model(client, handler, provider, recorded):
    """A chain that LangChain builds around the model is no call."""
    schema = {"title": "menu", "type": "object", "properties": {"dish": {"type": "string"}}}
    model = ChatGenAI(client=client).with_structured_output(schema)
    model.invoke("A menu.", {"callbacks": [handler]})

    assert len(calls(recorded(client))) == asked(provider) == 1


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_user_s_own_observation(way, client, langfuse, recorded):
    """A stream without the handler does not take an observation of the program's for its own."""
    sdk = Langfuse(
        public_key=langfuse.public_key, secret_key=langfuse.secret_key, base_url=langfuse.host
    )
    with (
        propagate_attributes(user_id="kim"),
        sdk.start_as_current_observation(name="mine", as_type="generation"),
    ):
        run(ChatGenAI(client=client), way, "Hello!", {})

    inner, mine = recorded(client)
    assert (inner.name, inner.parent) == ("genai-completion", mine.id)
    assert inner.attributes["user.id"] == "kim"
    assert mine["output"] is None


@pytest.mark.parametrize("is_async", [False, True])
def test_embeddings(is_async, client, recorded):
    """Each batch is a call."""
    embeddings = GenAIEmbeddings(client=client, chunk_size=2)
    texts = ["one", "two", "three"]
    if is_async:
        asyncio.run(embeddings.aembed_documents(texts))
    else:
        embeddings.embed_documents(texts)

    found = recorded(client)
    assert [row.type for row in found] == ["embedding"] * 2
    assert sorted(len(row.json("input")) for row in found) == [1, 2]
