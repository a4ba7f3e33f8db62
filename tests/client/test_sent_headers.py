"""`extra_headers` of a call: sent beside the connection's own, and no part of the body."""

from __future__ import annotations

import pytest

from genai_integrations.errors import ConfigurationError
from genai_integrations.testing.faults import Fault

HEADERS = {"X-Title": "Support", "anthropic-beta": "prompt-caching-2024-07-31"}


def test_headers_are_sent_in_every_way(ask, make_client, seoul):
    """A header that is no key redirects nothing; one of Anthropic's is not sent to others."""
    ask(make_client(seoul), extra_headers=HEADERS)

    request = seoul.requests[-1]
    assert request.headers["x-title"] == "Support"
    assert "anthropic-beta" not in request.headers
    assert "extra_headers" not in request.body


def test_inside_extra_body_too(make_client, seoul):
    """Where other clients are given them."""
    client = make_client(seoul)

    client.completion("gpt-4o", [{"role": "user", "content": "Hi"}], extra_body={"extra_headers": HEADERS})  # fmt: skip

    assert seoul.requests[-1].headers["x-title"] == "Support"
    assert "extra_headers" not in seoul.requests[-1].body


def test_the_connections_own_win(ask, make_client, connect, seoul):
    """Nobody but its owner changes what a connection always says; the next call says nothing of the last."""
    client = make_client(connect(seoul, headers='{"X-TITLE": "Owner"}'))

    ask(client, extra_headers={"x-title": "Caller", "x-other": "1"})
    ask(client)

    first, second = seoul.requests[-2:]
    assert (first.headers["x-title"], first.headers["x-other"]) == ("Owner", "1")
    assert (second.headers["x-title"], "x-other" in second.headers) == ("Owner", False)


def test_a_fallback_is_sent_them(ask, make_client, seoul, usa):
    """Each target gets what is for it."""
    seoul.faults["gpt-4o"] = Fault.status(500)

    ask(make_client(seoul, usa, num_retries=0), extra_headers=HEADERS)

    assert usa.requests[-1].headers["x-title"] == "Support"


@pytest.mark.parametrize("name", ["authorization", "X-API-Key", "host", "x-forwarded-host"])
def test_keys_and_addresses_are_refused(name, ask, make_client, seoul):
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match=name):
        ask(make_client(seoul), extra_headers={name: "sk-other"})

    assert not seoul.requests


def test_other_headers_are_another_question(make_client, seoul):
    """A beta may change the answer, so what is kept for one is not given for the other."""
    client = make_client(seoul, cache_responses=True)
    question = [{"role": "user", "content": "Hi"}]

    for headers in ({"openai-beta": "a"}, {"openai-beta": "a"}, {"openai-beta": "b"}, None):
        client.completion("gpt-4o", question, extra_headers=headers)

    assert len(seoul.requests) == 3
