"""What a provider wants back of what its model thought, and what nobody else gets of it."""

from __future__ import annotations

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_scripts import tool_call

from genai_integrations import Connection, GenAIClient
from genai_integrations.calls.reply import Chunk
from genai_integrations.calls.route import Route
from genai_integrations.llama_index import GenAI
from genai_integrations.llama_index.replies import Growing
from genai_integrations.testing.provider import ScriptedProvider

ASK = ChatMessage("1 + 2?")
ADD = FunctionTool.from_defaults(lambda a, b: a + b, name="add", description="Add.")
THOUGHT = "I have to add."


def result_of(call):
    """What the tool answers to a message that calls it."""
    number = call.additional_kwargs["tool_calls"][0]["id"]
    return ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": number})


def echoed(body):
    """What each of the assistant's messages in a request brings back."""
    rows = [row for row in body["messages"] if row["role"] == "assistant"]
    return [row.get("reasoning_content") for row in rows]


@pytest.fixture
def provider():
    """A server that takes thoughts back, as DeepSeek's does and OpenAI's does not."""
    with ScriptedProvider(also_accepts=["reasoning_content"]) as server:
        yield server


@pytest.fixture
def asked(llm, four_ways, conversation):
    """Have a reply given, and get it as a message, in each of the four ways to ask."""
    params = llm._prepare_chat_with_tools([ADD], allow_parallel_tool_calls=True)
    params.pop("messages")

    def asked(reply, *history):
        conversation(reply)
        return [row.message for row in four_ways(llm, [*history, ASK], **params)]

    return asked


def test_a_tool_loop_hands_back_what_was_thought(llm, asked, sent):
    """With the calls and with the answer to their results, as DeepSeek wants it."""
    calls = asked({"reasoning_content": THOUGHT, **tool_call("add", a=1, b=2)})
    answers = asked({"reasoning_content": "That was easy.", "content": "It is 3."})
    for call, answer in zip(calls, answers, strict=True):
        llm.chat([ASK, call, result_of(call), answer, ChatMessage("And 2 + 3?")])

        assert echoed(sent()[-1]) == [THOUGHT, "That was easy."]


def test_an_answer_without_tools_hands_back_nothing(llm, asked, sent):
    """DeepSeek ignores it there, and older servers refuse it."""
    for answer in asked({"reasoning_content": THOUGHT, "content": "It is 3."}):
        llm.chat([ASK, answer, ChatMessage("And 2 + 3?")])

        assert echoed(sent()[-1]) == [None]


def test_a_written_message_keeps_what_has_to_go_back(llm, asked, sent):
    """Written to JSON and read again, as stores of chats do, a conversation goes on."""
    call, *_ = asked({"reasoning_content": THOUGHT, **tool_call("add", a=1, b=2)})
    read = ChatMessage.model_validate_json(call.model_dump_json())

    llm.chat([ASK, read, result_of(read)])

    assert echoed(sent()[-1]) == [THOUGHT]


def test_servers_with_another_name_for_it_get_nothing_back(llm, conversation, sent):
    """Groq and Cerebras call it `reasoning`, and refuse a request with `reasoning_content`."""
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "reasoning": THOUGHT, "tool_calls": [call]}
    conversation({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]})
    whole = llm.chat([ASK]).message
    growing = Growing(Route("m"))
    growing.add(Chunk({"choices": [{"delta": {"reasoning": THOUGHT}}]}))
    streamed = growing.add(Chunk({"choices": [{"delta": {"tool_calls": [call]}}]})).message
    for called in (whole, streamed):
        llm.chat([ASK, called, result_of(called)])

        assert called.blocks[0].content == THOUGHT
        assert echoed(sent()[-1]) == [None]


def test_azure_gets_no_thoughts_of_others(asked, provider, sent):
    """It refuses what it does not know."""
    call, *_ = asked({"reasoning_content": THOUGHT, **tool_call("add", a=1, b=2)})
    azure = Connection.of("azure", "azure", "az-key", f"{provider.url}/openai")
    with GenAIClient(connections=[azure]) as client:
        GenAI("azure/gpt-4o", client=client).chat([ASK, call, result_of(call)])

    assert echoed(sent()[-1]) == [None]


def chosen(**logprobs):
    """A reply whose tokens have probabilities."""
    message = {"role": "assistant", "content": "yes"}
    choice = {"index": 0, "finish_reason": "stop", "message": message, **logprobs}
    return {"choices": [choice]}


LIKELIEST = [{"token": "yes", "logprob": -0.1, "bytes": [121]}, {"token": "no", "logprob": -3}]


def test_probabilities_are_where_llama_index_looks(llm, hello, conversation, sent):
    """The likeliest tokens of each place, of a chat and of a completion."""
    first = {"token": "yes", "logprob": -0.1, "top_logprobs": LIKELIEST}
    bare = {"token": "!", "logprob": 0.0, "top_logprobs": []}
    conversation(chosen(logprobs={"content": [first, bare]}))
    own = llm.with_(additional_kwargs={"logprobs": True, "top_logprobs": 2})

    for response in (own.chat(hello), own.complete("Hello!")):
        ((yes, no),) = response.logprobs
        assert (yes.token, yes.logprob, yes.bytes) == ("yes", -0.1, [121])
        assert (no.token, no.logprob, no.bytes) == ("no", -3, [])
    assert sent()[-1]["top_logprobs"] == 2


@pytest.mark.parametrize("told", [None, {}, {"content": None}, {"content": []}, []])
def test_no_probabilities_are_none(told, llm, hello, conversation):
    """However a server says that there are none."""
    conversation(chosen(logprobs=told))

    assert llm.chat(hello).logprobs is None
