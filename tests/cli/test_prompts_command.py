"""`genai prompts`, against a Langfuse stand-in."""

from __future__ import annotations

import json
import re

import pytest

from genai_integrations.cli import app

CHAT = [
    {"role": "system", "content": "You help {{ customer }}."},
    {"type": "placeholder", "name": "history"},
    {"role": "user", "content": "{{question}}\n\x1b[2Jend"},
]


@pytest.fixture
def stored(langfuse, monkeypatch):
    """A Langfuse with two prompts, and the variables that name it."""
    langfuse.create_prompt("translate", "Translate: {{text}}", labels=["production"])
    langfuse.create_prompt(
        "translate",
        "Into {{ language }}:\n\n{{text}}",
        labels=["beta"],
        config={"temperature": 0.1},
    )
    langfuse.create_prompt("support/answer", CHAT, labels=["production"], tags=["shop"])
    monkeypatch.setenv("LANGFUSE_HOST", langfuse.host)
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", langfuse.public_key)
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", langfuse.secret_key)
    return langfuse


@pytest.mark.usefixtures("stored")
def test_list(genai):
    """Each prompt has a row with its type and versions, and which version has which label."""
    header, *rows = (
        re.split(r"  +", line.strip()) for line in genai("prompts").stdout.splitlines()
    )

    assert header == ["name", "type", "versions", "labels"]
    assert rows == [
        ["support/answer", "chat", "1", "latest: 1, production: 1"],
        ["translate", "text", "1, 2", "beta: 2, latest: 2, production: 1"],
    ]


@pytest.mark.usefixtures("stored")
def test_list_as_json(genai):
    """The same for programs, with tags and time."""
    first, _ = json.loads(genai("prompts", "--json").stdout)

    assert first == {
        "name": "support/answer",
        "type": "chat",
        "versions": [1],
        "labels": {"latest": 1, "production": 1},
        "tags": ["shop"],
        "updated_at": first["updated_at"],
    }


def test_many_versions(genai, stored):
    """A long list of versions is shown as a range."""
    for _ in range(8):
        stored.create_prompt("translate", "x")

    assert " 1-10 " in genai("prompts").stdout


def test_no_prompts(genai, stored):
    """An empty list is no data, and says so on stderr."""
    for name in ("translate", "support/answer"):
        stored.delete_prompt(name)

    shown = genai("prompts")

    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "There are no prompts" in shown.stderr
    assert json.loads(genai("prompts", "--json").stdout) == []


@pytest.mark.usefixtures("stored")
def test_show(genai):
    """The text stands as it is stored, below what there is to know about it."""
    shown = genai("prompts", "show", "translate", "--version", "2").stdout

    about, _, text = shown.partition("\n\n")
    assert about.splitlines() == [
        "name        translate",
        "version     2",
        "type        text",
        "labels      beta, latest",
        "variables   language, text",
        'config      {"temperature": 0.1}',
    ]
    assert text == "Into {{ language }}:\n\n{{text}}\n"


@pytest.mark.usefixtures("stored")
def test_show_by_label(genai):
    """A label picks the version; without one it is production."""
    beta = json.loads(genai("prompts", "show", "translate", "--label", "beta", "--json").stdout)
    production = json.loads(genai("prompts", "show", "translate", "--json").stdout)

    assert (beta["version"], production["version"]) == (2, 1)
    assert production["prompt"] == "Translate: {{text}}"
    assert production["variables"] == ["text"]


@pytest.mark.usefixtures("stored")
def test_show_a_chat_prompt(genai):
    """Each message has its role above it; nothing in a text steers the terminal."""
    shown = genai("prompts", "show", "support/answer").stdout
    machine = json.loads(genai("prompts", "show", "support/answer", "--json").stdout)

    assert shown.partition("\n\n")[2].splitlines() == [
        "system",
        "You help {{ customer }}.",
        "",
        "<history>",
        "",
        "user",
        "{{question}}",
        "\N{REPLACEMENT CHARACTER}[2Jend",
    ]
    assert machine["type"] == "chat"
    assert machine["prompt"] == [
        {"role": "system", "content": "You help {{ customer }}."},
        {"type": "placeholder", "name": "history"},
        {"role": "user", "content": CHAT[2]["content"]},
    ]


@pytest.mark.usefixtures("stored")
def test_show_what_is_not_there(capsys, monkeypatch):
    """One line on stderr, and 1."""
    monkeypatch.setattr("genai_integrations.client._default", [])

    with pytest.raises(SystemExit) as ended:
        app.main(["prompts", "show", "translate", "--label", "nope"])

    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (1, "")
    assert re.fullmatch(r"PromptNotFoundError: .* no prompt 'translate' with label 'nope'.*\n", err)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("genai prompts show tr", ["translate"]),
        ("genai chat -p sup", ["support/answer"]),
        ("genai chat -p translate@", ["translate@beta", "translate@latest", "translate@production", "translate@1", "translate@2"]),
        ("genai chat -p translate@b", ["translate@beta"]),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("stored")
def test_completion_of_prompts(genai, line, offered):
    """Tab gives names, and behind `@` labels and versions."""
    place = str(len(line.split()) - 1)
    environ = {"_GENAI_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": place}

    assert genai(environ=environ).stdout.split() == offered
