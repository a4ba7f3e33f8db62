"""`GenAI` as an LLM: the eight methods, parameters, and what it leaves alone."""

from __future__ import annotations

import asyncio
import threading

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate

from genai_integrations import use_client
from genai_integrations.errors import (
    BadRequestError,
    ConfigurationError,
    ServerError,
    StreamInterruptedError,
)
from genai_integrations.llama_index import GenAI, use_params
from genai_integrations.testing.faults import Fault


def test_eight_ways_give_one_answer(llm, hello):
    """Chat and complete, whole and streamed, sync and async."""

    async def asked():
        return [
            (await llm.achat(hello)).message.content,
            (await llm.acomplete("Hello!")).text,
            "".join([part.delta async for part in await llm.astream_chat(hello)]),
            "".join([part.delta async for part in await llm.astream_complete("Hello!")]),
        ]

    answers = [
        llm.chat(hello).message.content,
        llm.complete("Hello!").text,
        "".join(part.delta for part in llm.stream_chat(hello)),
        "".join(part.delta for part in llm.stream_complete("Hello!")),
        *asyncio.run(asked()),
    ]

    assert answers == ["provider says: Hello!"] * 8


def test_every_streamed_response_holds_the_text_so_far(llm, hello):
    """And no later chunk changes an earlier response."""
    responses = list(llm.stream_chat(hello))

    texts = [response.message.content for response in responses]
    deltas = [response.delta for response in responses]
    assert texts == ["".join(deltas[: at + 1]) for at in range(len(deltas))]
    assert texts[-1] == "provider says: Hello!"


def test_of_several_answers_the_first_is_streamed(llm, hello):
    """Their pieces come mixed, with a number each."""
    *_, last = llm.stream_chat(hello, n=2)

    assert last.message.content == "provider says: Hello!"
    assert last.raw.whole


def test_a_call_wins_over_the_llm(llm, hello, sent):
    """Every parameter can be given per call, by LlamaIndex's name or the provider's; None takes it away."""
    own = llm.with_(temperature=0.9, max_tokens=50, additional_kwargs={"seed": 1})

    own.chat(hello, temperature=0.1, max_completion_tokens=7, seed=2, model="gpt-4o")
    own.chat(hello, temperature=None)
    own.chat(hello)

    first, second, third = sent()
    assert (first["model"], first["temperature"], first["seed"]) == ("gpt-4o", 0.1, 2)
    assert (first["max_completion_tokens"], first.get("max_tokens")) == (7, None)
    assert "temperature" not in second
    assert (third["temperature"], third["max_tokens"], third["seed"]) == (0.9, 50, 1)


def test_max_retries_is_the_number_of_retries(llm, provider, hello):
    """Neither doubled nor ignored, on the LLM and per call."""
    provider.faults["*"] = Fault.status(400)
    with pytest.raises(BadRequestError):
        llm.chat(hello)
    once = len(provider.requests)

    provider.faults["*"] = Fault.status(500)
    with pytest.raises(ServerError):
        llm.with_(max_retries=0).chat(hello)
    with pytest.raises(ServerError):
        llm.chat(hello, max_retries=0)

    assert (once, len(provider.requests)) == (1, 3)


@pytest.mark.parametrize("model", ["o3", "gpt-5", "o4-mini"])
def test_reasoning_models_work_with_default_settings(client, hello, sent, model):
    """Nothing is sent that the user did not ask for, such as a temperature that these models refuse."""
    response = GenAI(model, client=client).chat(hello)

    assert response.message.content == "provider says: Hello!"
    assert sent()[-1].keys() == {"model", "messages"}


def test_thoughts_are_a_block_and_a_delta(client, provider, four_ways, hello):
    """A model's reasoning is the first block, and comes as `thinking_delta` while it streams."""
    provider.replies["*"] = {"content": "Four.", "reasoning_content": "Two and two."}
    llm = GenAI("o3", client=client)

    responses = four_ways(llm, hello)
    deltas = [row.additional_kwargs.get("thinking_delta") or "" for row in llm.stream_chat(hello)]

    for response in responses:
        thought, text = response.message.blocks
        assert (thought.block_type, thought.content) == ("thinking", "Two and two.")
        assert thought.num_tokens == 3
        assert text.text == "Four."
    assert "".join(deltas) == "Two and two."


def test_fallback_is_told(pair, provider, four_ways, hello):
    """The route of an answer from another target, its cost and its usage are in `raw`, in streams too."""
    provider.faults["*"] = Fault.status(500)

    for response in four_ways(GenAI("seoul/gpt-4o", client=pair), hello):
        assert response.message.content == "usa says: Hello!"
        assert response.raw.route.served == "usa/gpt-4o"
        assert response.raw.route.cost > 0
        assert response.raw.usage.total_tokens > 0


def test_a_broken_stream_is_an_error_and_not_a_short_answer(llm, provider, hello):
    """After the first content nothing is repeated silently."""
    provider.faults["*"] = Fault.cut(after=2)

    with pytest.raises(StreamInterruptedError) as caught:
        list(llm.stream_chat(hello))

    assert "provider says: Hello!".startswith(caught.value.partial_text)


def test_the_callers_messages_stay_as_they_are(llm):
    """Asking with a history and a new message appends nothing to the history."""
    history = [ChatMessage(role="system", content="Be brief.")]
    before = [message.model_dump() for message in history]

    llm.chat_with_tools([], user_msg="Hello!", chat_history=history)
    llm.chat([*history, ChatMessage("Hello!")])

    assert [message.model_dump() for message in history] == before


