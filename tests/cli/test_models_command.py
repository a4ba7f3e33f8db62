"""`genai models`: what can be asked with the connections that there are."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def two(using, connect):
    """OpenAI's usual models, and a server of one's own that lists some."""
    using(
        connect("seoul"),
        connect("own", custom_models=("acme-1", "gpt-4o"), with_default_models=False),
    )


def rows(genai, *arguments):
    """The models as JSON, by name."""
    return {row["name"]: row for row in json.loads(genai("models", *arguments, "--json").stdout)}


@pytest.mark.usefixtures("two")
def test_what_is_told(genai):
    """Context, price and abilities of a model, and who serves it under its plain name."""
    assert rows(genai, "gpt-4o-mini")["gpt-4o-mini"] == {
        "name": "gpt-4o-mini",
        "connections": ["seoul"],
        "context": 128000,
        "input_usd": 0.15,
        "output_usd": 0.6,
        "can": ["vision", "pdf", "tools", "json"],
    }


@pytest.mark.usefixtures("two")
def test_names(genai):
    """A plain name says once who serves it, in order; one that the price map does not know is there, too."""
    found = rows(genai)

    assert found["gpt-4o"]["connections"] == ["own", "seoul"]
    assert found["acme-1"] == {
        "name": "acme-1",
        "connections": ["own"],
        "context": None,
        "input_usd": None,
        "output_usd": None,
        "can": [],
    }
    assert found["text-embedding-3-small"]["can"] == ["embedding"]


def test_plain_names_first(genai, using, connect):
    """What only an aggregator has is called by its connection."""
    using(
        connect("router", provider="openrouter", base_url=None, custom_models=("acme/own-1",)),
        connect("seoul", custom_models=("gpt-4o",)),
    )

    listed = list(rows(genai, "--can", "tools")) + list(rows(genai, "own-1"))

    assert "gpt-4o" in listed
    assert listed[-1] == "router/acme/own-1"


@pytest.mark.parametrize(
    ("arguments", "there", "missing"),
    [
        (("MINI",), "gpt-4o-mini", "gpt-4o"),
        (("--provider", "openai"), "gpt-4o", "claude"),
        (("--provider", "own"), "acme-1", "gpt-4o-mini"),
        (("--can", "embedding"), "text-embedding-3-large", "gpt-4o"),
        (("--can", "vision", "--can", "thinking"), "gpt-5", "gpt-4o"),
    ],
)
@pytest.mark.usefixtures("two")
def test_filters(genai, arguments, there, missing):
    """By a part of the name, by provider or connection, and by what it can."""
    found = rows(genai, *arguments)

    assert there in found
    assert missing not in found


@pytest.mark.usefixtures("two")
def test_an_ability_that_there_is_none(genai):
    """It is told which words there are."""
    shown = genai("models", "--can", "fly")

    assert str(shown.exception) == (
        "--can knows no 'fly': there are vision, pdf, audio, video, tools, json, thinking, embedding"
    )


def test_a_key_that_cannot_be_had(genai, using, connect, undecipherable):
    """Its models are not among those that can be asked, and it is said why."""
    using(connect("tokyo", undecipherable), connect("seoul", custom_models=("acme-1",), with_default_models=False))  # fmt: skip

    shown = genai("models")

    assert shown.stdout.splitlines()[1].split() == ["acme-1", "-", "-", "-", "-", "seoul"]
    assert "without tokyo: DecryptionError: secret_key" in " ".join(shown.stderr.split())


def test_a_provider_without_a_list(genai, using, connect):
    """No list does not mean no models."""
    using(connect("home", provider="lm_studio"))

    shown = genai("models")

    assert shown.stdout == ""
    assert shown.stderr == "what home has is not known here; home/NAME asks it\n"


@pytest.mark.usefixtures("two")
def test_a_narrow_terminal(terminal):
    """The first columns are shown, and the others named."""
    screen = terminal("models", "gpt-4o-mini", COLUMNS="40")

    screen.expect(r"not shown for want of room: can, connections|in \$/M")
    screen.expect("gpt-4o-mini +128k")
    assert screen.end() == 0
