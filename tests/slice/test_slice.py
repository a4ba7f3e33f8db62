"""The main job, end to end: a name, a key from a real Postgres, real HTTP, both frameworks."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.llms import ChatMessage

from genai_integrations import GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.faults import Fault

HELLO = [{"role": "user", "content": "Hello!"}]


def test_a_name_is_enough(client, regions):
    """The provider is inferred, the key is decrypted, and it arrives."""
    reply = client.completion(model="gpt-4o-mini", messages=HELLO)

    assert reply.choices[0].message.content == "azure says: Hello!"
    assert reply["choices"][0]["message"]["role"] == "assistant"
    assert reply.usage.total_tokens > 0
    assert reply.route.served == "azure_test/gpt-4o-mini"
    (request,) = regions["azure_test"].requests
    assert request.path == "/openai/deployments/gpt-4o-mini/chat/completions"
    assert request.headers["api-key"] == "az-key"


def test_a_dead_region_is_passed_over(client, regions):
    """A named connection that fails leads to its fallback, in a stream too."""
    regions["seoul"].faults["gpt-4o"] = Fault.status(500)

    with client.completion(model="seoul/gpt-4o", messages=HELLO, stream=True) as stream:
        chunks = list(stream)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "usa says: Hello!"
    assert chunks[-1].usage.completion_tokens > 0
    assert [attempt.outcome for attempt in stream.route.attempts] == ["ServerError", "ok"]


def test_a_prompt_comes_from_langfuse(client):
    """Variables are filled in."""
    text = client.get_prompt(
        "variable_template", variables={"language": "Korean", "text": "Hello!"}
    )

    assert text == "Translate into Korean: Hello!"


def test_langchain_and_llama_index_say_the_same(client, regions):
    """Both frameworks reach the same target by the same name, each in its four ways."""
    regions["seoul"].faults["gpt-4o"] = Fault.status(500)
    chat = ChatGenAI("seoul/gpt-4o", client=client)
    llm = GenAI("seoul/gpt-4o", client=client)
    history = [ChatMessage(role="user", content="Hello!")]

    async def asked():
        return [
            (await chat.ainvoke("Hello!")).content,
            "".join([chunk.content async for chunk in chat.astream("Hello!")]),
            (await llm.achat(history)).message.content,
            (await llm.acomplete("Hello!")).text,
            "".join([part.delta or "" async for part in await llm.astream_chat(history)]),
            "".join([part.delta or "" async for part in await llm.astream_complete("Hello!")]),
        ]

    answers = [
        chat.invoke("Hello!").content,
        "".join(chunk.content for chunk in chat.stream("Hello!")),
        llm.chat(history).message.content,
        llm.complete("Hello!").text,
        "".join(part.delta or "" for part in llm.stream_chat(history)),
        "".join(part.delta or "" for part in llm.stream_complete("Hello!")),
        *asyncio.run(asked()),
    ]
    assert answers == ["usa says: Hello!"] * 12


def test_langchain_passes_tools_through(client):
    """A tool in any form reaches the provider, and its call comes back, streamed too."""

    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    model = ChatGenAI("usa/gpt-4o", client=client).bind_tools([add], tool_choice="add")

    (call,) = model.invoke("1 + 1").tool_calls
    whole = None
    for chunk in model.stream("1 + 1"):
        whole = chunk if whole is None else whole + chunk

    assert (call["name"], call["args"]) == ("add", {"a": 1, "b": 1})
    assert whole.tool_calls[0]["args"] == {"a": 1, "b": 1}
    assert whole.usage_metadata["total_tokens"] > 0


def test_langchain_tells_who_answered(client):
    """The served model, its provider and the route are in the metadata."""
    metadata = ChatGenAI("usa/gpt-4o", client=client).invoke("Hello!").response_metadata

    assert metadata["model_name"] == "gpt-4o"
    assert metadata["route"]["attempts"][-1]["provider"] == "openai"
    assert metadata["route"]["served"] == "usa/gpt-4o"


def test_models_and_resolve(client):
    """What is listed, and what a name means with its fallbacks."""
    assert client.models() == ["azure_test/gpt-4o-mini", "azure_test/gpt-4o"]
    assert [target.name for target in client.resolve("seoul/gpt-4o").targets] == [
        "seoul/gpt-4o",
        "usa/gpt-4o",
    ]


def test_check_says_what_is_wrong(client, regions):
    """Langfuse's test call is made with the first listed model, without any fallback."""
    regions["seoul"].api_keys = {"another"}

    checks = [client.check(name) for name in ("azure_test", "seoul", "nobody")]

    assert [check.ok for check in checks] == [True, False, False]
    assert regions["azure_test"].requests[-1].body["messages"][0]["content"] == "How are you?"
    assert str(checks[1]).startswith("seoul: AuthenticationError")
    assert "no LLM connection named 'nobody'" in str(checks[2])
    assert not regions["usa"].requests


@pytest.mark.parametrize("name", ["api_key", "api_base", "base_url", "organization"])
def test_a_call_cannot_redirect_a_key(client, name):
    """In the client and in both adapters, addresses and keys belong to connections."""
    from genai_integrations.errors import ConfigurationError

    given = {name: "http://127.0.0.1:9"}
    for ask in (
        lambda: client.completion("gpt-4o", HELLO, **given),
        lambda: ChatGenAI("gpt-4o", client=client).invoke("Hello!", **given),
        lambda: GenAI("gpt-4o", client=client).complete("Hello!", **given),
    ):
        with pytest.raises(ConfigurationError, match=f"may not set {name}"):
            ask()


def test_a_connection_with_a_slash_in_its_name_is_called(database, project, regions):
    """As Langfuse's API allows: the list, the resolution, the test call and a call agree about it."""
    url = f"{regions['usa'].url}/v1"
    database.insert_connection(
        "team/seoul", "openai", "sk-usa", base_url=url, custom_models=["gpt-4o"],
        project_id="lab-project", encryption_key="0123456789abcdef" * 4,
    )  # fmt: skip

    with GenAIClient() as client:
        asked = "team/seoul/gpt-4o"

        assert asked in client.models()
        assert client.resolve(asked).targets[0].connection.name == "team/seoul"
        assert client.check("team/seoul").model == "gpt-4o"
        assert client.check("team/seoul").ok
        assert client.completion(asked, HELLO).route.served == asked
        assert ChatGenAI(asked, client=client).invoke("Hello!").content == "usa says: Hello!"
