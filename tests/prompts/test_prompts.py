"""Langfuse prompts through a client: as the SDK renders them where it renders well, and strict elsewhere."""

from __future__ import annotations

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessage

from genai_integrations import GenAIClient
from genai_integrations.errors import PromptError, PromptNotFoundError, PromptVariableError
from genai_integrations.prompts.template import Text

HISTORY = [{"role": "user", "content": "{{text}}"}, {"role": "assistant", "content": "b"}]


def _sdk(client):
    """The SDK that the client uses, for its own opinion."""
    return client._langfuse.get()


def _recorded(golden_prompts):
    """Every prompt that the real server gave, each once."""
    bodies = [
        reply["body"]["prompt"]
        for row in golden_prompts["prompts"]
        for reply in row["replies"].values()
        if reply["status"] == 200
    ]
    return list({json.dumps(body, sort_keys=True): body for body in bodies}.values())


def _values(prompt):
    return {
        name: HISTORY if name in _placeholders(prompt) else f"<{name}>" for name in prompt.variables
    }


def _placeholders(prompt):
    return (
        ()
        if isinstance(prompt.body, Text)
        else {row.name for row in prompt.body if hasattr(row, "name")}
    )


def test_recorded_prompts_render_as_the_sdk_renders_them(client, langfuse, golden_prompts):
    """Byte for byte, for plain values."""
    bodies = _recorded(golden_prompts)
    assert len(bodies) >= 3
    for number, body in enumerate(bodies):
        name = f"recorded-{number}"
        langfuse.create_prompt(name, body)
        prompt = client.prompt(name)
        values = _values(prompt)
        plain = {key: value for key, value in values.items() if key not in _placeholders(prompt)}
        theirs = _sdk(client).get_prompt(name)

        assert client.get_prompt(name, values) == _plain(theirs.compile(**{**values, **plain}))


def _plain(compiled):
    if isinstance(compiled, str):
        return compiled
    return [{"role": row["role"], "content": row["content"]} for row in compiled]


PIECES = st.sampled_from(
    [
        "{{a}}",
        "{{ b }}",
        "{{c}}",
        "{{",
        "}}",
        "{",
        "}",
        "{}",
        "{{}}",
        "{{ }}",
        "{{{a}}}",
        "x",
        " ",
        "\n",
        "{a}",
        "$a",
        "%s",
        "\\n",
        "안녕",
        "{{a.b}}",
        "{{#a}}",
        "{{a b}}",
        "{{\na\n}}",
        "{{{{a}}}}",
        "{{a:b}}",
    ]
)
PLAIN = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=8)


@given(pieces=st.lists(PIECES, max_size=8), filler=PLAIN)
def test_any_text_renders_as_the_sdk_renders_it(pieces, filler):
    """With a value for each name, whatever surrounds the names."""
    from langfuse.model import TemplateParser

    text = "".join(pieces)
    parsed = Text.parse(text)
    values = {name: f"{filler}{at}" for at, name in enumerate(parsed.variables)}

    assert parsed.render(values) == TemplateParser.compile_template(text, values)


@pytest.mark.parametrize(
    "example",
    [
        '{{"answer": "yes"}}',
        "{{'answer': 1}}",
        '{{ "answer" }}',
        "{{a, b}}",
        "{{a: b}}",
        "{{a\nb}}",
        "{{a {{b}}",
    ],
)
def test_examples_in_double_braces_are_text(example):
    """What no name can be is shown to the model as it stands, and wants no value."""
    parsed = Text.parse(f"Answer as {example}: {{{{question}}}}")

    assert parsed.variables == ("question",)
    assert parsed.render({"question": "why?"}) == f"Answer as {example}: why?"


