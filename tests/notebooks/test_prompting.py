"""The messages that `%genai` sends."""

from __future__ import annotations

import pytest

from genai_integrations.errors import ConfigurationError, PromptVariableError
from genai_integrations.notebook.prompting import as_prompt, messages_of
from genai_integrations.prompts.template import ChatMessage, Placeholder, Prompt, Text

CHAT = Prompt(
    "chat", 1, (), {}, (ChatMessage("system", Text.parse("Be {{how}}")), Placeholder("history"))
)


def _user(text):
    return {"role": "user", "content": text}


def test_without_a_prompt_the_text_is_the_question():
    """A system message comes first."""
    assert messages_of("  Hello!\n", system="Be brief") == [
        {"role": "system", "content": "Be brief"},
        _user("Hello!"),
    ]


@pytest.mark.parametrize(
    ("template", "variables", "text", "sent"),
    [
        ("To {{a}}: {{b}}", {"a": "x"}, "y", ["To x: y"]),
        ("To {{a}}: {{b}}", {"a": "x", "b": "{{a}}"}, "", ["To x: {{a}}"]),
        ("Be brief.", {}, "Why?", ["Be brief.", "Why?"]),
        ("{{b}} {{b}}", {}, "y", ["y y"]),
    ],
)
def test_the_text_fills_in_what_is_open(template, variables, text, sent):
    """The one open variable takes the text; with none open the text follows as its own message."""
    prompt = as_prompt("template", template)

    assert messages_of(text, prompt, variables) == [_user(each) for each in sent]


def test_messages_in_a_variable_are_a_chat_prompt():
    """Each message keeps its role."""
    rows = [{"role": "system", "content": "Be {{how}}"}, {"role": "user", "content": "{{text}}"}]

    assert messages_of("Hi", as_prompt("rows", rows), {"how": "brief"}) == [
        {"role": "system", "content": "Be brief"},
        _user("Hi"),
    ]


def test_a_prompt_is_a_prompt():
    """What `client.prompt()` returns is taken as it is."""
    assert as_prompt("any", CHAT) is CHAT


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("", as_prompt("p", "{{a}} {{b}}"), {}), "'p' needs more: give --var a=... --var b=..."),
        (("x", as_prompt("p", "{{a}}"), {"c": "1"}), "'p' has no 'c'"),
        (("x", CHAT, {"how": "brief"}), "'history' takes a list of messages"),
    ],
)
def test_variables_that_do_not_fit_are_named(arguments, complaint):
    """The message says which one, and what to write."""
    with pytest.raises(PromptVariableError, match=complaint.replace("...", r"\.\.\.")):
        messages_of(*arguments)


@pytest.mark.parametrize("value", [3, None, [{"role": "user"}], ["text"], b"text"])
def test_what_is_no_prompt_is_refused(value):
    """The message names the variable, what it holds and what it should hold."""
    with pytest.raises(ConfigurationError, match=f"'name' holds {type(value).__name__} and no"):
        as_prompt("name", value)
