"""The providers that LiteLLM translates for, as the tests address them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

KEY_ID, AWS_SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = {
    "anthropic": "sk-ant-api03-example",
    "openai": "sk-proj-abroad-example",
    "google-ai-studio": "AIzaSyExampleExampleExample",
    "bedrock": json.dumps({"accessKeyId": KEY_ID, "secretAccessKey": AWS_SECRET}),
}
DIALECTS = {"openai": "responses"}
"""How a provider is spoken to that has two ways."""

REGIONS = {"vertex": "asia-northeast3", "bedrock": "us-east-1"}
QUESTION = [{"role": "user", "content": "one two three four"}]


@dataclass(frozen=True)
class Place:
    """A model at a provider that LiteLLM translates for."""

    provider: str
    model: str


PLACES = {
    "anthropic": Place("anthropic", "claude-sonnet-4-5"),
    "gemini": Place("google-ai-studio", "gemini-2.5-flash"),
    "vertex gemini": Place("vertex", "gemini-2.5-flash"),
    "vertex claude": Place("vertex", "claude-sonnet-4-5@20250929"),
    "bedrock claude": Place("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    "bedrock nova": Place("bedrock", "us.amazon.nova-lite-v1:0"),
    "responses": Place("openai", "gpt-4.1"),
}

ONE_OF_EACH = pytest.mark.parametrize(
    "place", ["anthropic", "gemini", "bedrock claude", "responses"], indirect=True
)
"""A test of one model of each provider, where the others would tell the same."""

TWO_WAYS = pytest.mark.parametrize("mode", ["sync", "async stream"], indirect=True)
"""A test of two of the four ways to call, which between them have the code of all."""
