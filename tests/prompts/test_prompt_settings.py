"""A prompt's config drives the model: an allow-list of keys, and the last good config."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest
from langchain_core.output_parsers import StrOutputParser

from genai_integrations import use_client
from genai_integrations.errors import ConfigurationError, UnknownModelError
from genai_integrations.langchain import ChatGenAI, langfuse_chain
from genai_integrations.llama_index import GenAI, use_params
from genai_integrations.prompts.template import Prompt, Text

ALL = (
    "model",
    "temperature",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "json_schema",
)
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"name": "look", "description": "Look it up.", "parameters": SCHEMA}


def settings(config, **options):
    return Prompt("p", 3, (), config, Text.parse("")).model_settings(**options)


def test_the_model_and_its_sampling_count():
    """By default, and under the names of `completion`; null is as good as nothing."""
    config = {
        "model": "gpt-4o",
        "provider": "seoul",
        "temperature": 0.5,
        "top_p": 1,
        "max_tokens": 5,
        "seed": None,
        "stop": ["\n"],
        "tools": [TOOL],
        "persona": "pirate",
    }

    assert settings(config) == {
        "model": "seoul/gpt-4o",
        "temperature": 0.5,
        "top_p": 1,
        "max_tokens": 5,
        "stop": ["\n"],
    }


@pytest.mark.parametrize(
    "name", ["api_base", "api_key", "base_url", "extra_headers", "client", "vertex_credentials"]
)
def test_no_key_and_no_address_ever_counts(name):
    """Whoever may edit prompts may not send keys elsewhere, even if a program allows it."""
    assert settings({name: "https://evil.example", "temperature": 1}) == {"temperature": 1}
    with pytest.raises(ConfigurationError, match=f"may not set '{name}'"):
        settings({}, allow=("model", name))


@pytest.mark.parametrize(
    ("config", "made"),
    [
        ({"tools": [TOOL]}, {"tools": [{"type": "function", "function": TOOL}]}),
        (
            {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "auto"},
            {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "auto"},
        ),
        (
            {"json_schema": SCHEMA},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": SCHEMA},
                }
            },
        ),
        (
            {"json_schema": {"name": "x", "strict": True, "schema": SCHEMA}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "strict": True, "schema": SCHEMA},
                }
            },
        ),
        (
            {"response_format": {"type": "json_object"}},
            {"response_format": {"type": "json_object"}},
        ),
    ],
)
def test_tools_and_schemas_count_if_allowed(config, made):
    """In OpenAI's form and in the one of Langfuse's playground."""
    assert settings(config, allow=ALL) == made
    assert settings(config) == {}


def test_one_limit_of_two():
    """OpenAI refuses both together; the newer name wins."""
    found = settings({"max_tokens": 5, "max_completion_tokens": 6})

    assert found == {"max_completion_tokens": 6}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model": ""}, "model must be a string"),
        ({"model": 5}, "model must be a string, not int 5"),
        ({"temperature": "hot"}, "temperature must be a number from 0 to 2, not str$"),
        ({"temperature": 7}, "temperature must be a number from 0 to 2, not int 7"),
        ({"temperature": True}, "not bool"),
        ({"temperature": float("nan")}, "not float nan"),
        ({"max_tokens": 0}, "max_tokens must be a whole number above 0"),
        ({"max_tokens": 1.5}, "max_tokens must be"),
        ({"stop": [1]}, "stop must be a string or a list of strings"),
        ({"tools": [{"description": "x"}]}, "tools must be a list of functions"),
        ({"response_format": {}}, "response_format must be an object with a type"),
        ([1], "a config that is not an object"),
        ({"top_p": 2, "seed": "x"}, "top_p .*; seed "),
    ],
)
def test_a_value_that_cannot_work(config, words):
    """The error names the prompt, its version and every such key, and shows no text, which might be a secret."""
    with pytest.raises(ConfigurationError, match=f"^prompt 'p' version 3 .*{words}"):
        settings(config, allow=(*ALL, "max_tokens", "top_p", "seed", "stop"))


def test_a_call_set_by_a_prompt(langfuse, provider, client):
    """`completion` takes the settings as they are."""
    langfuse.create_prompt("p", "Hi", config={"model": "gpt-4o", "temperature": 0, "api_base": "x"})
    prompt = client.prompt("p")

    client.completion(
        messages=[{"role": "user", "content": prompt.render()}], **prompt.model_settings()
    )

    assert provider.requests[-1].body["model"] == "gpt-4o"
    assert provider.requests[-1].body["temperature"] == 0
    assert "api_base" not in provider.requests[-1].body


def chain_ways(chain, given):
    """The chain's text in all four ways to call it, and batched."""

    async def awaited():
        whole = await chain.ainvoke(given)
        pieces = [chunk.content async for chunk in chain.astream(given)]
        (first,) = await chain.abatch([given])
        return whole.content, "".join(pieces), first.content

    pieces = [chunk.content for chunk in chain.stream(given)]
    (batched,) = chain.batch([given])
    texts = chain.invoke(given).content, "".join(pieces), batched.content
    return [*texts, *asyncio.run(awaited())]