@given(value=st.text(max_size=20))
def test_a_value_is_never_looked_at_again(value):
    """Braces in a value are text: they neither vanish nor insert another value."""
    parsed = Text.parse("[{{a}}|{{b}}]")

    assert parsed.render({"a": value, "b": "secret"}) == f"[{value}|secret]"
    assert parsed.render({"a": "{{b}}", "b": value}) == f"[{{{{b}}}}|{value}]"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (0, "0"), (False, "False"), ("", ""), (1.5, "1.5"), ([1], "[1]")],
)
def test_values_that_are_no_text(value, shown, client, langfuse):
    """As the SDK: None is nothing, the rest is what `str` says."""
    langfuse.create_prompt("value", "<{{a}}>")

    assert client.get_prompt("value", {"a": value}) == f"<{shown}>"
    assert _sdk(client).get_prompt("value").compile(a=value) == f"<{shown}>"


def test_a_missing_variable_is_an_error(client, langfuse):
    """The SDK would leave `{{text}}` in the prompt that a model gets."""
    langfuse.create_prompt("two", "{{language}}: {{text}}")

    with pytest.raises(PromptVariableError, match="needs 'text'"):
        client.get_prompt("two", {"language": "Korean"})
    with pytest.raises(PromptVariableError, match="'language', 'text'"):
        client.get_prompt("two")


def test_a_misspelt_variable_gets_a_hint(client, langfuse):
    """The missing one and the given one are put together."""
    langfuse.create_prompt("one", "{{language}}")

    with pytest.raises(PromptVariableError, match="given: 'langauge' instead of 'language'"):
        client.get_prompt("one", {"langauge": "Korean"})


@pytest.mark.parametrize("text", ["{{a}}", "nothing"])
def test_a_variable_too_many_is_an_error(text, client, langfuse):
    """What would be dropped silently is a mistake too."""
    langfuse.create_prompt("extra", text)

    with pytest.raises(PromptVariableError, match="has no 'b'") as caught:
        client.get_prompt("extra", {"a": "x", "b": "y"} if "a" in text else {"b": "y"})

    assert "\n" not in str(caught.value)


def test_a_missing_prompt_is_missing_at_once(client, langfuse):
    """One request, and an error that names the prompt, the label and the host."""
    with pytest.raises(PromptNotFoundError, match="'absent' with label 'production'") as caught:
        client.get_prompt("absent")

    assert len(langfuse.requests) == 1
    assert langfuse.host in str(caught.value)


@pytest.mark.parametrize(
    ("which", "words"), [({"version": 7}, "version 7"), ({"label": "staging"}, "label 'staging'")]
)
def test_a_missing_version_or_label(which, words, client, langfuse):
    """The one asked for is named."""
    langfuse.create_prompt("greeting", "Hello!")

    with pytest.raises(PromptNotFoundError, match=words):
        client.get_prompt("greeting", **which)


def test_versions_and_labels(client, langfuse):
    """`production` by default, else what is asked for; folders in names are names."""
    langfuse.create_prompt("folder/a name?", "one")
    langfuse.create_prompt("folder/a name?", "two", labels=["staging"])

    assert client.get_prompt("folder/a name?") == "one"
    assert client.get_prompt("folder/a name?", version=2) == "two"
    assert client.get_prompt("folder/a name?", label="staging") == "two"


def test_a_wrong_key_pair(langfuse):
    """The error names the pair and never the secret."""
    client = GenAIClient(langfuse.public_key, "sk-lf-c4nary", langfuse.host)
    langfuse.create_prompt("greeting", "Hello!")

    with pytest.raises(PromptError, match="refuses the key pair") as caught:
        client.get_prompt("greeting")

    assert langfuse.public_key in str(caught.value)
    assert "c4nary" not in str(caught.value)
    assert len(langfuse.requests) == 1


@pytest.mark.parametrize("state", ["down", "closed", "html"])
def test_a_langfuse_that_cannot_be_asked(state, langfuse, provider):
    """One line that names the host, not a stack of the SDK's."""
    host = langfuse.host
    if state == "html":
        host = f"{provider.url}/nowhere"
    client = GenAIClient(langfuse.public_key, langfuse.secret_key, host)
    if state == "closed":
        langfuse.close()
    langfuse.down = state == "down"

    with pytest.raises(PromptError, match=host) as caught:
        client.get_prompt("greeting")

    assert "\n" not in str(caught.value)


