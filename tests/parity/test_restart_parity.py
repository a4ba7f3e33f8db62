"""A stream that begins anew through the client, `ChatGenAI` and `GenAI`: the whole answer is clean everywhere."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.runnables import RunnableLambda
from llama_index.core.llms import ChatMessage

from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.faults import Fault

TEXT = "one two three four"
RECOVERS = {"stream_recovery": "restart", "cooldown_time": 60}


@pytest.fixture
def broken(regions):
    """The first region breaks off after two pieces."""
    regions[0].faults["*"] = Fault.cut(2)


@pytest.fixture
def model_of(each_way, broken):
    """A framework's model whose client recovers streams."""

    def make(kind, **fields):
        made = each_way(lambda way: kind("seoul/gpt-4o", client=way.client, **fields), **RECOVERS)
        return made["client"]

    return make


@pytest.mark.parametrize("ask", ["stream", "astream"])
def test_the_whole_is_clean(ask, each_way, broken):
    """What each framework makes of the chunks has the second answer alone, and the route has both attempts."""

    def do(way):
        told = getattr(way, ask)(TEXT)
        return asyncio.run(told) if asyncio.iscoroutine(told) else told

    found = each_way(do, **RECOVERS)

    for name in ("langchain", "llama_index"):
        assert found[name].text == f"usa says: {TEXT}"
        assert found[name].outcomes == [
            ("seoul/gpt-4o", "StreamInterruptedError"),
            ("usa/gpt-4o", "ok"),
        ]
        assert found[name].usage == found["client"].usage == (4, 6, 10)


def test_langchain_is_told_where_to_drop(model_of):
    """A chunk without text, with `restarted` in its metadata; so is the message that the chunks add up to."""
    chunks = list(model_of(ChatGenAI).stream(TEXT))

    (at,) = [n for n, chunk in enumerate(chunks) if chunk.response_metadata.get("restarted")]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert "".join(chunk.text for chunk in chunks[:at]) == "seoul says:"
    assert chunks[at].text == ""
    assert "".join(chunk.text for chunk in chunks[at:]) == f"usa says: {TEXT}"
    assert whole.text == f"usa says: {TEXT}"
    assert whole.response_metadata["restarted"] is True
    assert type(whole).__name__ == "AIMessageChunk"
    assert whole.id == chunks[0].id


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_call_that_streams_within_gives_the_whole(way, model_of):
    """`streaming=True`: callbacks see the tokens, the caller one clean message."""
    ended = []

    class Watcher(BaseCallbackHandler):
        def on_llm_end(self, response, **_):
            ended.append(response.generations[0][0].message.content)

    model = model_of(ChatGenAI, streaming=True)
    config = {"callbacks": [Watcher()]}
    done = getattr(model, way)(TEXT, config=config)
    message = asyncio.run(done) if way == "ainvoke" else done

    assert type(message).__name__ == "AIMessage"
    assert message.content == f"usa says: {TEXT}"
    assert ended == [f"usa says: {TEXT}"]


def test_a_streamed_run_ends_with_the_whole(model_of):
    """Callbacks of `stream` get the sum that LangChain makes of all chunks at once."""
    ended = []

    class Watcher(BaseCallbackHandler):
        def on_llm_end(self, response, **_):
            ended.append(response.generations[0][0].message)

    list(model_of(ChatGenAI).stream(TEXT, config={"callbacks": [Watcher()]}))

    (message,) = ended
    assert message.content == f"usa says: {TEXT}"
    assert message.response_metadata["restarted"] is True


def test_a_chain_adds_up_the_whole(model_of, regions):
    """A step that waits for its input gets it clean; so does a parser that reads half-written JSON."""
    regions[0].replies["*"] = ['{"a"', ": 1", ', "b": 2}']
    regions[1].replies["*"] = ['{"c"', ": 3", "}"]
    model = model_of(ChatGenAI)
    whole = model | RunnableLambda(lambda message: message.text)

    assert list(whole.stream("A number."))[-1] == '{"c": 3}'
    assert list((model_of(ChatGenAI) | JsonOutputParser()).stream("A number."))[-1] == {"c": 3}


def test_all_chunks_are_written_down_as_messages_of_langchain(model_of):
    """So whoever reads them elsewhere knows their class."""
    chunks = list(model_of(ChatGenAI).stream(TEXT))

    assert {dumpd(chunk)["id"][-1] for chunk in chunks} == {"AIMessageChunk"}


def test_llama_index_is_told_where_to_drop(model_of):
    """A response without a delta, with `restarted` beside it; the message of each is clean."""
    responses = list(model_of(GenAI).stream_chat([ChatMessage(TEXT)]))

    (at,) = [n for n, row in enumerate(responses) if row.additional_kwargs.get("restarted")]
    assert responses[at - 1].message.content == "seoul says:"
    assert responses[at].message.content == ""
    assert responses[at].delta == ""
    assert "".join(row.delta for row in responses[at:]) == f"usa says: {TEXT}"
    assert responses[-1].message.content == f"usa says: {TEXT}"


def test_llama_index_completions_are_told_too(model_of):
    """`stream_complete` has the same mark."""
    responses = list(model_of(GenAI).stream_complete(TEXT))

    assert [row.text for row in responses if row.additional_kwargs.get("restarted")] == [""]
    assert responses[-1].text == f"usa says: {TEXT}"


def test_each_way_takes_it_for_one_call(each_way, broken):
    """Both arguments, given to a single stream."""

    def do(way):
        return way.stream(TEXT, stream_recovery="restart", stall_timeout=30)

    found = each_way(do)

    assert found["langchain"].text == found["llama_index"].text == f"usa says: {TEXT}"