def test_a_chain_set_by_its_prompt(langfuse, provider, client):
    """Prompt, model and sampling come from Langfuse, in every way to call it."""
    langfuse.create_prompt("p", "Say {{x}}", config={"model": "gpt-4o", "temperature": 0.5})
    chain = langfuse_chain("p", client=client)

    assert set(chain_ways(chain, {"x": 1, "more": 2})) == {"provider says: Say 1"}
    assert {(row.body["model"], row.body["temperature"]) for row in provider.requests} == {
        ("gpt-4o", 0.5)
    }
    assert chain.invoke("alone").content == "provider says: Say alone"
    assert list(chain.get_input_schema().model_fields) == ["x"]


def test_a_chain_in_a_chain(langfuse, client):
    """It goes on as any runnable, and still streams."""
    langfuse.create_prompt("p", "Say {{x}}", config={"model": "gpt-4o"})
    chain = langfuse_chain("p", client=client) | StrOutputParser()

    assert chain.invoke({"x": 1}) == "provider says: Say 1"
    assert len(list(chain.stream({"x": 1}))) > 2


def test_what_the_config_does_not_say(langfuse, provider, client):
    """The given model says it; the config wins where both do."""
    langfuse.create_prompt("p", "Hi", config={"temperature": 0.5})
    model = ChatGenAI("gpt-4o-mini", client=client, temperature=1, seed=7)
    chain = langfuse_chain("p", client=client, model=model)

    chain.invoke({})

    body = provider.requests[-1].body
    assert (body["model"], body["temperature"], body["seed"]) == ("gpt-4o-mini", 0.5, 7)


def test_a_chain_with_tools_and_a_schema(langfuse, provider, client):
    """They come from the config where the program allows it, and the schema reaches the provider."""
    config = {"model": "gpt-4o", "tools": [TOOL], "json_schema": SCHEMA}
    langfuse.create_prompt("p", "Hi", config=config)

    langfuse_chain("p", client=client, allow=ALL).invoke({})

    body = provider.requests[-1].body
    assert body["tools"][0]["function"]["name"] == "look"
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model": "gpt-4o", "temperature": "hot"}, "temperature must be"),
        ({"model": "nobody/nothing"}, "which no connection serves"),
        ("no object", "not an object"),
    ],
)
@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_a_bad_config_changes_nothing(framework, config, words, langfuse, provider, client, caplog):
    """The last good settings are used on, which is told once; the next good ones are taken."""
    langfuse.create_prompt("p", "one", config={"model": "gpt-4o", "temperature": 0.5})
    if framework == "langchain":
        chain = langfuse_chain("p", client=client)
        calls = [lambda: chain.invoke({}), lambda: asyncio.run(chain.ainvoke({}))]
    else:
        llm = GenAI.from_prompt("p", client=client)
        calls = [lambda: llm.complete("Hi"), lambda: asyncio.run(llm.acomplete("Hi"))]
    langfuse.create_prompt("p", "two", config=config)
    client.refresh()

    for call in (*calls, *calls):
        call()
        assert provider.requests[-1].body["model"] == "gpt-4o"
        assert provider.requests[-1].body["temperature"] == 0.5
    (told,) = [row.getMessage() for row in caplog.records]
    assert words in told
    assert "version 2" in told
    assert "the config of version 1 of 'p' stays in use" in told

    langfuse.create_prompt("p", "three", config={"model": "gpt-4o-mini"})
    client.refresh()
    for call in calls:
        call()
        assert provider.requests[-1].body["model"] == "gpt-4o-mini"
        assert "temperature" not in provider.requests[-1].body


