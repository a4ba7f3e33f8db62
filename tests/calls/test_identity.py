"""On whose behalf a call is made, and what of that leaves the machine."""

from __future__ import annotations

import pytest

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.identity import identity
from genai_integrations.calls.request import chat_request, embedding_request
from genai_integrations.errors import ConfigurationError

HELLO = [{"role": "user", "content": "Hello!"}]


def request(**params):
    """A request with these parameters."""
    return chat_request("gpt-4o", HELLO, params, RouterArgs(), stream=False)


@pytest.mark.parametrize(
    ("by", "params", "expected"),
    [
        ("user", {"user": "ann", "langfuse_user_id": "b", "metadata": {"user": "c"}}, "ann"),
        ("user", {"langfuse_user_id": "bob", "metadata": {"user": "c"}}, "bob"),
        ("user", {"user": "", "metadata": {"user": "cho"}}, "cho"),
        ("user", {"metadata": {"user_id": 7}}, "7"),
        ("user", {"metadata": {"langfuse_user_id": "dan"}}, "dan"),
        ("user", {"extra_body": {"user": "eve"}}, "eve"),
        ("user", {"metadata": {"tenant": "acme"}}, None),
        ("user", {"metadata": {"user": ["no", "text"]}}, None),
        ("session", {"langfuse_session_id": "s1", "user": "ann"}, "s1"),
        ("session", {"metadata": {"session_id": "s2"}}, "s2"),
        ("tenant", {"metadata": {"tenant": "acme"}, "user": "ann"}, "acme"),
        ("tenant", {"user": "ann"}, None),
        ("user", {"user": "x" * 1000}, "x" * 256),
    ],
)
def test_the_first_place_that_says_it_counts(by, params, expected):
    """A user by the parameter, then the record's, then the metadata's; anything else by the metadata alone."""
    assert identity(request(**params), by) == expected


def test_metadata_stays_and_user_is_sent():
    """OpenAI's parameter is part of the body; metadata is the request's, whatever the operation."""
    asked = request(user="ann", metadata={"tier": "free"})
    embedded = embedding_request(
        "m", ["a"], {"user": "ann", "metadata": {"tier": "free"}}, RouterArgs()
    )

    assert asked.body == {"user": "ann", "messages": HELLO}
    assert embedded.body == {"user": "ann", "input": ["a"]}
    assert asked.metadata == embedded.metadata == {"tier": "free"}
    assert asked.user == embedded.user == "ann"


def test_openais_own_metadata_goes_into_extra_body():
    """It is kept with stored answers there, so it can still be sent."""
    asked = request(metadata={"tier": "free"}, extra_body={"metadata": {"ticket": "7"}})

    assert asked.body["metadata"] == {"ticket": "7"}
    assert asked.metadata == {"tier": "free"}


@pytest.mark.parametrize("given", ["free", ["free"], {1: "free"}, 7])
def test_metadata_of_another_shape_is_refused(given):
    """In one line that shows what it looks like."""
    with pytest.raises(ConfigurationError, match=r'metadata must be .* such as \{"tier": "free"\}'):
        request(metadata=given)


def test_no_metadata_is_as_good_as_empty():
    """None and an empty dict say nothing."""
    assert request(metadata=None).metadata == request(metadata={}).metadata == {}
