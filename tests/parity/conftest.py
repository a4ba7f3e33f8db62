"""Three ways to ask the same: the client, LangChain's model and LlamaIndex's LLM."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.provider import ScriptedProvider


class Menu(BaseModel):
    """A menu."""

    title: str
    dishes: int


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}


@dataclass
class Told:
    """What a way tells of an answer, in words that all three have."""

    text: str
    usage: tuple[int, int, int]
    cost: float
    served: str
    outcomes: list[tuple[str, str]]
    why: str

    @classmethod
    def of(cls, text: str, usage: dict[str, Any], route: dict[str, Any]) -> Told:
        """The answer, from plain data."""
        counts = usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]
        outcomes = [(row["target"], row["outcome"]) for row in route["attempts"]]
        return cls(text, counts, route["cost"], route["served"], outcomes, route["why"])


class ByClient:
    """The client itself."""

    def __init__(self, client, model):
        self.client, self.model = client, model

    def ask(self, text, **params):
        reply = self.client.completion(self.model, [{"role": "user", "content": text}], **params)
        return self._told(reply.choices[0].message.content, reply.wire["usage"], reply.route)

    def stream(self, text, **params):
        messages = [{"role": "user", "content": text}]
        with self.client.completion(self.model, messages, True, **params) as stream:
            chunks = [chunk.wire for chunk in stream]
        return self._joined(chunks, stream.route)

    async def aask(self, text):
        reply = await self.client.acompletion(self.model, [{"role": "user", "content": text}])
        return self._told(reply.choices[0].message.content, reply.wire["usage"], reply.route)

    async def astream(self, text):
        messages = [{"role": "user", "content": text}]
        stream = await self.client.acompletion(self.model, messages, True)
        return self._joined([chunk.wire async for chunk in stream], stream.route)

    def tools(self, text):
        choice = {"type": "function", "function": {"name": "add"}}
        messages = [{"role": "user", "content": text}]
        reply = self.client.completion(self.model, messages, tools=[ADD], tool_choice=choice)
        calls = reply.choices[0].message.tool_calls
        return [(call.function.name, _loads(call.function.arguments)) for call in calls]

    def structured(self, text):
        schema = {**Menu.model_json_schema(), "additionalProperties": False}
        form = {"type": "json_schema", "json_schema": {"name": "Menu", "schema": schema}}
        messages = [{"role": "user", "content": text}]
        reply = self.client.completion(self.model, messages, response_format=form)
        return Menu.model_validate_json(reply.choices[0].message.content)

    def _joined(self, chunks, route):
        deltas = [row["choices"][0]["delta"] for row in chunks if row["choices"]]
        text = "".join(delta.get("content") or "" for delta in deltas)
        return self._told(text, chunks[-1]["usage"], route)

    def _told(self, text, usage, route):
        return Told.of(text, usage, route.as_dict())


class ByLangChain:
    """`ChatGenAI`."""

    def __init__(self, client, model):
        self.client, self.model = client, ChatGenAI(model, client=client)

    def ask(self, text, **params):
        return self._told(self.model.invoke(text, **params))

    def stream(self, text, **params):
        return self._told(_sum(self.model.stream(text, **params)))

    async def aask(self, text):
        return self._told(await self.model.ainvoke(text))

    async def astream(self, text):
        return self._told(_sum([chunk async for chunk in self.model.astream(text)]))

    def tools(self, text):
        calls = self.model.bind_tools([add], tool_choice="add").invoke(text).tool_calls
        return [(call["name"], call["args"]) for call in calls]

    def structured(self, text):
        return self.model.with_structured_output(Menu).invoke(text)

    def _told(self, message):
        usage = message.usage_metadata
        counts = {
            "prompt_tokens": usage["input_tokens"],
            "completion_tokens": usage["output_tokens"],
            "total_tokens": usage["total_tokens"],
        }
        return Told.of(message.text, counts, message.response_metadata["route"])


class ByLlamaIndex:
    """`GenAI`."""

    def __init__(self, client, model):
        self.client, self.llm = client, GenAI(model, client=client)

    def ask(self, text, **params):
        return self._told(self.llm.chat([ChatMessage(text)], **params))

    def stream(self, text, **params):
        *_, last = self.llm.stream_chat([ChatMessage(text)], **params)
        return self._told(last)

    async def aask(self, text):
        return self._told(await self.llm.achat([ChatMessage(text)]))

    async def astream(self, text):
        stream = await self.llm.astream_chat([ChatMessage(text)])
        return self._told([response async for response in stream][-1])

    def tools(self, text):
        from llama_index.core.tools import FunctionTool

        tool = FunctionTool.from_defaults(add)
        response = self.llm.chat_with_tools([tool], text, tool_choice="add")
        calls = self.llm.get_tool_calls_from_response(response)
        return [(call.tool_name, call.tool_kwargs) for call in calls]

    def structured(self, text):
        return self.llm.structured_predict(Menu, PromptTemplate(text))

    def _told(self, response):
        raw = response.raw
        return Told.of(response.message.content, raw["usage"], raw.route.as_dict())


def _sum(chunks):
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return whole


def _loads(text):
    import json

    return json.loads(text)


WAYS = {"client": ByClient, "langchain": ByLangChain, "llama_index": ByLlamaIndex}


@pytest.fixture
def regions():
    """Two providers."""
    with ScriptedProvider("seoul") as seoul, ScriptedProvider("usa") as usa:
        yield seoul, usa


@pytest.fixture
def each_way(regions):
    """Do the same in each of the three ways, each with a client of its own; what came of it, or the error."""
    seoul, usa = regions
    clients = []

    def each(do, model="seoul/gpt-4o", **args):
        found = {}
        for name, way in WAYS.items():
            connections = [
                Connection.of("seoul", "openai", "sk-seoul", f"{seoul.url}/v1"),
                Connection.of("usa", "openai", "sk-usa", f"{usa.url}/v1"),
            ]
            args = {"num_retries": 0, "fallbacks": [{"seoul/gpt-4o": ["usa/gpt-4o"]}], **args}
            client = GenAIClient(connections=connections, router_args=args)
            clients.append(client)
            try:
                done = do(way(client, model))
                found[name] = asyncio.run(done) if asyncio.iscoroutine(done) else done
            except Exception as error:  # noqa: BLE001  the error is what is compared
                found[name] = error
        return found

    yield each
    for client in clients:
        client.close()
