"""One model has one name, whoever asks and whoever else records: the name that the answer has."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from langfuse import Langfuse
from langfuse.langchain import CallbackHandler
from llama_index.core.llms import ChatMessage
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from tracing_support import HELLO, WAYS, ask

from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI

# OpenInference uses pydantic's old names, and swallows what they raise where warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ASKED, ANSWERED = "home/our-deployment", "gpt-4o-2024-11-20"
USAGE = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}


@pytest.fixture(autouse=True)
def deployment(provider):
    """A deployment with a free name, whose answers name the model, as Azure's do."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}}
    reply = {"model": ANSWERED, "choices": [{**choice, "finish_reason": "stop"}], "usage": USAGE}
    provider.replies["*"] = reply


@pytest.fixture
def shown(client, langfuse):
    """The one call of a model that Langfuse shows."""

    def shown():
        client.flush()
        (call,) = [row for row in langfuse.observations if row["type"] == "GENERATION"]
        return call

    return shown


def _check(call):
    assert (call["providedModelName"], call["modelId"]) == (ANSWERED, "gpt-4o")
    assert (call["inputUsage"], call["outputUsage"], call["totalUsage"]) == (8, 2, 10)
    assert call["totalCost"] == pytest.approx(8 * 2.5e-6 + 2 * 1e-5)
    assert call["totalCost"] == pytest.approx(
        sum(cost for part, cost in call["costDetails"].items() if part != "total")
    )
    assert call["modelParameters"] == {}


@pytest.mark.parametrize("way", WAYS)
def test_of_the_client(way, client, shown):
    """The reply, its chunks and the generation."""
    reply = ask(client, way, model=ASKED)

    names = {chunk.model for chunk in reply} if "stream" in way else {reply.model}
    assert names == {ANSWERED}
    _check(shown())


@pytest.mark.sample(4)
@pytest.mark.parametrize("handled", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_of_langchain(way, handled, client, langfuse, shown):
    """The message's metadata and the generation, with Langfuse's handler and without."""
    config = {}
    if handled:
        pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
        Langfuse(**pair, base_url=langfuse.host)
        config = {"callbacks": [CallbackHandler(public_key=langfuse.public_key)]}

    message = _ask_langchain(ChatGenAI(ASKED, client=client), way, config)

    assert message.response_metadata["model_name"] == ANSWERED
    _check(shown())


def _ask_langchain(model, way, config):
    if way == "plain":
        return model.invoke("Hello!", config)
    if way == "stream":
        return _together(list(model.stream("Hello!", config)))

    async def asked():
        if way == "async":
            return await model.ainvoke("Hello!", config)
        return _together([part async for part in model.astream("Hello!", config)])

    return asyncio.run(asked())


def _together(chunks):
    whole, *others = chunks
    for chunk in others:
        whole += chunk
    return whole


@pytest.mark.sample(4)
@pytest.mark.parametrize("instrumented", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_of_llama_index(way, instrumented, client, langfuse, shown):
    """The raw answer and the generation, with OpenInference's instrumentor and without."""
    with contextlib.ExitStack() as stack:
        if instrumented:
            pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
            Langfuse(**pair, base_url=langfuse.host)
            LlamaIndexInstrumentor().instrument()
            stack.callback(LlamaIndexInstrumentor().uninstrument)
        raw = _ask_llama_index(GenAI(ASKED, client=client), way)

    assert raw["model"] == ANSWERED
    _check(shown())


def _ask_llama_index(llm, way):
    messages = [ChatMessage(row["content"], role=row["role"]) for row in HELLO]
    if way == "plain":
        return llm.chat(messages).raw
    if way == "stream":
        return list(llm.stream_chat(messages))[-1].raw

    async def asked():
        if way == "async":
            return (await llm.achat(messages)).raw
        return [part async for part in await llm.astream_chat(messages)][-1].raw

    return asyncio.run(asked())
