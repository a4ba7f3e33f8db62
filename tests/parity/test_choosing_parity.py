"""Rules, choices, cascades and needs: the same through the client and both adapters, in all four ways to call."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import CapabilityError, ConfigurationError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.provider import ScriptedProvider

WAYS = ("sync", "async", "stream", "async stream")
ASK = {
    "sync": lambda way: way.ask("안녕하세요?"),
    "async": lambda way: way.aask("안녕하세요?"),
    "stream": lambda way: way.stream("안녕하세요?"),
    "async stream": lambda way: way.astream("안녕하세요?"),
}
PICTURE = "https://example.com/a.png"


def same(found):
    """What all three ways say, if it is the same."""
    first, *others = found.values()

    assert [row for row in others if row != first] == []
    return first


@pytest.mark.parametrize("how", WAYS)
def test_a_rule_and_a_choice_in_each_way(how, each_way):
    """A question in Korean goes to the cheapest."""
    told = same(
        each_way(
            ASK[how],
            conditions=[{"if": {"language": "ko"}, "then": "auto"}],
            auto={"models": ["usa/gpt-4o", "usa/gpt-4o-mini"], "prefer": "cheapest"},
        )
    )

    assert told.served == "usa/gpt-4o-mini"
    assert told.text == "usa says: 안녕하세요?"


@pytest.mark.parametrize("how", WAYS)
def test_a_cascade_in_each_way(how, each_way, regions):
    """The frameworks get the accepted answer, clean and whole, and the route has what the rejected one cost."""
    regions[0].replies["gpt-4o-mini"] = "I am not sure."
    models = ["seoul/gpt-4o-mini", "usa/gpt-4o-mini", "usa/gpt-4o"]
    accept = lambda reply: "not sure" not in reply.choices[0].message.content  # noqa: E731  as a program would
    cascades = {"thrifty": {"models": models, "accept": accept}}

    told = same(each_way(ASK[how], model="thrifty", cascades=cascades))

    assert told.text == "usa says: 안녕하세요?"
    assert told.outcomes == [
        ("seoul/gpt-4o-mini", "RejectedAnswerError"),
        ("usa/gpt-4o-mini", "ok"),
    ]
    assert told.cost > 0


@pytest.mark.parametrize("how", WAYS)
def test_a_broken_accept_in_each_way(how, each_way):
    """The same error of the program's in each."""
    cascades = {
        "thrifty": {"models": ["seoul/gpt-4o-mini", "seoul/gpt-4o"], "accept": lambda reply: 1}
    }

    found = each_way(ASK[how], model="thrifty", cascades=cascades)

    assert all(isinstance(error, ConfigurationError) for error in found.values())
    assert len({str(error) for error in found.values()}) == 1


def seen_by(door, client, model):
    """Show a picture in one way, and read the answer."""
    asked = HumanMessage(
        [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    )
    told = [ChatMessage(role="user", blocks=[TextBlock(text="What?"), ImageBlock(url=PICTURE)])]
    lang, llama = ChatGenAI(model, client=client), GenAI(model, client=client)

    async def streamed(stream):
        return [chunk async for chunk in stream]

    async def llama_streamed():
        return [chunk async for chunk in await llama.astream_chat(told)]

    ways = {
        "langchain": lambda: lang.invoke([asked]),
        "langchain async": lambda: asyncio.run(lang.ainvoke([asked])),
        "langchain stream": lambda: list(lang.stream([asked])),
        "langchain async stream": lambda: asyncio.run(streamed(lang.astream([asked]))),
        "llama": lambda: llama.chat(told),
        "llama async": lambda: asyncio.run(llama.achat(told)),
        "llama stream": lambda: list(llama.stream_chat(told)),
        "llama async stream": lambda: asyncio.run(llama_streamed()),
    }
    return ways[door]()


DOORS = [
    f"{framework}{how}"
    for framework in ("langchain", "llama")
    for how in ("", " async", " stream", " async stream")
]


@pytest.mark.parametrize("door", DOORS)
def test_a_picture_goes_to_a_model_that_sees(door, provider):
    """However a framework writes it."""
    row = Connection.of("home", "openai", "sk-1", f"{provider.url}/v1")
    auto = {"models": ["gpt-3.5-turbo", "gpt-4o"]}
    with GenAIClient(connections=[row], router_args={"auto": auto}) as client:
        seen_by(door, client, "auto")

        assert [request.model for request in provider.requests] == ["gpt-4o"]
        with pytest.raises(CapabilityError, match="lacks vision"):
            seen_by(door, client, "gpt-3.5-turbo")
    assert len(provider.requests) == 1


@pytest.fixture
def openrouter():
    """A server that takes OpenRouter's own parameters, and chooses a model."""
    with ScriptedProvider("openrouter", also_accepts=("models", "provider")) as server:
        chosen = {"role": "assistant", "content": "Hi!"}
        server.replies["openrouter/auto"] = {
            "model": "anthropic/claude-sonnet-4.5",
            "choices": [{"message": chosen}],
        }
        yield server


ROUTING = {"models": ["openai/gpt-4o"], "provider": {"sort": "price"}}


@pytest.mark.parametrize(
    "door", ["client", "client stream", "langchain", "langchain stream", "llama", "llama stream"]
)
def test_openrouters_own_routing_passes_through(door, openrouter):
    """`openrouter/auto` and the endings of names go out as they are, with its parameters; who answered is told."""
    row = Connection.of("openrouter", "openrouter", "sk-or-1", f"{openrouter.url}/v1")
    with GenAIClient(connections=[row]) as client:
        asked = [{"role": "user", "content": "Hi"}]
        lang = ChatGenAI("openrouter/auto", client=client, model_kwargs=ROUTING)
        llama = GenAI("openrouter/auto", client=client, additional_kwargs=ROUTING)
        ways = {
            "client": lambda: client.completion("openrouter/auto", asked, **ROUTING).model,
            "client stream": lambda: [
                *client.completion("openrouter/auto", asked, True, **ROUTING)
            ][-1].model,
            "langchain": lambda: lang.invoke("Hi").response_metadata["route"]["attempts"][0]["answered"],
            "langchain stream": lambda: [*lang.stream("Hi")][-1]
            .response_metadata["route"]["attempts"][0]["answered"],
            "llama": lambda: llama.chat([ChatMessage("Hi")]).raw.route.attempts[0].answered,
            "llama stream": lambda: [*llama.stream_chat([ChatMessage("Hi")])][-1]
            .raw.route.attempts[0].answered,
        }  # fmt: skip

        assert ways[door]() == "anthropic/claude-sonnet-4.5"
        for ending in ("nitro", "floor", "exacto"):
            name = f"openrouter/openai/gpt-4o:{ending}"
            assert client.completion(name, asked).route.served == name

    first, *others = openrouter.requests
    assert {name: first.body[name] for name in ("model", *ROUTING)} == {
        "model": "openrouter/auto",
        **ROUTING,
    }
    assert [request.model for request in others] == [
        "openai/gpt-4o:nitro",
        "openai/gpt-4o:floor",
        "openai/gpt-4o:exacto",
    ]
