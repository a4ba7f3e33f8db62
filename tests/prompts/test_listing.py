"""The list of a project's prompts."""

from __future__ import annotations

import pytest

from genai_integrations.errors import ConfigurationError, PromptError
from genai_integrations.prompts.listing import list_prompts
from genai_integrations.settings import read_settings


@pytest.fixture
def settings(langfuse):
    """Settings for the stand-in."""

    def settings(**changes):
        pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
        return read_settings(environ={}, **{"host": langfuse.host, **pair, **changes})

    return settings


def test_every_page_is_read(langfuse, settings):
    """More prompts than Langfuse gives at once come all, each once, by name."""
    names = [f"prompt-{number:03}" for number in range(203)]
    for name in reversed(names):
        langfuse.create_prompt(name, "x")

    assert [row.name for row in list_prompts(settings())] == names
    # Three pages, and three more for the one label that has to be asked for.
    assert len(langfuse.requests) == 6


def test_a_summary(langfuse, settings):
    """Type, versions, tags, and which version has which label, are those of Langfuse."""
    langfuse.create_prompt("a", [{"role": "user", "content": "x"}], labels=["production"])
    langfuse.create_prompt("a", [{"role": "user", "content": "y"}], labels=["beta"], tags=["t"])

    (row,) = list_prompts(settings())

    assert (row.type, row.versions, row.tags) == ("chat", (1, 2), ("t",))
    assert row.labels == {"production": 1, "beta": 2, "latest": 2}
    assert row.updated_at.tzinfo is not None


def test_no_prompts(settings):
    """A project without prompts has an empty list."""
    assert list_prompts(settings()) == []


def test_without_a_key_pair(settings):
    """It names what to set."""
    with pytest.raises(
        ConfigurationError, match=r"set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
    ):
        list_prompts(settings(secret_key=None))


def test_a_wrong_secret(settings):
    """The error names the pair, and has no key in it."""
    with pytest.raises(
        PromptError, match=r"refuses the key pair pk-lf-.*LANGFUSE_SECRET_KEY"
    ) as caught:
        list_prompts(settings(secret_key="sk-canary"))

    assert "canary" not in repr(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("trouble", ["down", "away", "another"])
def test_a_langfuse_that_cannot_be_asked(langfuse, provider, settings, trouble):
    """Down, not there, or another server: one error, with what to check."""
    langfuse.down = trouble == "down"
    host = {"down": langfuse.host, "away": provider.refused_url(), "another": provider.url}[trouble]

    with pytest.raises(PromptError, match=r"cannot be listed: .*: check LANGFUSE_HOST"):
        list_prompts(settings(host=host))
