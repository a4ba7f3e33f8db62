"""What LlamaIndex's callbacks, events and counters see: real usage, the model, and no secret."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.callbacks import (
    CallbackManager,
    CBEventType,
    EventPayload,
    LlamaDebugHandler,
    TokenCountingHandler,
)
from llama_index.core.instrumentation.events.embedding import EmbeddingStartEvent
from llama_index.core.instrumentation.events.llm import LLMChatEndEvent, LLMChatStartEvent
from llama_index.core.prompts import PromptTemplate
from llama_schemas import Menu

from genai_integrations.llama_index import GenAIEmbedding, use_params

SECRET = "sk-secret"


@pytest.fixture
def counter(llm):
    """LlamaIndex's token counter, with a tokenizer that must not be needed."""

    def estimate(text):
        raise AssertionError(f"tokens of {text!r} are estimated")

    counter = TokenCountingHandler(tokenizer=estimate)
    llm.callback_manager = CallbackManager([counter])
    return counter


def test_tokens_are_never_estimated(llm, counter, hello):
    """In all eight ways the counts are those of the provider."""
    answer = llm.chat(hello)
    list(llm.stream_chat(hello))
    llm.complete("Hello!")
    list(llm.stream_complete("Hello!"))

    async def asked():
        await llm.achat(hello)
        [part async for part in await llm.astream_chat(hello)]
        await llm.acomplete("Hello!")
        [part async for part in await llm.astream_complete("Hello!")]

    asyncio.run(asked())

    usage = answer.raw.usage
    counts = {
        (row.prompt_token_count, row.completion_token_count) for row in counter.llm_token_counts
    }
    assert len(counter.llm_token_counts) == 8
    assert counts == {(usage.prompt_tokens, usage.completion_tokens)}
    assert counter.total_llm_token_count == 8 * usage.total_tokens


def test_usage_is_in_additional_kwargs_too(llm, four_ways, hello):
    """Of a stream, in its last response."""
    for response in four_ways(llm, hello):
        wanted = {name: response.raw["usage"][name] for name in response.additional_kwargs}
        assert response.additional_kwargs == wanted
        assert wanted.keys() == {"prompt_tokens", "completion_tokens", "total_tokens"}


def test_a_call_is_one_event(llm, hello):
    """`complete` does not count as a chat too; a prediction is one call."""
    debug = LlamaDebugHandler(print_trace_on_end=False)
    llm.callback_manager = CallbackManager([debug])

    llm.complete("Hello!")
    llm.predict(PromptTemplate("{x}"), x="Hello!")
    list(llm.stream_chat(hello))

    assert len(debug.get_event_pairs(CBEventType.LLM)) == 3


def test_the_end_of_a_stream_has_its_answer(llm, hello):
    """The event has the last response and not a generator."""
    debug = LlamaDebugHandler(print_trace_on_end=False)
    llm.callback_manager = CallbackManager([debug])
    list(llm.stream_chat(hello))

    ((_, end),) = debug.get_event_pairs(CBEventType.LLM)
    assert end.payload[EventPayload.RESPONSE].message.content == "provider says: Hello!"


def test_events_have_the_model_and_no_secret(llm, hello, recorder):
    """Model and temperature as the call uses them; every event can be dumped, `raw` included."""
    with use_params(temperature=0.25):
        llm.chat(hello)
        list(llm.stream_chat(hello))
    llm.structured_predict(Menu, PromptTemplate("A menu."))

    starts = [row for row in recorder.events if isinstance(row, LLMChatStartEvent)]
    ends = [row for row in recorder.events if isinstance(row, LLMChatEndEvent)]
    names = [type(row).__name__ for row in recorder.events]
    assert starts[0].model_dict["model"] == "gpt-4o-mini"
    assert starts[0].model_dict["model_name"] == "gpt-4o-mini"
    assert [row.model_dict["temperature"] for row in starts] == [0.25, 0.25, None]
    assert [row.model_dump()["response"]["raw"]["usage"]["prompt_tokens"] for row in ends[:2]] == [
        1,
        1,
    ]
    assert ends[0].response.raw.usage.prompt_tokens == 1
    assert {"LLMStructuredPredictStartEvent", "LLMStructuredPredictEndEvent"} <= set(names)
    assert SECRET not in "".join(map(repr, recorder.events))


def test_responses_can_be_dumped_as_json(llm, hello):
    """With `raw`, as pydantic's replies of other integrations can."""
    *_, last = llm.stream_chat(hello)

    assert '"usage":{"prompt_tokens":1' in last.model_dump_json()
    assert last.raw.model_dump()["usage"]["prompt_tokens"] == 1


def test_embeddings_tell_their_model(client, recorder):
    """And no secret."""
    GenAIEmbedding(client=client, dimensions=8).get_query_embedding("Hello!")

    (start,) = [row for row in recorder.events if isinstance(row, EmbeddingStartEvent)]
    assert start.model_dict["model_name"] == "text-embedding-3-small"
    assert start.model_dict["dimensions"] == 8
    assert SECRET not in "".join(map(repr, recorder.events))


def test_an_error_ends_the_event(llm, provider, hello):
    """Handlers see the exception."""
    from genai_integrations.errors import BadRequestError
    from genai_integrations.testing.faults import Fault

    debug = LlamaDebugHandler(print_trace_on_end=False)
    llm.callback_manager = CallbackManager([debug])
    provider.faults["*"] = Fault.bad_request()
    with pytest.raises(BadRequestError):
        llm.chat(hello)
    with pytest.raises(BadRequestError):
        list(llm.stream_chat(hello))

    ends = [end for _, end in debug.get_event_pairs(CBEventType.LLM)]
    assert [type(end.payload[EventPayload.EXCEPTION]) for end in ends] == [BadRequestError] * 2


class Limiter:
    """Counts what passes."""

    def __init__(self):
        self.passed = []

    def acquire(self):
        self.passed.append("sync")

    async def async_acquire(self):
        self.passed.append("async")


def test_rate_limiters_are_asked(llm, hello):
    """Before each call, once."""
    own = llm.with_(rate_limiter=Limiter())

    own.chat(hello)
    asyncio.run(own.achat(hello))

    assert own.rate_limiter.passed == ["sync", "async"]
