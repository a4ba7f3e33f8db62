"""A stream's pieces, put together, are the whole answer; odd pieces and odd content do no harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_support import run, whole

from genai_integrations.calls.reply import Reply
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.langchain.blocks import PROVIDER
from genai_integrations.langchain.messages import to_wire
from genai_integrations.langchain.replies import StreamReader, chat_result

ROUTE = Route("m", [Attempt("c/m", "c", "openai", "m", "first", outcome="ok")])
WORDS = st.lists(st.text(min_size=1, max_size=5), max_size=4)
ARGUMENTS = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=3)


def weather(city: str) -> str:
    """Say how the weather is."""
    return f"rain in {city}"


def read(deltas, **last):
    """Chunks of these deltas."""
    reader = StreamReader()
    chunks = [reader.chunk({"choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
    ended = reader.chunk({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    assert ended is None
    reader.chunk({"choices": [], **last})
    return [chunk.message for chunk in (*chunks, reader.last(ROUTE)) if chunk]


@given(WORDS, WORDS, st.lists(ARGUMENTS, max_size=3), st.integers(1, 7))
def test_pieces_are_the_whole(thoughts, words, arguments, size):
    """Text, reasoning and calls are the same, however they were cut."""
    texts = [json.dumps(each, ensure_ascii=False) for each in arguments]
    calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": "f", "arguments": text}}
        for n, text in enumerate(texts)
    ]
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": word} for word in thoughts]
    deltas += [{"content": word} for word in words]
    for index, call in enumerate(calls):
        function = call["function"]
        deltas.append(
            {"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]}
        )
        pieces = [texts[index][at : at + size] for at in range(0, len(texts[index]), size)]
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces
        ]
    message = {"content": "".join(words), "reasoning_content": "".join(thoughts)}
    choice = {"message": {**message, "tool_calls": calls}, "finish_reason": "stop"}
    expected = chat_result(Reply({"choices": [choice]}, ROUTE)).generations[0].message
    streamed = whole(read(deltas))

    assert streamed.content == expected.content
    assert streamed.additional_kwargs == expected.additional_kwargs
    assert streamed.tool_calls == expected.tool_calls
    assert streamed.content_blocks == expected.content_blocks
    assert to_wire([streamed]) == to_wire([expected])


def test_usage_is_told_once():
    """Exactly one chunk has it, with the reason for the end."""
    chunks = read([{"content": "a"}], usage={"prompt_tokens": 1, "completion_tokens": 2})

    assert [bool(chunk.usage_metadata) for chunk in chunks] == [False, True]
    assert chunks[-1].usage_metadata["total_tokens"] == 3


def test_log_probabilities_of_a_stream():
    """They grow with the text."""
    reader = StreamReader()
    chunks = [
        reader.chunk(
            {"choices": [{"delta": {"content": word}, "logprobs": {"content": [{"token": word}]}}]}
        )
        for word in ("a", "b", "")
    ]
    told = whole(chunks).generation_info["logprobs"]["content"]

    assert told == [{"token": "a"}, {"token": "b"}, {"token": ""}]


def test_empty_pieces_are_passed_over():
    """A delta that is empty or nothing makes no chunk."""
    reader = StreamReader()
    for delta in (None, {}, {"content": None}, {"tool_calls": [], "reasoning_content": ""}):
        assert reader.chunk({"choices": [{"delta": delta}]}) is None


def test_thinking_blocks_are_told_apart():
    """Each ends with its signature; hidden ones are kept as they are."""
    deltas = [
        {"thinking_blocks": [{"type": "thinking", "thinking": "a", "signature": None}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "b"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "s1"}]},
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "xx"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "c"}]},
        {"thinking_blocks": [{"type": "thinking", "signature": "s2"}]},
    ]
    message = whole(read(deltas))

    assert to_wire([message])[0]["thinking_blocks"] == [
        {"type": "thinking", "thinking": "ab", "signature": "s1"},
        {"type": "redacted_thinking", "data": "xx"},
        {"type": "thinking", "thinking": "c", "signature": "s2"},
    ]
    assert message.content_blocks == [
        {"type": "reasoning", "reasoning": "ab", "extras": {"signature": "s1"}},
        {"type": "non_standard", "value": {"type": "redacted_thinking", "data": "xx"}},
        {"type": "reasoning", "reasoning": "c", "extras": {"signature": "s2"}},
    ]


def test_a_piece_of_a_call_is_a_block():
    """With or without a number."""
    given_calls = [
        {"name": "f", "args": "{", "id": "1", "index": 0, "type": "tool_call_chunk"},
        {"name": "g", "args": "{", "id": "2", "index": None, "type": "tool_call_chunk"},
    ]
    chunk = AIMessageChunk(
        "", tool_call_chunks=given_calls, response_metadata={"model_provider": PROVIDER}
    )

    assert [block.get("index") for block in chunk.content_blocks] == ["lc_tc_0", None]


@pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")
@pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning")
def test_gemini_gets_its_signature_back(make_client, connect, provider, mode):
    """Gemini 3 refuses a loop without the signature of its call: LangChain's messages keep it."""
    client = make_client(connect(kind="google-ai-studio"))
    model = ChatGenAI("home/gemini-3-pro-preview", client=client, reasoning_effort="low")
    bound = model.bind_tools([weather])
    call = {"name": "weather", "arguments": {"city": "Oslo"}}
    provider.replies["*"] = {"reasoning_content": "hm", "tool_calls": [call]}
    called = run(bound, mode, "Oslo?")
    provider.replies.clear()
    result = {"role": "tool", "content": "rain", "tool_call_id": called.tool_calls[0]["id"]}

    assert run(bound, mode, [("human", "Oslo?"), called, result]).text == (
        "provider says: the tool answered rain"
    )


@pytest.mark.parametrize("content", [[3], [None]])
def test_content_that_is_none(content):
    """Neither text nor a block: the error says what it is."""
    message = HumanMessage("x")
    message.content = content
    with pytest.raises(ConfigurationError, match=r"messages\[0\].content\[0\] is a"):
        to_wire([message])


def test_odd_results_and_calls():
    """Anthropic's call in the content counts; `source_type: text` is text; several texts stay apart."""
    use = {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}
    text = {"type": "file", "source_type": "text", "text": "hi"}
    (asked,) = to_wire([AIMessage([use])])
    (said,) = to_wire([HumanMessage([text])])

    assert asked["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert said["content"] == [{"type": "text", "text": "hi"}]
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert to_wire([SystemMessage(parts)])[0]["content"] == parts
    assert to_wire([AIMessage(parts)])[0]["content"] == "ab"


def test_a_model_without_a_client(monkeypatch):
    """What it tells of itself does not depend on whether it could call."""

    def none():
        raise ConfigurationError("no client")

    monkeypatch.setattr("genai_integrations.langchain.chat_model.default_client", none)

    assert ChatGenAI()._identifying_params["tenant"] is None
    assert ChatGenAI().profile is None
