"""Gemini through the client and both frameworks: signatures come back, and nothing heavy is loaded for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.tools import FunctionTool

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.providers.vertex.tokens import service_account

NEWEST = "gemini-3-pro-preview"
CALLS = {"reasoning_content": "hm", "tool_calls": [{"name": "now"}, {"name": "now"}]}


@tool
def now() -> str:
    """Tell the time."""
    return "12:00"


@pytest.fixture(scope="module")
def server():
    """Speaks Gemini's dialect, and checks every signature that it gave."""
    with ScriptedProvider("abroad") as server:
        yield server


@pytest.fixture(scope="module")
def account(server):
    """A service account's JSON key."""
    return json.dumps(service_account(f"{server.url}/token")[0])


@pytest.fixture(params=["google-ai-studio", "vertex"])
def connection(request, server, account):
    """To either of Google's services."""
    server.replies.clear()
    server.requests.clear()
    key = account if request.param == "vertex" else "AIzaSyExampleExampleExample"
    return Connection.of("g", request.param, key, server.url)


@pytest.fixture
def client(connection):
    """With that connection."""
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        yield client


def by_client(client, *, stream):
    from genai_integrations.calls.assembly import Assembly

    asked = {"tools": [{"type": "function", "function": {"name": "now"}}], "reasoning_effort": "low"}  # fmt: skip
    messages = [{"role": "user", "content": "go"}]
    if stream:
        assembly = Assembly()
        for chunk in client.completion(f"g/{NEWEST}", messages, stream=True, **asked):
            assembly.add(chunk.model_dump())
        message = assembly.wire(None)["choices"][0]["message"]
    else:
        message = client.completion(f"g/{NEWEST}", messages, **asked).choices[0].message
    yield
    messages.append(message)
    messages += [
        {"role": "tool", "tool_call_id": call["id"], "content": "12:00"}
        for call in message["tool_calls"]
    ]
    reply = client.completion(f"g/{NEWEST}", messages, **asked)
    yield reply.choices[0].message.content
    messages += [reply.choices[0].message, {"role": "user", "content": "and?"}]
    yield client.completion(f"g/{NEWEST}", messages, **asked).choices[0].message.content


def by_langchain(client, *, stream):
    model = ChatGenAI(f"g/{NEWEST}", client=client, reasoning_effort="low").bind_tools([now])
    first = None
    for chunk in model.stream("go") if stream else [model.invoke("go")]:
        first = chunk if first is None else first + chunk
    yield
    results = [ToolMessage("12:00", tool_call_id=call["id"]) for call in first.tool_calls]
    messages = [HumanMessage("go"), first, *results]
    reply = model.invoke(messages)
    yield reply.content
    yield model.invoke([*messages, reply, HumanMessage("and?")]).content


def by_llama_index(client, *, stream):
    llm = GenAI(f"g/{NEWEST}", client=client, additional_kwargs={"reasoning_effort": "low"})
    offered = llm._prepare_chat_with_tools([FunctionTool.from_defaults(now.func)], allow_parallel_tool_calls=True)  # fmt: skip
    offered.pop("messages")
    messages = [ChatMessage("go")]
    first = list(llm.stream_chat(messages, **offered))[-1] if stream else llm.chat(messages, **offered)  # fmt: skip
    yield
    ids = [call["id"] for call in first.message.additional_kwargs["tool_calls"]]
    messages += [first.message]
    messages += [
        ChatMessage("12:00", role=MessageRole.TOOL, additional_kwargs={"tool_call_id": identity})
        for identity in ids
    ]
    reply = llm.chat(messages, **offered)
    yield reply.message.content
    yield llm.chat([*messages, reply.message, ChatMessage("and?")], **offered).message.content


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("door", [by_client, by_langchain, by_llama_index])
def test_signatures_come_back(door, stream, client, server):
    """Of the first of two calls, then of the text: the server refuses what lost its own or has another's."""
    server.replies["*"] = CALLS
    steps = door(client, stream=stream)
    next(steps)
    server.replies.clear()

    assert next(steps) == "abroad says: the tool answered 12:00, 12:00"
    assert next(steps) == "abroad says: and?"
    sent = server.requests[-1].body["contents"]
    signed = [part for content in sent for part in content["parts"] if "thoughtSignature" in part]
    assert ["functionCall" in part for part in signed] == [True, False]


def test_a_schema_beside_tools(client, server):
    """Models before 3 refuse the two together, so the schema is said in words, and the answer is checked here."""
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    form = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}
    tools = [{"type": "function", "function": {"name": "now"}}]
    server.replies["*"] = 'Here: ```json\n{"ok": true}\n```'
    told = {}
    for model in ("gemini-2.5-flash", NEWEST):
        server.requests.clear()
        if model == NEWEST:
            server.replies["*"] = '{"ok": true}'
        reply = client.completion(f"g/{model}", [{"role": "user", "content": "hi"}], tools=tools, response_format=form)  # fmt: skip
        assert json.loads(reply.choices[0].message.content) == {"ok": True}
        (asked,) = [request.body for request in server.requests if request.model]
        told[model] = (reply.route.attempts[0].restated, "generationConfig" in asked)

    assert told == {"gemini-2.5-flash": (("json_schema in words",), False), NEWEST: ((), True)}


FRESH = """
import asyncio, json, sys, time
from genai_integrations import Connection, GenAIClient
provider, url, key = json.loads(sys.stdin.read())
ask = [{"role": "user", "content": "hi"}]
client = GenAIClient(connections=[Connection.of("g", provider, key, url)])
began = time.process_time()
assert client.completion("g/gemini-2.5-flash", ask).choices[0].message.content == "abroad says: hi"
first = time.process_time() - began
assert len(list(client.completion("g/gemini-2.5-flash", ask, stream=True))) > 2
client.embedding("g/" + ("text-embedding-005" if provider == "vertex" else "gemini-embedding-001"), ["a"])
asyncio.run(client.acompletion("g/gemini-2.5-flash", ask))
heavy = ("litellm", "google.genai", "google.auth", "google.cloud", "requests", "grpc", "boto3", "botocore", "anthropic", "openai")
print([name for name in heavy if name in sys.modules])
print(first, file=sys.stderr)
"""


@pytest.mark.parametrize(("provider", "loaded"), [("google-ai-studio", []), ("vertex", ["google.auth"])])  # fmt: skip
def test_a_fresh_process_loads_nothing_heavy(provider, loaded, server, account):
    """Neither LiteLLM nor an SDK of Google's; google-auth for Vertex AI only, and `requests` not even then."""
    key = account if provider == "vertex" else "AIzaSyExampleExampleExample"
    server.replies.clear()
    told = json.dumps([provider, server.url, key])
    run = subprocess.run([sys.executable, "-c", FRESH], input=told, capture_output=True, text=True, check=True)  # fmt: skip

    assert run.stdout == f"{loaded}\n"


async def test_many_at_once(client):
    """On one event loop, with one token."""
    asked = [[{"role": "user", "content": str(number)}] for number in range(8)]
    replies = await asyncio.gather(*(client.acompletion("g/gemini-2.5-flash", ask) for ask in asked))  # fmt: skip

    assert [reply.choices[0].message.content for reply in replies] == [
        f"abroad says: {number}" for number in range(8)
    ]
