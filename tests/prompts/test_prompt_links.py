"""A call's record in Langfuse names the prompt and version that its messages come from."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage
from pydantic import BaseModel

from genai_integrations.langchain import ChatGenAI, langfuse_chain
from genai_integrations.langchain import langfuse_prompt as langchain_prompt
from genai_integrations.llama_index import GenAI
from genai_integrations.llama_index import langfuse_prompt as llama_prompt

NAME = "langfuse.observation.prompt.name"
VERSION = "langfuse.observation.prompt.version"


class Answer(BaseModel):
    """What a structured answer has."""

    name: str


@pytest.fixture
def prompts(tracing, langfuse):
    """A text and a chat prompt, each in its second version."""
    for _ in range(2):
        langfuse.create_prompt("text", "Say {{x}}")
        langfuse.create_prompt("chat", [{"role": "user", "content": "Say {{x}}"}])


@pytest.fixture
def links(langfuse, provider):
    """What the recorded calls are linked to; nothing of it went to the provider."""

    def links(client):
        client.flush()
        assert not [row for row in provider.requests if b"langfuse_prompt" in row.content]
        kinds = [
            row["attributes"]
            for row in langfuse.spans
            if row["attributes"]["langfuse.observation.type"] == "generation"
        ]
        return [(row.get(NAME), row.get(VERSION)) for row in kinds]

    return links


@pytest.mark.parametrize("name", ["text", "chat"])
def test_langchain(name, prompts, client, links):
    """In every way to call a model."""
    chain = langchain_prompt(name, client=client) | ChatGenAI("gpt-4o", client=client)

    async def awaited():
        await chain.ainvoke({"x": 1})
        return [chunk async for chunk in chain.astream({"x": 1})]

    chain.invoke({"x": 1})
    list(chain.stream({"x": 1}))
    asyncio.run(awaited())
    chain.batch([{"x": 1}])

    assert links(client) == [(name, 2)] * 5


def test_langchain_sums_and_chains(prompts, client, links):
    """The last prompt counts; a sum and a chain set by its prompt are linked as well."""
    model = ChatGenAI("gpt-4o", client=client)
    text, chat = (langchain_prompt(name, client=client) for name in ("text", "chat"))

    ((text + "!") | model).invoke({"x": 1})
    ((chat + "well") | model).invoke({"x": 1})
    langfuse_chain("text", client=client).invoke({"x": 1})
    model.invoke([*text.invoke({"x": 1}).to_messages(), *chat.invoke({"x": 1}).to_messages()])

    assert links(client) == [("text", 2), ("chat", 2), ("text", 2), ("chat", 2)]


def test_langchains_own_convention(prompts, client, links):
    """What a config's metadata says wins over the messages, as what a program says itself."""
    chain = langchain_prompt("text", client=client) | ChatGenAI("gpt-4o", client=client)
    config = {"metadata": {"langfuse_prompt": {"name": "mine", "version": 7}}}

    chain.invoke({"x": 1}, config=config)

    assert links(client) == [("mine", 7)]


def test_llama_index(prompts, client, links, provider):
    """In every way to predict, and in a plain chat with the template's messages."""
    llm = GenAI("gpt-4o", client=client)
    template = llama_prompt("chat", client=client)

    async def awaited():
        await llm.apredict(template, x=1)
        async for _ in await llm.astream(template, x=1):
            pass
        provider.replies["gpt-4o"] = '{"name": "Kim"}'
        await llm.astructured_predict(Answer, template, x=1)
        async for _ in await llm.astream_structured_predict(Answer, template, x=1):
            pass

    llm.predict(template, x=1)
    list(llm.stream(template, x=1))
    llm.chat(template.format_messages(llm, x=1))
    asyncio.run(awaited())
    llm.structured_predict(Answer, template, x=1)
    list(llm.stream_structured_predict(Answer, template, x=1))
    llm.as_structured_llm(Answer).predict(template, x=1)

    assert links(client) == [("chat", 2)] * 10


@pytest.mark.parametrize("name", ["text", "chat"])
def test_llama_index_without_messages(name, prompts, client, links):
    """A model that LlamaIndex gives one text is told too, with a system prompt before it as well."""
    template = llama_prompt(name, client=client)
    for fields in ({}, {"system_prompt": "Be kind."}):
        llm = GenAI("gpt-4o", client=client, is_chat_model=False, **fields)
        llm.predict(template, x=1)
        list(llm.stream(template, x=1))

    assert links(client) == [(name, 2)] * 4


def test_what_a_call_says_itself(prompts, client, links):
    """It wins over the messages."""
    llm = GenAI("gpt-4o", client=client)
    messages = llama_prompt("chat", client=client).format_messages(llm, x=1)

    llm.chat(messages, langfuse_prompt=client.prompt("text"))

    assert links(client) == [("text", 2)]


def test_a_fallback_is_never_linked(tracing, client, links):
    """Langfuse does not know it."""
    for given in ("Say {{x}}", [{"role": "user", "content": "Say {{x}}"}]):
        template = langchain_prompt("absent", client=client, fallback=given)
        (template | ChatGenAI("gpt-4o", client=client)).invoke({"x": 1})
        GenAI("gpt-4o", client=client).predict(
            llama_prompt("absent", client=client, fallback=given), x=1
        )

    assert links(client) == [(None, None)] * 4


def test_messages_of_nobody(tracing, client, links):
    """Calls without a prompt have no link."""
    ChatGenAI("gpt-4o", client=client).invoke([HumanMessage("Hi")])
    GenAI("gpt-4o", client=client).chat([ChatMessage(content="Hi")])

    assert links(client) == [(None, None)] * 2


@pytest.mark.parametrize("name", ["text", "chat"])
def test_langfuses_own_handler(name, prompts, client, links, langfuse):
    """It finds the prompt where it looks, and links the generation that it opens, with any model."""
    from langchain_core.language_models import FakeListChatModel
    from langfuse.langchain import CallbackHandler

    client._langfuse.get()
    config = {"callbacks": [CallbackHandler(public_key=langfuse.public_key)]}
    chain = langchain_prompt(name, client=client) | FakeListChatModel(responses=["well"])

    chain.invoke({"x": 1}, config=config)
    asyncio.run(chain.ainvoke({"x": 1}, config=config))

    assert links(client) == [(name, 2)] * 2
