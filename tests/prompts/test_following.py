"""A prompt follows its model: where another family answers, the version that is labelled for it is used."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.prompts import PromptTemplate
from llama_index.core.llms import ChatMessage

from genai_integrations import Connection, GenAIClient
from genai_integrations.calls.args import router_args
from genai_integrations.calls.request import chat_request
from genai_integrations.errors import ConfigurationError, PromptVariableError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.langchain import langfuse_prompt as langchain_prompt
from genai_integrations.llama_index import GenAI
from genai_integrations.llama_index import langfuse_prompt as llama_prompt
from genai_integrations.models.catalog import bare
from genai_integrations.models.families import family_of
from genai_integrations.prompts.template import Prompt, Text
from genai_integrations.routing.prompting import following
from genai_integrations.testing.faults import Fault

NAME = "langfuse.observation.prompt.name"
VERSION = "langfuse.observation.prompt.version"
HISTORY = [{"role": "user", "content": "Before."}, {"role": "assistant", "content": "Yes."}]


@pytest.fixture
def client(request, langfuse, provider):
    """A client that falls back from GPT to Claude, at one server that speaks both dialects."""
    there = [
        Connection.of("openai", "openai", "sk-1", f"{provider.url}/v1"),
        Connection.of("anthropic", "anthropic", "sk-2", provider.url),
    ]
    with GenAIClient(
        langfuse.public_key,
        langfuse.secret_key,
        langfuse.host,
        connections=there,
        cache=getattr(request, "param", None),
        router_args={
            "fallbacks": [{"gpt-4o": ["claude-sonnet-4-5"]}],
            "num_retries": 0,
            "cooldown_time": 0,
        },
    ) as client:
        yield client


@pytest.fixture
def prompts(langfuse):
    """A text and a chat prompt with a version for Claude, which says it otherwise."""
    langfuse.create_prompt("text", "For GPT: {{x}}")
    langfuse.create_prompt("text", "<claude>{{x}}</claude>", labels=["production.claude"])
    history = {"type": "placeholder", "name": "history"}
    langfuse.create_prompt(
        "chat",
        [{"role": "system", "content": "GPT."}, history, {"role": "user", "content": "{{x}}"}],
    )
    langfuse.create_prompt(
        "chat",
        [history, {"role": "user", "content": "Claude, {{x}}"}],
        labels=["production.claude"],
    )


@pytest.fixture
def gpt_is_down(provider):
    """Calls of GPT fail over to Claude."""
    provider.faults["gpt-4o"] = Fault.status(500)


def sent(provider):
    """What the last request said: texts by role, as Claude's dialect and OpenAI's have it."""
    body = provider.requests[-1].body
    rows = [("system", body["system"])] if "system" in body else []
    rows += [(row["role"], row["content"]) for row in body["messages"]]
    return [(role, said if isinstance(said, str) else said[0]["text"]) for role, said in rows]


def asked_for(langfuse, label):
    """How often Langfuse was asked for a label."""
    return sum(row.query.get("label") == label for row in langfuse.requests)


def ways(name, client, values):
    """Asking with a prompt in every door, sync, async and streamed."""
    chain = langchain_prompt(name, client=client) | ChatGenAI("gpt-4o", client=client)
    llm = GenAI("gpt-4o", client=client)
    named = {"name": name, "variables": values}

    async def achain():
        return await chain.ainvoke(values)

    async def aclient():
        return await client.acompletion("gpt-4o", [], langfuse_prompt=named)

    async def allm():
        return await llm.apredict(llama_prompt(name, client=client), **values)

    return {
        "client": lambda: client.completion("gpt-4o", [], langfuse_prompt=named),
        "client stream": lambda: list(
            client.completion("gpt-4o", [], stream=True, langfuse_prompt=named)
        ),
        "aclient": lambda: asyncio.run(aclient()),
        "langchain": lambda: chain.invoke(values),
        "langchain stream": lambda: list(chain.stream(values)),
        "alangchain": lambda: asyncio.run(achain()),
        "llama": lambda: llm.predict(llama_prompt(name, client=client), **values),
        "llama stream": lambda: list(llm.stream(llama_prompt(name, client=client), **values)),
        "allama": lambda: asyncio.run(allm()),
    }


WAYS = (
    *("client", "client stream", "aclient", "langchain", "langchain stream", "alangchain"),
    *("llama", "llama stream", "allama"),
)


@pytest.mark.parametrize("client", ["memory"], indirect=True)
def test_an_answer_to_claudes_version_is_kept_for_those_who_ask_with_the_prompt(
    client, prompts, gpt_is_down
):
    """Who writes the plain version's words as messages of their own is asking something else."""
    named = {"name": "text", "variables": {"x": "hello"}}
    own = [{"role": "user", "content": "For GPT: hello"}]
    calls = [
        client.completion("gpt-4o", messages, **how).route.cached
        for messages, how in (([], {"langfuse_prompt": named}), (own, {}))
        for _ in range(2)
    ]

    assert calls == [False, True, False, True]