def test_a_placeholder_takes_messages(client, chat):
    """They come through as they are, further keys included; braces in them are not looked at."""
    history = [*HISTORY, {"role": "tool", "content": "c", "tool_call_id": "1"}]

    messages = client.get_prompt("chat", {"language": "Korean", "text": "Hi", "history": history})

    assert messages == [
        {"role": "system", "content": "Answer in Korean."},
        *history,
        {"role": "user", "content": "Hi"},
    ]


@pytest.mark.parametrize("content", [None, [{"type": "text", "text": "{{text}}"}]])
def test_a_placeholder_takes_messages_without_text(content, client, chat):
    """The SDK fails on the calls of tools, and on what has several parts."""
    message = {"role": "assistant", "content": content, "tool_calls": []}

    messages = client.get_prompt("chat", {"language": "", "text": "", "history": [message]})

    assert messages[1] == message


def test_a_placeholder_takes_what_was_answered(client, chat):
    """A reply's message, ours or that of OpenAI's SDK, is what the next turn's history has; an error otherwise."""
    reply = client.completion("gpt-4o", [{"role": "user", "content": "Hi"}])
    theirs = ChatCompletionMessage(role="assistant", content="b")
    values = {"language": "", "text": "", "history": [reply.choices[0].message, theirs]}

    _, first, second, _ = client.get_prompt("chat", values)

    assert (first["role"], first["content"]) == ("assistant", "provider says: Hi")
    assert second == {"role": "assistant", "content": "b"}


def test_variables(client, langfuse, chat):
    """Each once, placeholders among them; what cannot be a name is none."""
    langfuse.create_prompt("text", "{{a}} {{ b }} {{a}} {{}} {{ }} {{{c}}}")

    assert client.prompt("text").variables == ("a", "b")
    assert client.prompt("chat").variables == ("language", "history", "text")


def test_an_empty_placeholder_is_nothing(client, chat):
    """No history yet is the usual start of a chat."""
    messages = client.get_prompt("chat", {"language": "Korean", "text": "Hi", "history": []})

    assert [row["role"] for row in messages] == ["system", "user"]


@pytest.mark.parametrize(
    "value", ["Hi", None, 5, {"role": "user"}, ["Hi"], [{"content": "Hi"}], [None], b"Hi"]
)
def test_a_placeholder_takes_nothing_else(value, client, chat):
    """A text where messages belong is an error that says so."""
    with pytest.raises(PromptVariableError, match="'history'"):
        client.get_prompt("chat", {"language": "Korean", "text": "Hi", "history": value})


def test_a_missing_placeholder_is_an_error(client, chat):
    """As a missing variable is."""
    with pytest.raises(PromptVariableError, match="needs 'history'"):
        client.get_prompt("chat", {"language": "Korean", "text": "Hi"})


def test_what_was_rendered_belongs_to_the_caller(client, chat):
    """Changing it changes neither the values nor the next rendering."""
    values = {"language": "Korean", "text": "Hi", "history": [{"role": "user", "content": "a"}]}
    messages = client.get_prompt("chat", values)
    for row in messages:
        row["content"] = "changed"

    assert values["history"] == [{"role": "user", "content": "a"}]
    assert client.get_prompt("chat", values)[0]["content"] == "Answer in Korean."


def test_fifty_threads_ask_once(client, langfuse):
    """The SDK's cache is behind it: later calls make no request."""
    langfuse.create_prompt("greeting", "Hello, {{name}}!")
    assert client.get_prompt("greeting", {"name": "0"}) == "Hello, 0!"
    barrier = threading.Barrier(50, timeout=20)
    found = []

    def get(number):
        barrier.wait()
        found.append(client.get_prompt("greeting", {"name": number}) == f"Hello, {number}!")

    threads = [threading.Thread(target=get, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [True] * 50
    assert len(langfuse.requests) == 1
