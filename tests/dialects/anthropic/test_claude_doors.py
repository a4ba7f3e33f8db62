"""Claude through the client and both frameworks: what it gives comes back to it with the next turn."""

from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.tools import FunctionTool

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.providers.anthropic.thinking import thinking_block

MODEL = "c/claude-sonnet-4-5"
SEARCHED = [
    thinking_block("I must look"),
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [{"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "e"}],
    },
    thinking_block("Now I know"),
    {"type": "text", "text": "It is so."},
    {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}},
]  # fmt: skip
THOUGHT = [
    thinking_block("one"),
    {"type": "redacted_thinking"},
    thinking_block("two"),
    {"type": "text", "text": "Let me see."},
    {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}},
]
ANSWERS = {"searched": SEARCHED, "thought": THOUGHT}
QUESTION = "what time is it?"
TOOL = {
    "type": "function",
    "function": {"name": "now", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture(scope="module")
def server():
    with ScriptedProvider("claude") as server:
        yield server


@pytest.fixture
def client(server):
    server.requests.clear()
    server.replies.clear()
    connection = Connection.of("c", "anthropic", "sk-ant-example", server.url)
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        yield client


@tool
def now() -> str:
    """The time."""
    return "12:00"


def by_client(client, *, stream):
    from genai_integrations.calls.assembly import Assembly

    messages = [{"role": "user", "content": QUESTION}]
    if stream:
        assembly = Assembly()
        for chunk in client.completion(MODEL, messages, tools=[TOOL], stream=True):
            assembly.add(chunk.wire)
        message = assembly.wire(None)["choices"][0]["message"]
    else:
        message = client.completion(MODEL, messages, tools=[TOOL]).choices[0].message
    result = {"role": "tool", "tool_call_id": "toolu_1", "content": "12:00"}
    yield
    yield (
        client.completion(MODEL, [*messages, message, result], tools=[TOOL])
        .choices[0]
        .message.content
    )


def by_langchain(client, *, stream):
    model = ChatGenAI(model=MODEL, client=client).bind_tools([now])
    messages = [HumanMessage(QUESTION)]
    if stream:
        answer = None
        for chunk in model.stream(messages):
            answer = chunk if answer is None else answer + chunk
    else:
        answer = model.invoke(messages)
    yield
    result = ToolMessage("12:00", tool_call_id="toolu_1")
    yield model.invoke([*messages, answer, result]).content


def by_llama_index(client, *, stream):
    model = GenAI(model=MODEL, client=client)
    asked = FunctionTool.from_defaults(lambda: "12:00", name="now", description="The time.")
    messages = [ChatMessage(role=MessageRole.USER, content=QUESTION)]
    if stream:
        *_, answer = model.stream_chat_with_tools([asked], chat_history=messages)
    else:
        answer = model.chat_with_tools([asked], chat_history=messages)
    yield
    result = ChatMessage(
        role=MessageRole.TOOL, content="12:00", additional_kwargs={"tool_call_id": "toolu_1"}
    )
    yield model.chat_with_tools(
        [asked], chat_history=[*messages, answer.message, result]
    ).message.content


DOORS = {"client": by_client, "langchain": by_langchain, "llama_index": by_llama_index}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ANSWERS)
def test_thoughts_and_searches_go_back_as_they_came(name, door, stream, server, client):
    """In their order and with their signatures, whichever way the answer came and whoever holds it."""
    server.replies["*"] = {"type": "message", "content": ANSWERS[name], "stop_reason": "tool_use"}
    way = DOORS[door](client, stream=stream)
    next(way)
    server.replies.clear()
    assert next(way) == "claude says: the tool answered 12:00"

    back = server.requests[-1].body["messages"][1]
    assert back["role"] == "assistant"
    assert [block["type"] for block in back["content"]] == [
        block["type"] for block in ANSWERS[name]
    ]
    assert [block.get("thinking") for block in back["content"]] == [
        block.get("thinking") for block in ANSWERS[name]
    ]


def test_a_tool_that_failed_says_so(server, client):
    """LangChain's status reaches the model."""
    server.replies["*"] = {"type": "message", "content": THOUGHT[3:], "stop_reason": "tool_use"}
    model = ChatGenAI(model=MODEL, client=client).bind_tools([now])
    answer = model.invoke([HumanMessage(QUESTION)])
    server.replies.clear()
    failed = ToolMessage("no clock", tool_call_id="toolu_1", status="error")
    model.invoke([HumanMessage(QUESTION), answer, failed])

    (result,) = server.requests[-1].body["messages"][2]["content"]
    assert result == {
        "type": "tool_result", "tool_use_id": "toolu_1", "content": "no clock", "is_error": True,
    }  # fmt: skip


def test_a_thought_of_a_redacted_kind_is_no_text(server, client):
    """What only Anthropic can read stays for it."""
    server.replies["*"] = {"type": "message", "content": THOUGHT, "stop_reason": "tool_use"}
    answer = ChatGenAI(model=MODEL, client=client).bind_tools([now]).invoke(QUESTION)

    assert answer.additional_kwargs["reasoning_content"] == "onetwo"
    assert [block["type"] for block in answer.content_blocks] == [
        "reasoning", "non_standard", "reasoning", "text", "tool_call",
    ]  # fmt: skip