@pytest.mark.parametrize("way", WAYS)
def test_a_text_follows_a_fallback(way, client, prompts, gpt_is_down, provider):
    """GPT was asked in its words, and Claude in its own."""
    ways("text", client, {"x": "hello"})[way]()

    first, second = provider.requests[-2:]
    assert first.body["messages"][-1]["content"] == "For GPT: hello"
    assert second.path == "/v1/messages"
    assert sent(provider) == [("user", "<claude>hello</claude>")]


@pytest.mark.parametrize("way", WAYS)
def test_messages_follow_a_fallback(way, client, prompts, gpt_is_down, provider):
    """With another number of them, and the history where it belongs."""
    history = HISTORY
    if "llama" in way:
        history = [ChatMessage(role=row["role"], content=row["content"]) for row in HISTORY]

    ways("chat", client, {"x": "hello", "history": history})[way]()

    assert sent(provider) == [
        ("user", "Before."),
        ("assistant", "Yes."),
        ("user", "Claude, hello"),
    ]


def test_the_family_that_was_asked_gets_the_plain_label(client, prompts, provider, langfuse):
    """Whether it answers for itself or was named: its version is the plain one."""
    named = {"name": "text", "variables": {"x": "hello"}}

    client.completion("gpt-4o", [], langfuse_prompt=named)
    assert sent(provider) == [("user", "For GPT: hello")]
    client.completion("claude-sonnet-4-5", [], langfuse_prompt=named)
    assert sent(provider) == [("user", "For GPT: hello")]

    assert asked_for(langfuse, "production.claude") == 0


def test_the_trace_says_which_version_was_used(tracing, client, prompts, gpt_is_down, langfuse):
    """With the messages as they were sent, and the attempt's own version in the route."""
    reply = client.completion(
        "gpt-4o", [], langfuse_prompt={"name": "text", "variables": {"x": "hello"}}
    )

    client.flush()
    (row,) = langfuse.spans
    assert (row["attributes"][NAME], row["attributes"][VERSION]) == ("text", 2)
    assert "<claude>hello</claude>" in row["attributes"]["langfuse.observation.input"]
    first, second = reply.route.as_dict()["attempts"]
    assert "prompt" not in first
    assert second["prompt"] == {"name": "text", "version": 2}


def test_another_label_has_families_of_its_own(client, prompts, gpt_is_down, provider, langfuse):
    """`staging` is followed by `staging.claude`; a pinned version by nothing."""
    langfuse.create_prompt("text", "staging {{x}}", labels=["staging"])
    langfuse.create_prompt("text", "staging claude {{x}}", labels=["staging.claude"])
    named = {"name": "text", "variables": {"x": "hello"}}

    client.completion("gpt-4o", [], langfuse_prompt={**named, "label": "staging"})
    assert sent(provider) == [("user", "staging claude hello")]
    client.completion("gpt-4o", [], langfuse_prompt={**named, "version": 1})
    assert sent(provider) == [("user", "For GPT: hello")]


def test_without_such_a_label_nothing_changes(client, gpt_is_down, provider, langfuse):
    """And it is remembered that there is none."""
    langfuse.create_prompt("text", "For all: {{x}}")

    for _ in range(3):
        reply = client.completion(
            "gpt-4o", [], langfuse_prompt={"name": "text", "variables": {"x": "hello"}}
        )

    assert sent(provider) == [("user", "For all: hello")]
    assert reply.route.served == "anthropic/claude-sonnet-4-5"
    assert "prompt" not in reply.route.as_dict()["attempts"][1]
    assert asked_for(langfuse, "production.claude") == 1


def test_a_label_that_comes_later_is_noticed(client, gpt_is_down, provider, langfuse, monkeypatch):
    """Behind the scenes, once what is known is old."""
    monkeypatch.setattr(client._prompts._cache, "_ttl", 0.0)
    langfuse.create_prompt("text", "For all: {{x}}")
    named = {"name": "text", "variables": {"x": "hello"}}
    client.completion("gpt-4o", [], langfuse_prompt=named)
    langfuse.create_prompt("text", "<claude>{{x}}</claude>", labels=["production.claude"])

    while sent(provider) != [("user", "<claude>hello</claude>")]:
        client.completion("gpt-4o", [], langfuse_prompt=named)

    assert asked_for(langfuse, "production.claude") >= 2


def test_both_forms_of_the_label_are_looked_for(client, prompts, provider):
    """Langfuse itself makes no label with an `@`; where there is one, it counts."""
    template = langchain_prompt("text", client=client)
    mark = template.invoke({"x": "hello"}).to_messages()[0].additional_kwargs["langfuse_prompt"]
    messages = [{"role": "user", "content": "For GPT: hello"}]
    params = {"langfuse_prompt": mark}
    request = chat_request("gpt-4o", messages, params, router_args({}), stream=False)
    followed = following(request, "claude-sonnet-4-5")

    assert followed.send(None).label == "production.claude"
    assert followed.send(None).label == "production@claude"
    with pytest.raises(StopIteration) as ended:
        followed.send(Prompt("text", 7, (), {}, Text.parse("Claude: {{x}}")))

    assert ended.value.value.body["messages"] == [{"role": "user", "content": "Claude: hello"}]
    assert ended.value.value.trace["langfuse_prompt"] == {"name": "text", "version": 7}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", "gpt"),
        ("o3-mini", "gpt"),
        ("claude-sonnet-4-5", "claude"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude"),
        ("anthropic/claude-3.5-haiku", "claude"),
        ("gemini-2.5-flash", "gemini"),
        ("llama-3.3-70b-versatile", "llama"),
        ("mistral-large-latest", "mistral"),
        ("gpt-oss-120b", "gpt-oss"),
    ],
)
def test_names_of_families(model, name):
    """The word that stands in labels."""
    assert family_of(bare(model)).name == name


