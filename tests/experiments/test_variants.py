"""Which conversation each prompt makes of each input."""

from __future__ import annotations

import pytest

from genai_integrations import GenAIClient, compare
from genai_integrations.errors import ConfigurationError, PromptNotFoundError, PromptVariableError
from genai_integrations.experiments import Item

HISTORY = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
SYSTEM = [{"role": "system", "content": "Be brief."}]


def _user(text):
    return {"role": "user", "content": text}


@pytest.fixture
def sent(provider, client):
    """The messages that one input and one prompt make."""

    def sent(inputs, prompts=None):
        compare("gpt-4o", inputs, prompts, client=client, progress=False)
        return provider.requests[-1].body["messages"]

    return sent


@pytest.mark.parametrize(
    ("inputs", "prompts", "messages"),
    [
        ("cats", None, [_user("cats")]),
        ([HISTORY], None, HISTORY),
        ([{"input": "cats", "expected": "x"}], None, [_user("cats")]),
        ("cats", "On {{anything}}.", [_user("On cats.")]),
        ("cats", "On {{input}} and {{input}}.", [_user("On cats and cats.")]),
        ([{"a": 1, "b": 2, "c": 3}], "{{b}} {{a}}", [_user("2 1")]),
        ([{"expected": "x", "a": "{{b}}", "b": 2}], "{{a}}{{b}}", [_user("{{b}}2")]),
        ([Item({"expected": "kept"})], "{{expected}}", [_user("kept")]),
        ("cats", SYSTEM, [*SYSTEM, _user("cats")]),
        ([HISTORY], [SYSTEM], [*SYSTEM, *HISTORY]),
        (
            [{"tone": "kind", "q": "Hi"}],
            [[{"role": "system", "content": "Be {{tone}}."}, _user("{{q}}")]],
            [{"role": "system", "content": "Be kind."}, _user("Hi")],
        ),
    ],
)
def test_a_prompt_makes_a_conversation_of_an_input(sent, inputs, prompts, messages):
    """Texts, variables and conversations, in prompts that are texts or messages."""
    assert sent(inputs, prompts) == messages


def test_a_single_value_for_several_variables_is_refused(sent):
    """It cannot be known which one is meant."""
    with pytest.raises(PromptVariableError, match="needs a, b, and input '1' is a single value"):
        sent("cats", "{{a}} {{b}}")


@pytest.fixture
def langfuse_client(tracing, langfuse, lab):
    """A client with a key pair, whose Langfuse has two versions of a prompt and a chat prompt."""
    langfuse.create_prompt("team/greet", "Greet {{name}}.", labels=["production"])
    langfuse.create_prompt("team/greet", "Greet {{name}} warmly.", labels=["staging"])
    langfuse.create_prompt("brief", SYSTEM, labels=["production"])
    langfuse.create_prompt("fixed", "The same for all.", labels=["production"])
    with GenAIClient(
        langfuse.public_key, langfuse.secret_key, langfuse.host, connections=[lab]
    ) as client:
        yield client
        client.flush()


def test_langfuse_prompts_are_named_by_version_or_label(langfuse_client, provider):
    """Or given as fetched; the results call them what the caller does."""
    fetched = langfuse_client.prompt("team/greet", label="staging")
    comparison = compare(
        "gpt-4o",
        [{"name": "Kim"}],
        ["team/greet@1", "team/greet@staging", fetched, "Hail {{name}}."],
        client=langfuse_client,
        max_concurrency=1,
        progress=False,
    )

    assert [(row.prompt, row.text) for row in comparison.results] == [
        ("team/greet@1", "provider says: Greet Kim."),
        ("team/greet@staging", "provider says: Greet Kim warmly."),
        ("team/greet@2", "provider says: Greet Kim warmly."),
        ("prompt 4", "provider says: Hail Kim."),
    ]


def test_a_langfuse_prompt_is_linked_to_the_generation(langfuse_client, langfuse):
    """By name and version; a prompt given in code has none to link."""
    compare("gpt-4o", "Kim", ["team/greet@staging", "Hail {{name}}."], client=langfuse_client)
    langfuse_client.flush()

    linked = [
        span["attributes"].get("langfuse.observation.prompt.version") for span in langfuse.spans
    ]
    assert sorted(linked, key=str) == [2, None]


def test_a_chat_prompt_without_variables_goes_before_the_input(langfuse_client, provider):
    """As a system prompt does; a text without variables has no place for the input."""
    compare("gpt-4o", "Hi", "brief@production", client=langfuse_client)

    assert provider.requests[-1].body["messages"] == [*SYSTEM, _user("Hi")]
    with pytest.raises(ConfigurationError, match=r"'fixed@production' has no \{\{variable"):
        compare("gpt-4o", "Hi", "fixed@production", client=langfuse_client)


def test_a_prompt_that_langfuse_does_not_have_is_said(langfuse_client, provider):
    """Before anything is sent."""
    with pytest.raises(PromptNotFoundError, match="no prompt 'team/greet' with version 9"):
        compare("gpt-4o", "Kim", "team/greet@9", client=langfuse_client)

    assert provider.requests == []
