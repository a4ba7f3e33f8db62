"""The providers with dialects of their own, as the tests address them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest

KEY_ID, AWS_SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = {
    "anthropic": "sk-ant-api03-example",
    "openai": "sk-proj-abroad-example",
    "google-ai-studio": "AIzaSyExampleExampleExample",
    "bedrock": json.dumps({"accessKeyId": KEY_ID, "secretAccessKey": AWS_SECRET}),
}
REGIONS = {"vertex": "asia-northeast3", "bedrock": "us-east-1"}
QUESTION = [{"role": "user", "content": "one two three four"}]


@dataclass(frozen=True)
class Place:
    """A model at a provider that does not speak OpenAI's dialect, and how it is spoken to."""

    provider: str
    model: str
    dialect: str | None = None


PLACES = {
    "anthropic": Place("anthropic", "claude-sonnet-4-5"),
    "gemini": Place("google-ai-studio", "gemini-2.5-flash"),
    "vertex gemini": Place("vertex", "gemini-2.5-flash"),
    "vertex claude": Place("vertex", "claude-sonnet-4-5@20250929"),
    "bedrock claude": Place("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    "bedrock nova": Place("bedrock", "us.amazon.nova-lite-v1:0"),
    "responses": Place("openai", "gpt-4.1", "responses"),
}

BY_LITELLM = {
    f"{name} by LiteLLM": replace(PLACES[name], dialect="litellm")
    for name in ("anthropic", "gemini", "vertex gemini", "vertex claude", "bedrock claude")
}
"""What whoever asks for it has LiteLLM translate, as it does for the long tail; in the slow set."""

ONE_OF_EACH = pytest.mark.parametrize(
    "place", ["anthropic", "gemini", "bedrock claude", "responses"], indirect=True
)
"""A test of one model of each provider, where the others would tell the same."""

TWO_WAYS = pytest.mark.parametrize("mode", ["sync", "async stream"], indirect=True)
"""A test of two of the four ways to call, which between them have the code of all."""