def test_parameters_of_a_block_reach_inside(llm, hello, sent):
    """`use_params` wins over the LLM and loses to the call; blocks nest, and end."""
    own = llm.with_(temperature=0.9)
    with use_params(temperature=0.5, model="gpt-4o"):
        own.predict(PromptTemplate("{x}"), x="Hello!")
        with use_params(temperature=0.4):
            own.chat(hello)
            own.chat(hello, temperature=0.3)
    own.chat(hello)

    seen = [(body["model"], body["temperature"]) for body in sent()]
    assert seen == [("gpt-4o", 0.5), ("gpt-4o", 0.4), ("gpt-4o", 0.3), ("gpt-4o-mini", 0.9)]


def test_a_stream_keeps_what_surrounded_it(client, hello, sent):
    """Parameters and client are those of where the stream was asked for, though another thread reads it."""
    with use_client(client), use_params(temperature=0.5):
        stream = GenAI("gpt-4o").stream_chat(hello)
    reader = threading.Thread(target=list, args=[stream])
    reader.start()
    reader.join()

    assert sent()[-1]["temperature"] == 0.5


def test_ten_event_loops_one_after_the_other(llm, hello):
    """Each `asyncio.run` has a loop of its own; calls and streams work in all of them."""

    async def asked():
        streamed = [part.delta async for part in await llm.astream_chat(hello)]
        return (await llm.achat(hello)).message.content == "".join(streamed)

    assert all(asyncio.run(asked()) for _ in range(10))


def test_many_calls_at_once_do_not_wait_for_each_other(llm, provider, hello):
    """No async call blocks the event loop: each starts while the ones before it hang."""
    release = threading.Event()
    provider.faults["*"] = Fault.drip(release, after=1)

    async def asked():
        streams = [await llm.astream_chat(hello) for _ in range(5)]
        firsts = await asyncio.gather(*(anext(stream) for stream in streams))
        release.set()
        for stream in streams:
            async for _ in stream:
                pass
        return len(firsts)

    assert asyncio.run(asked()) == 5


def test_leaving_a_stream_early_closes_it(llm, provider, hello):
    """Of a stream that nobody reads on, nothing is left open."""
    provider.replies["*"] = ["word "] * 5000

    stream = llm.stream_chat(hello)
    next(stream)
    stream.close()

    assert llm.complete("Hello!", model="gpt-4o").text


@pytest.mark.parametrize("name", ["api_key", "base_url", "extra_headers"])
def test_keys_and_addresses_are_refused_at_construction(client, name):
    """By name, as a field, among the parameters, and in a block; no value is shown."""
    given = {name: "sk-very-secret"}
    for make in (
        lambda: GenAI(client=client, **given),
        lambda: GenAI(client=client, additional_kwargs=given),
        lambda: GenAI(client=client, additional_kwargs={"extra_body": given}),
        lambda: use_params(**given).__enter__(),
    ):
        with pytest.raises(ConfigurationError, match=name) as caught:
            make()
        assert "sk-very-secret" not in str(caught.value)


def test_unknown_fields_are_refused_by_name(client):
    """A typing error is no silent default; the message helps and shows no value."""
    with pytest.raises(ConfigurationError, match="did you mean 'temperature'") as caught:
        GenAI(client=client, temprature="sk-very-secret")

    assert "sk-very-secret" not in str(caught.value)


def test_a_wrong_value_is_not_shown(client):
    """Pydantic's message has the field, not what was given."""
    with pytest.raises(ValueError, match="temperature") as caught:
        GenAI(client=client, temperature="sk-very-secret")

    assert "sk-very-secret" not in str(caught.value)


def test_completion_to_prompt_is_honoured(llm, sent):
    """Unless the prompt is formatted already."""
    loud = llm.with_(completion_to_prompt=str.upper)

    loud.complete("Hello!")
    loud.complete("Hello!", formatted=True)

    assert [body["messages"][0]["content"] for body in sent()] == ["HELLO!", "Hello!"]


def test_a_refusal_is_kept(llm, provider, hello):
    """What a model says when it refuses is with the message."""
    provider.replies["*"] = {"content": None, "refusal": "I may not."}

    assert llm.chat(hello).message.additional_kwargs["refusal"] == "I may not."


def test_leaving_an_async_stream_early_closes_it(llm, provider, hello):
    """The provider notices, and nothing is left open when the loop ends."""
    release = threading.Event()
    provider.faults["*"] = Fault.drip(release, after=1)

    async def left():
        stream = await llm.astream_chat(hello)
        first = await anext(stream)
        await stream.aclose()
        return first.delta

    assert asyncio.run(left()) == ""  # the chunk that opens a stream
    assert provider.requests[-1].disconnected.wait(10)


def test_no_response_changes_after_it_was_handed_out(llm, provider, hello):
    """What a chunk was is what it stays, blocks, thoughts and calls included."""
    provider.replies["*"] = {
        "content": "Let me see.",
        "reasoning_content": "Two and two.",
        "tool_calls": [{"name": "add", "arguments": '{"a": 1}'}, {"name": "now"}],
    }
    kept, dumped = [], []
    for response in llm.stream_chat(hello):
        kept.append(response)
        dumped.append(response.model_dump_json())

    assert [response.model_dump_json() for response in kept] == dumped
    assert len(set(dumped)) == len(dumped)
