"""Headers of a call: what it may say, and what belongs to connections."""

from __future__ import annotations

import pytest

from genai_integrations.calls.headers import checked_headers, headers_for
from genai_integrations.errors import ConfigurationError

HARMLESS = [
    "anthropic-beta",
    "anthropic-version",
    "http-referer",
    "x-title",
    "x-request-id",
    "idempotency-key",
    "traceparent",
    "user-agent",
    "helicone-user-id",
    "x-custom",
    "openai-beta",
    "x-session-id",
    "x-stainless-retry-count",
    "accept-language",
]
REFUSED = [
    "authorization",
    "Proxy-Authorization",
    "X-API-Key",
    "api-key",
    "x-goog-api-key",
    "x-goog-user-project",
    "cookie",
    "set-cookie",
    "host",
    "X-Forwarded-Host",
    "x-forwarded-for",
    "forwarded",
    "x-amz-security-token",
    "x-amz-date",
    "openai-organization",
    "openai-project",
    "helicone-auth",
    "helicone-target-url",
    "helicone-openai-api-base",
    "x-portkey-provider",
    "x-portkey-api-key",
    "cf-aig-authorization",
    "x-auth-token",
    "x-auth",
    "x-access-token",
    "x-original-url",
    "x-host",
    "x-litellm-api-key",
    "ocp-apim-subscription-key-secret",
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
    "via",
    "x-tenant",
    "anthropic-workspace",
]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_call_may_say(name):
    """Features, names of the caller and of the call."""
    assert checked_headers({name: "a b/1.0"}) == {name: "a b/1.0"}


@pytest.mark.parametrize("name", REFUSED)
def test_what_belongs_to_connections(name):
    """Keys, addresses, accounts, and HTTP's own; the error has the name and no value."""
    with pytest.raises(ConfigurationError, match="belong to connections") as caught:
        checked_headers({"x-fine": "1", name: "sk-very-secret"})

    assert name in str(caught.value)
    assert "sk-very-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    ["a: sk-very-secret", ["sk-very-secret"], {1: "sk-very-secret"}, {"a b": "sk-very-secret"}, {"a": 17},
     {"a": "sk-very-secret\r\nx-api-key: k"}, {"a": "sk-very-secret\n"}, {"a": "열쇠"}, {"": "x"}, {"a:": "x"}],
)  # fmt: skip
def test_what_is_no_header(given):
    """Names and values that would garble the request, or hide a header of their own."""
    with pytest.raises(ConfigurationError, match="extra_headers") as caught:
        checked_headers(given)

    assert "secret" not in str(caught.value)


def test_names_are_alike_in_any_case():
    """HTTP does not tell them apart, so nor do the connection's own, which win."""
    assert checked_headers({"Anthropic-Beta": "x"}) == {"anthropic-beta": "x"}
    assert checked_headers(None) == {}


@pytest.mark.parametrize(
    ("provider", "model", "is_sent"),
    [
        ("anthropic", "claude-sonnet-4-5", True),
        ("bedrock", "eu.anthropic.claude-sonnet-4-5-v1:0", True),
        ("openrouter", "anthropic/Claude-sonnet-4.5", True),
        ("anthropic", "next-model", True),
        ("openai", "gpt-4o", False),
        ("vertex", "gemini-2.5-flash", False),
    ],
)
def test_who_is_sent_anthropics_own(provider, model, is_sent):
    """A beta of Anthropic means nothing to others; a fallback must not fail for it."""
    headers = {"anthropic-beta": "x", "x-title": "t"}

    sent = headers_for(headers, provider, model)

    assert ("anthropic-beta" in sent) is is_sent
    assert sent["x-title"] == "t"