def test_a_langfuse_that_is_away_stops_no_call(client, prompts, gpt_is_down, provider, langfuse):
    """The plain version is known, and used on."""
    named = {"name": "text", "variables": {"x": "hello"}}
    client.completion("claude-sonnet-4-5", [], langfuse_prompt=named)
    langfuse.close()

    reply = client.completion("gpt-4o", [], langfuse_prompt=named)

    assert reply.route.served == "anthropic/claude-sonnet-4-5"
    assert sent(provider) == [("user", "For GPT: hello")]


def test_values_that_do_not_fit_the_other_version_change_nothing(
    client, gpt_is_down, provider, langfuse, caplog
):
    """It wants a variable that the call does not have; a warning says so."""
    langfuse.create_prompt("text", "For all: {{x}}")
    langfuse.create_prompt("text", "{{x}} {{tone}}", labels=["production.claude"])

    client.completion("gpt-4o", [], langfuse_prompt={"name": "text", "variables": {"x": "hello"}})

    assert sent(provider) == [("user", "For all: hello")]
    assert "version 2 of 'text' is not used: prompt 'text' needs 'tone'" in caplog.text


def test_messages_that_were_changed_on_the_way_stay(client, prompts, gpt_is_down, provider):
    """A step between the template and the model may have edited them: then that is what is sent."""

    def edited(value):
        messages = value.to_messages()
        messages[0].content += " Please."
        return messages

    chain = langchain_prompt("text", client=client) | edited | ChatGenAI("gpt-4o", client=client)
    chain.invoke({"x": "hello"})

    assert sent(provider) == [("user", "For GPT: hello Please.")]


def test_what_stands_around_the_prompt_stays(client, prompts, gpt_is_down, provider):
    """Messages before and after it, in both frameworks' sums and in the client."""
    template = langchain_prompt("chat", client=client) + HumanMessage("After.")
    (template | ChatGenAI("gpt-4o", client=client)).invoke({"x": "hello", "history": []})
    said = str(provider.requests[-1].body)
    assert said.index("Claude, hello") < said.index("After.")
    assert "GPT." not in said

    named = {"name": "text", "variables": {"x": "hello"}}
    client.completion("gpt-4o", HISTORY[::-1], langfuse_prompt=named)
    assert [text for _, text in sent(provider)] == ["<claude>hello</claude>", "Yes.", "Before."]


def test_a_sum_of_texts_follows(client, prompts, gpt_is_down, provider):
    """With one prompt among them; of two, each as the plain label has it."""
    one = langchain_prompt("text", client=client) + PromptTemplate.from_template(" And {y}.")
    (one | ChatGenAI("gpt-4o", client=client)).invoke({"x": "hello", "y": "more"})
    assert sent(provider) == [("user", "<claude>hello</claude> And more.")]

    two = langchain_prompt("text", client=client) + langchain_prompt("text", client=client)
    (two | ChatGenAI("gpt-4o", client=client)).invoke({"x": "hello"})
    assert sent(provider) == [("user", "For GPT: helloFor GPT: hello")]


def test_marks_are_plain_links_to_everybody_else(client, prompts):
    """They compare, copy and pickle as name and version."""
    (message,) = langchain_prompt("text", client=client).invoke({"x": "hello"}).to_messages()
    mark = message.additional_kwargs["langfuse_prompt"]

    assert mark == {"name": "text", "version": 1}
    assert copy.deepcopy(message).additional_kwargs["langfuse_prompt"] is mark
    assert type(pickle.loads(pickle.dumps(mark))) is dict
    assert message.model_dump()["additional_kwargs"]["langfuse_prompt"] == mark


@pytest.mark.parametrize(
    ("named", "kind", "words"),
    [
        ({"name": "text", "variables": {}}, PromptVariableError, "needs 'x'"),
        ({"name": "text", "variables": {"x": 1, "y": 2}}, PromptVariableError, "has no 'y'"),
        ({"variables": {"x": 1}}, ConfigurationError, "a prompt's name must be"),
        ({"name": "text", "variables": "x"}, ConfigurationError, "variables must be"),
        ({"name": "text", "variables": {}, "lable": "a"}, ConfigurationError, "langfuse_prompt"),
    ],
)
def test_a_name_that_cannot_work_is_refused(named, kind, words, client, prompts):
    """Before anything is sent."""
    with pytest.raises(kind, match=words):
        client.completion("gpt-4o", [], langfuse_prompt=named)
