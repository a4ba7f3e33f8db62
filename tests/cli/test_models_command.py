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


def test_groups_and_aliases(genai, using, connect):
    """They are models as any other: with the figures of the first that is asked, and all who serve them."""
    using(
        connect("seoul", custom_models=("gpt-4o-mini",), with_default_models=False),
        connect("usa", custom_models=("gpt-4o",), with_default_models=False),
        router_args={
            "model_group_alias": {"fast": "gpt-4o-mini"},
            "model_list": [
                {"model_name": "team", "litellm_params": {"model": "usa/gpt-4o"}},
                {"model_name": "team", "litellm_params": {"model": "seoul/gpt-4o-mini"}},
            ],
        },
    )

    found = rows(genai)

    assert list(found) == ["fast", "gpt-4o", "gpt-4o-mini", "team"]
    assert (found["fast"]["connections"], found["fast"]["input_usd"]) == (["seoul"], 0.15)
    assert (found["team"]["connections"], found["team"]["input_usd"]) == (["usa", "seoul"], 2.5)


def test_plain_names_first(genai, using, connect):
    """What no plain name leads to is called by its connection, behind the others."""
    using(connect("team", provider="together", base_url=None), connect("seoul"))

    listed = list(rows(genai))

    behind = [name for name in listed if name.startswith("team/")]
    assert behind
    assert listed[-len(behind) :] == behind
    assert "gpt-4o" in listed[: -len(behind)]


def test_names_on_bedrock(genai, using, connect):
    """Without vendor, version and the profile by which it is served."""
    using(connect("aws", '{"apiKey": "x"}', provider="bedrock", region="us-east-1", base_url=None))

    found = rows(genai, "claude-sonnet-4-5")

    assert list(found) == ["claude-sonnet-4-5-20250929"]


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
        "--can does not know 'fly': use vision, pdf, audio, video, tools, json, thinking, embedding"
    )


def test_a_key_that_cannot_be_had(genai, using, connect, undecipherable):
    """Its models are not among those that can be asked, and it is said why."""
    using(connect("tokyo", undecipherable), connect("seoul", custom_models=("acme-1",), with_default_models=False))  # fmt: skip

    shown = genai("models")

    assert shown.stdout.splitlines()[1].split() == ["acme-1", "-", "-", "/", "-", "-", "seoul"]
    assert "without tokyo: DecryptionError: secret_key" in " ".join(shown.stderr.split())


def test_a_provider_without_a_list(genai, using, connect):
    """No list does not mean no models."""
    using(connect("home", provider="lm_studio"))

    shown = genai("models")

    assert shown.stdout == ""
    assert shown.stderr == "the models of home are not listed; home/NAME asks one anyway\n"


def test_a_narrow_terminal(terminal):
    """Two lines for a model, with all that is told of it."""
    screen = terminal("models", "gpt-4o-mini-2024", COLUMNS="40")

    screen.expect(r"gpt-4o-mini-2024-07-18\n128k, 0\.15 / 0\.6, vision pdf tools json,\nopenai\n")
    assert screen.end() == 0
