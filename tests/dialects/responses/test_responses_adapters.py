"""The Responses API through LangChain and LlamaIndex: what comes back, and what goes back with the next turn."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from llama_index.core.llms import ChatMessage

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.provider import ScriptedProvider

NOTE = {"type": "url_citation", "start_index": 0, "end_index": 1, "title": "t", "url": "u"}
OUTPUT = [
    {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
    {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "a"}},
    {
        "id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "phase": "commentary",
        "content": [{"type": "output_text", "text": "see", "annotations": [NOTE], "logprobs": []}],
    },
    {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_c", "name": "sh", "input": "ls"},
    {"id": "fc_1", "type": "function_call", "call_id": "call_f", "name": "add", "arguments": '{"a":1}', "status": "completed"},
]  # fmt: skip
SENT = [
    {"role": "user", "content": "hi"},
    *OUTPUT,
    {"type": "function_call_output", "call_id": "call_f", "output": "3"},
    {"type": "custom_tool_call_output", "call_id": "call_c", "output": "a.txt"},
]


@pytest.fixture
def server():
    """A model that thinks, searches, says something and calls two tools; then it is done."""
    with ScriptedProvider("openai") as provider:
        provider.replies["*"] = lambda body: (
            {"output": OUTPUT} if len(body["input"]) == 1 else "done"
        )
        yield provider


@pytest.fixture
def client(server):
    """One connection."""
    connection = Connection.of("c", "openai", "sk-example", f"{server.url}/v1", dialect="responses")
    with GenAIClient(connections=[connection]) as client:
        yield client


def _langchain(client, mode):
    model, hello = ChatGenAI("c/gpt-5", client=client), [HumanMessage("hi")]

    async def gathered():
        return [chunk async for chunk in model.astream(hello)]

    if mode == "whole":
        answer = model.invoke(hello)
    else:
        first, *rest = model.stream(hello) if mode == "stream" else asyncio.run(gathered())
        answer = first
        for chunk in rest:
            answer += chunk
    names = [(call["name"], call["args"]) for call in answer.tool_calls]
    results = [ToolMessage("3", tool_call_id="call_f"), ToolMessage("a.txt", tool_call_id="call_c")]
    last = model.invoke([*hello, answer, *results])
    return answer.text, answer.additional_kwargs["reasoning_content"], names, last.text


def _llama_index(client, mode):
    llm, hello = GenAI("c/gpt-5", client=client), [ChatMessage("hi")]

    async def gathered():
        return [row async for row in await llm.astream_chat(hello)]

    if mode == "whole":
        answer = llm.chat(hello)
    else:
        answer = [*(llm.stream_chat(hello) if mode == "stream" else asyncio.run(gathered()))][-1]
    message = answer.message
    calls = llm.get_tool_calls_from_response(answer)
    thought = next(block.content for block in message.blocks if block.block_type == "thinking")
    results = [
        ChatMessage(role="tool", content=text, additional_kwargs={"tool_call_id": identity})
        for text, identity in (("3", "call_f"), ("a.txt", "call_c"))
    ]
    last = llm.chat([*hello, message, *results])
    names = [(call.tool_name, call.tool_kwargs) for call in calls]
    return message.content, thought, names, last.message.content


@pytest.mark.parametrize("mode", ["whole", "stream", "astream"])
@pytest.mark.parametrize("talk", [_langchain, _llama_index], ids=["langchain", "llama_index"])
def test_a_turn_with_tools(talk, mode, client, server):
    """Thoughts, searches and custom tools go back as they came; a custom tool's text is its argument `input`."""
    text, thought, calls, last = talk(client, mode)

    assert (text, thought, last) == ("see", "hm", "done")
    assert calls == [("sh", {"input": "ls"}), ("add", {"a": 1})]
    assert server.requests[-1].body["input"] == SENT