@pytest.mark.parametrize("make", [langfuse_chain, GenAI.from_prompt])
def test_a_first_config_that_is_bad(make, langfuse, client):
    """With none before it, it is an error where the program is made."""
    langfuse.create_prompt("bad", "x", config={"temperature": "hot"})
    langfuse.create_prompt("unknown", "x", config={"model": "nobody/nothing"})

    with pytest.raises(ConfigurationError, match="temperature must be"):
        make("bad", client=client)
    with pytest.raises(UnknownModelError, match="'nobody/nothing', which no connection serves"):
        make("unknown", client=client)
    with pytest.raises(ConfigurationError, match="may not set 'api_key'"):
        make("bad", client=client, allow=("api_key",))


def test_an_llm_set_by_a_prompt(langfuse, provider, client):
    """However it is called, and in what LlamaIndex plans with."""
    langfuse.create_prompt(
        "p", "x", config={"model": "gpt-4o", "temperature": 0.5, "max_tokens": 9}
    )
    llm = GenAI.from_prompt("p", client=client, model="gpt-4o-mini", temperature=1)

    llm.complete("Hi")
    list(llm.stream_complete("Hi"))
    asyncio.run(_all_async(llm))

    assert llm.metadata.model_name == "gpt-4o"
    assert llm.metadata.num_output == 9
    bodies = [row.body for row in provider.requests]
    assert {(row["model"], row["temperature"], row["max_tokens"]) for row in bodies} == {
        ("gpt-4o", 0.5, 9)
    }


async def _all_async(llm):
    await llm.acomplete("Hi")
    async for _ in await llm.astream_complete("Hi"):
        pass


def test_a_block_and_a_call_win_over_the_config(langfuse, provider, client):
    """As they win over an LLM's own fields."""
    langfuse.create_prompt("p", "x", config={"model": "gpt-4o", "temperature": 0.5})
    llm = GenAI.from_prompt("p", client=client)

    with use_params(temperature=1):
        llm.complete("Hi")
    llm.complete("Hi", temperature=2)

    assert [row.body["temperature"] for row in provider.requests] == [1, 2]


@pytest.mark.parametrize(
    "made_again", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_copies_and_pickles_go_on(made_again, langfuse, provider, client):
    """They look the settings up as the original does."""
    langfuse.create_prompt("p", "{{x}}", config={"model": "gpt-4o"})
    chain, llm = langfuse_chain("p", client=client), GenAI.from_prompt("p", client=client)
    chain, llm = made_again(chain), made_again(llm)
    langfuse.create_prompt("p", "{{x}}!", config={"model": "gpt-4o-mini"})
    client.refresh()

    assert chain.invoke({"x": "Hi"}).content == "provider says: Hi!"
    llm.with_(timeout=5).complete("Hi")

    assert [row.body["model"] for row in provider.requests] == ["gpt-4o-mini"] * 2


def test_the_surrounding_client(langfuse, provider, client):
    """Without one of its own, a chain asks the client of `use_client`, for the prompt and for the answer."""
    langfuse.create_prompt("p", "Hi", config={"model": "gpt-4o"})
    with use_client(client):
        chain = langfuse_chain("p")
        assert chain.invoke({}).content == "provider says: Hi"
        assert asyncio.run(chain.ainvoke({})).content == "provider says: Hi"
