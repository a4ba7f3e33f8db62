"""What a provider signs comes back to it with the next turn, through the client and both frameworks."""

from __future__ import annotations

import json

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, MessageRole

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.server import LoopbackServer

CALL = {"id": "t1", "type": "function", "function": {"name": "find", "arguments": '{"q": "x"}'}}
DETAILS = [
    {"type": "reasoning.text", "text": "hm, yes", "signature": "c2ln", "index": 0},
    {"type": "reasoning.encrypted", "data": "c2lnbmVk", "index": 0, "format": "google-gemini-v1"},
]
PIECES = [
    [{"type": "reasoning.text", "text": "hm, ", "index": 0}],
    [{"type": "reasoning.text", "text": "yes", "signature": "c2ln", "index": 0}, DETAILS[1]],
]
GOOGLES = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
PROXYS = {"provider_specific_fields": {"thought_signature": "c2ln"}}


class Signing(LoopbackServer):
    """Answers with a signed call, then with a text."""

    def __init__(self, message, deltas):
        super().__init__()
        self._message, self._deltas = message, deltas

    async def respond(self, request, exchange):
        """Send the next answer."""
        if request.body["messages"][-1]["role"] == "tool":
            await self._send(exchange, {"content": "done"}, "stop")
        elif request.body.get("stream"):
            chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in self._deltas]
            chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
            body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
            head = {"content-type": "text/event-stream"}
            await exchange.send(200, f"{body}data: [DONE]\n\n".encode(), head)
        else:
            await self._send(exchange, self._message, "tool_calls")

    async def _send(self, exchange, message, finish):
        message = {"role": "assistant", **message}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        head = {"content-type": "application/json"}
        await exchange.send(200, json.dumps({"id": "1", "choices": [choice]}).encode(), head)


SHAPES = {
    "openrouter": (
        {"content": None, "tool_calls": [CALL], "reasoning_details": DETAILS},
        [
            {"reasoning_details": PIECES[0]},
            {"reasoning_details": PIECES[1]},
            {"tool_calls": [{"index": 0, **CALL}]},
        ],
    ),
    "google": (
        {"content": None, "tool_calls": [{**CALL, **GOOGLES}]},
        [{"tool_calls": [{"index": 0, **CALL, **GOOGLES}]}],
    ),
    "litellm_proxy": (
        {"content": None, "tool_calls": [{**CALL, **PROXYS}]},
        [
            {"tool_calls": [{"index": 0, **CALL}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": ""}, **PROXYS}]},
        ],
    ),
}


def by_client(client, *, stream):
    assert not stream
    messages = [{"role": "user", "content": "go"}]
    message = client.completion("vllm/m", messages).choices[0].message
    messages += [message, {"role": "tool", "tool_call_id": "t1", "content": "r"}]
    return client.completion("vllm/m", messages).choices[0].message.content


def by_langchain(client, *, stream):
    model = ChatGenAI("vllm/m", client=client)
    first = None
    for chunk in model.stream("go") if stream else [model.invoke("go")]:
        first = chunk if first is None else first + chunk
    assert [call["args"] for call in first.tool_calls] == [{"q": "x"}]
    return model.invoke([HumanMessage("go"), first, ToolMessage("r", tool_call_id="t1")]).content


def by_llama_index(client, *, stream):
    llm = GenAI("vllm/m", client=client)
    messages = [ChatMessage("go")]
    first = list(llm.stream_chat(messages))[-1] if stream else llm.chat(messages)
    result = ChatMessage("r", role=MessageRole.TOOL, tool_call_id="t1")
    return llm.chat([*messages, first.message, result]).message.content


@pytest.mark.parametrize(
    ("door", "stream"),
    [
        (by_client, False),
        (by_langchain, False),
        (by_langchain, True),
        (by_llama_index, False),
        (by_llama_index, True),
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_signature_goes_back(shape, stream, door):
    """Gemini answers 400 to a result of a tool whose call comes back without its signature."""
    message, deltas = SHAPES[shape]
    with Signing(message, deltas) as server:
        connection = Connection.of("vllm", "vllm", "k", f"{server.url}/v1")
        with GenAIClient(connections=[connection]) as client:
            assert door(client, stream=stream) == "done"
        sent = server.requests[-1].body["messages"][1]

    assert sent.get("reasoning_details") == message.get("reasoning_details")
    (call,) = sent["tool_calls"]
    for name in ("extra_content", "provider_specific_fields"):
        assert call.get(name) == message["tool_calls"][0].get(name)


@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_who_refuses_a_signature_gets_none(kind):
    """OpenAI and Azure refuse keys that they do not know: a conversation may have begun elsewhere."""
    from genai_integrations.calls.wire import WireCall
    from genai_integrations.transports.openai.shaping import shaped

    connection = Connection.of(kind, kind, "k", "https://e.openai.azure.com" if kind == "azure" else None)  # fmt: skip
    message = {"role": "assistant", "content": None, "tool_calls": [{**CALL, **GOOGLES, **PROXYS}]}
    message |= {"reasoning_details": DETAILS, "reasoning": "hm", "citations": ["a"]}
    body = {"messages": [{"role": "user", "content": "go"}, message]}
    sent = shaped(WireCall(connection, "gpt-4o", "chat/completions", body))["messages"][1]

    assert sent == {"role": "assistant", "content": None, "tool_calls": [CALL]}


def test_citations_are_kept():
    """Perplexity tells its sources beside the choices, in each chunk of a stream."""
    told = {"citations": ["https://a.example"], "search_results": [{"title": "A"}]}
    with Citing(told) as server:
        connection = Connection.of("vllm", "vllm", "k", f"{server.url}/v1")
        with GenAIClient(connections=[connection]) as client:
            model, llm = ChatGenAI("vllm/m", client=client), GenAI("vllm/m", client=client)
            streamed = None
            for chunk in model.stream("go"):
                streamed = chunk if streamed is None else streamed + chunk
            found = [
                model.invoke("go").additional_kwargs,
                streamed.additional_kwargs,
                llm.chat([ChatMessage("go")]).message.additional_kwargs,
                list(llm.stream_chat([ChatMessage("go")]))[-1].message.additional_kwargs,
            ]

    for kwargs in found:
        assert {name: kwargs[name] for name in told} == told


class Citing(Signing):
    """Answers with a text and its sources."""

    def __init__(self, told):
        super().__init__({"content": "x"}, [])
        self._told = told

    async def respond(self, request, exchange):
        """Send it, whole or as two chunks."""
        stream = request.body.get("stream")
        key = "delta" if stream else "message"
        choice = {"index": 0, key: {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
        body = json.dumps({"id": "1", "choices": [choice], **self._told})
        if stream:
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            last = json.dumps({"id": "1", "choices": [], "usage": usage, **self._told})
            body = f"data: {body}\n\ndata: {last}\n\ndata: [DONE]\n\n"
        head = {"content-type": "text/event-stream" if stream else "application/json"}
        await exchange.send(200, body.encode(), head)
