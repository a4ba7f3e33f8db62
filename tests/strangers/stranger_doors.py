"""Six ways to ask: the client, LangChain's model and LlamaIndex's LLM, each sync and async.

Each gives the same plain values: a text, the pieces of a streamed text, a call as name and arguments, an object.
`served` is the target of the last text.
"""

from __future__ import annotations

import asyncio
import json

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI

SUM = "What is 1 + 2?"
_CALL = {
    "id": "call_abc",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'},
}


class Menu(BaseModel):
    """A menu."""

    title: str
    dishes: int


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


_NUMBERS = {"a": {"type": "integer"}, "b": {"type": "integer"}}
_ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {"type": "object", "properties": _NUMBERS, "required": ["a", "b"]},
    },
}


class ByClient:
    """The client."""

    def __init__(self, client, model):
        self.client, self.model = client, model

    def text(self, question):
        reply = self._reply(_asked(question))
        self.served = reply.route.served
        return reply.choices[0].message.content

    def pieces(self, question):
        chunks = self._chunks(_asked(question))
        return [row["choices"][0]["delta"].get("content") or "" for row in chunks if row["choices"]]

    def call(self):
        return _loaded(self._reply(_asked(SUM), tools=[_ADD]).wire["choices"][0]["message"])

    def streamed_call(self):
        chunks = self._chunks(_asked(SUM), tools=[_ADD])
        deltas = [row["choices"][0]["delta"] for row in chunks if row["choices"]]
        parts = [part for delta in deltas for part in delta.get("tool_calls") or ()]
        function = {
            name: "".join(part["function"].get(name) or "" for part in parts)
            for name in ("name", "arguments")
        }
        return _loaded({"tool_calls": [{"function": function}]})

    def after_result(self):
        result = {"role": "tool", "tool_call_id": "call_abc", "content": "3"}
        asked = {"role": "assistant", "content": None, "tool_calls": [_CALL]}
        reply = self._reply([*_asked(SUM), asked, result], tools=[_ADD])
        return reply.choices[0].message.content

    def structured(self, question):
        schema = {**Menu.model_json_schema(), "additionalProperties": False}
        form = {"name": "Menu", "strict": True, "schema": schema}
        response_format = {"type": "json_schema", "json_schema": form}
        reply = self._reply(_asked(question), response_format=response_format)
        return json.loads(reply.choices[0].message.content)

    def _reply(self, messages, **params):
        return self.client.completion(self.model, messages, **params)

    def _chunks(self, messages, **params):
        with self.client.completion(self.model, messages, True, **params) as stream:
            chunks = [chunk.wire for chunk in stream]
        self.served = stream.route.served
        return chunks


class ByAsyncClient(ByClient):
    """The client, on an event loop."""

    def _reply(self, messages, **params):
        return asyncio.run(self.client.acompletion(self.model, messages, **params))

    def _chunks(self, messages, **params):
        async def collect():
            stream = await self.client.acompletion(self.model, messages, True, **params)
            async with stream:
                chunks = [chunk.wire async for chunk in stream]
            self.served = stream.route.served
            return chunks

        return asyncio.run(collect())


class ByLangChain:
    """`ChatGenAI`."""

    def __init__(self, client, model):
        self.model = ChatGenAI(model, client=client)

    def text(self, question):
        message = self._invoke(self.model, question)
        self.served = message.response_metadata["route"]["served"]
        return message.text

    def pieces(self, question):
        chunks = self._stream(self.model, question)
        self.served = _sum(chunks).response_metadata["route"]["served"]
        return [chunk.text for chunk in chunks]

    def call(self):
        return self._called(self._invoke(self.model.bind_tools([add]), SUM))

    def streamed_call(self):
        return self._called(_sum(self._stream(self.model.bind_tools([add]), SUM)))

    def after_result(self):
        call = {"name": "add", "args": {"a": 1, "b": 2}, "id": "call_abc"}
        asked = AIMessage("", tool_calls=[call])
        history = [HumanMessage(SUM), asked, ToolMessage("3", tool_call_id="call_abc")]
        return self._invoke(self.model.bind_tools([add]), history).text

    def structured(self, question):
        return self._invoke(self.model.with_structured_output(Menu), question).model_dump()

    def _called(self, message):
        [call] = message.tool_calls
        return call["name"], call["args"]

    def _invoke(self, runnable, given):
        return runnable.invoke(given)

    def _stream(self, runnable, given):
        return list(runnable.stream(given))


class ByAsyncLangChain(ByLangChain):
    """`ChatGenAI`, on an event loop."""

    def _invoke(self, runnable, given):
        return asyncio.run(runnable.ainvoke(given))

    def _stream(self, runnable, given):
        async def collect():
            return [chunk async for chunk in runnable.astream(given)]

        return asyncio.run(collect())


class ByLlamaIndex:
    """`GenAI`."""

    def __init__(self, client, model):
        self.llm = GenAI(model, client=client)
        self.tools = [FunctionTool.from_defaults(add)]

    def text(self, question):
        response = self._chat([ChatMessage(question)])
        self.served = response.raw.route.served
        return response.message.content

    def pieces(self, question):
        responses = self._stream([ChatMessage(question)])
        self.served = responses[-1].raw.route.served
        return [response.delta or "" for response in responses]

    def call(self):
        return self._called(self._ask_with_tools([ChatMessage(SUM)]))

    def streamed_call(self):
        return self._called(self._stream_with_tools())

    def after_result(self):
        asked = ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [_CALL]})
        result = {"tool_call_id": "call_abc"}
        told = ChatMessage(role="tool", content="3", additional_kwargs=result)
        return self._ask_with_tools([ChatMessage(SUM), asked, told]).message.content

    def structured(self, question):
        return self.llm.structured_predict(Menu, PromptTemplate(question)).model_dump()

    def _called(self, response):
        [call] = self.llm.get_tool_calls_from_response(response)
        return call.tool_name, call.tool_kwargs

    def _chat(self, messages):
        return self.llm.chat(messages)

    def _stream(self, messages):
        return list(self.llm.stream_chat(messages))

    def _ask_with_tools(self, messages):
        return self.llm.chat_with_tools(self.tools, chat_history=messages)

    def _stream_with_tools(self):
        return list(self.llm.stream_chat_with_tools(self.tools, SUM))[-1]


class ByAsyncLlamaIndex(ByLlamaIndex):
    """`GenAI`, on an event loop."""

    def structured(self, question):
        done = self.llm.astructured_predict(Menu, PromptTemplate(question))
        return asyncio.run(done).model_dump()

    def _chat(self, messages):
        return asyncio.run(self.llm.achat(messages))

    def _stream(self, messages):
        return asyncio.run(_collected(self.llm.astream_chat(messages)))

    def _ask_with_tools(self, messages):
        return asyncio.run(self.llm.achat_with_tools(self.tools, chat_history=messages))

    def _stream_with_tools(self):
        stream = self.llm.astream_chat_with_tools(self.tools, SUM)
        return asyncio.run(_collected(stream))[-1]


DOORS = {
    "client": ByClient,
    "client async": ByAsyncClient,
    "langchain": ByLangChain,
    "langchain async": ByAsyncLangChain,
    "llama_index": ByLlamaIndex,
    "llama_index async": ByAsyncLlamaIndex,
}


def _asked(question):
    return [{"role": "user", "content": question}]


def _loaded(message):
    [call] = message["tool_calls"]
    return call["function"]["name"], json.loads(call["function"]["arguments"])


def _sum(chunks):
    whole, *others = chunks
    for chunk in others:
        whole += chunk
    return whole


async def _collected(awaitable):
    return [row async for row in await awaitable]
