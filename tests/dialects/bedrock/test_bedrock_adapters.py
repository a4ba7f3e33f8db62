"""What Claude on Bedrock signs goes back through both adapters as it came: the server refuses anything else."""

from __future__ import annotations

import pytest
from bedrock_data import CLAUDE, PAIR
from langchain_core.messages import HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.tools import FunctionTool

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.provider import ScriptedProvider

THINKS = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 3000}
CALLS = {
    "thinking_blocks": [
        {"type": "thinking", "thinking": "I have to look."},
        {"type": "redacted_thinking", "data": "eno="},
        {"type": "thinking", "thinking": "Once more."},
    ],
    "content": "Let me see.",
    "tool_calls": [{"name": "now", "arguments": {}}, {"name": "now", "arguments": {"zone": "KST"}}],
}


def now(zone: str = "UTC") -> str:
    """The time."""
    return f"12:00 {zone}"


@pytest.fixture
def provider():
    """A Claude that wants to know the time first."""
    with ScriptedProvider("aws", replies={"*": CALLS}) as server:
        yield server


@pytest.fixture
def client(provider):
    """A client of it."""
    connection = Connection.of("aws", "bedrock", PAIR, provider.url, region="us-east-1")
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        yield client


def sent_back(provider):
    """The assistant's turn and the results, as they were sent."""
    asked, answered = provider.requests[-1].body["messages"][1:]
    thoughts = [
        block["reasoningContent"] for block in asked["content"] if "reasoningContent" in block
    ]
    return thoughts, [next(iter(block)) for block in answered["content"]]


def check(provider, text):
    """The loop went on, with all thoughts before the calls and both results in one turn."""
    thoughts, results = sent_back(provider)

    assert text.startswith("aws says: the tool answered 12:00")
    assert [row.get("redactedContent") or row["reasoningText"]["text"] for row in thoughts] == [
        "I have to look.", "eno=", "Once more.",
    ]  # fmt: skip
    assert results == ["toolResult", "toolResult"]


@pytest.mark.parametrize("stream", [False, True])
def test_langchain(client, provider, stream):
    """Whole and streamed."""
    model = ChatGenAI(f"aws/{CLAUDE}", client=client, model_kwargs=THINKS).bind_tools([now])
    asked = HumanMessage("What time is it?")
    answer = sum_of(model.stream([asked])) if stream else model.invoke([asked])
    provider.replies.clear()
    results = [
        ToolMessage(now(**call["args"]), tool_call_id=call["id"]) for call in answer.tool_calls
    ]

    check(provider, model.invoke([asked, answer, *results]).content)


def sum_of(chunks):
    """The chunks of a stream put together."""
    total = None
    for chunk in chunks:
        total = chunk if total is None else total + chunk
    return total


@pytest.mark.parametrize("stream", [False, True])
def test_llama_index(client, provider, stream):
    """Whole and streamed."""
    model = GenAI(f"aws/{CLAUDE}", client=client, additional_kwargs=THINKS)
    tools = [FunctionTool.from_defaults(now)]
    asked, parallel = ChatMessage("What time is it?"), {"allow_parallel_tool_calls": True}
    if stream:
        stream = model.stream_chat_with_tools(tools, chat_history=[asked], **parallel)
        answer = list(stream)[-1].message
    else:
        answer = model.chat_with_tools(tools, chat_history=[asked], **parallel).message
    provider.replies.clear()
    results = [
        ChatMessage(
            "12:00 UTC",
            role=MessageRole.TOOL,
            additional_kwargs={"tool_call_id": block.tool_call_id},
        )
        for block in answer.blocks
        if isinstance(block, ToolCallBlock)
    ]
    last = model.chat_with_tools(tools, chat_history=[asked, answer, *results])

    check(provider, last.message.content)
