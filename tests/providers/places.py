"""The providers that LiteLLM translates for, as the tests address them."""

from __future__ import annotations

import json
from dataclasses import dataclass

KEY_ID, AWS_SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = {
    "anthropic": "sk-ant-api03-example",
    "google-ai-studio": "AIzaSyExampleExampleExample",
    "bedrock": json.dumps({"accessKeyId": KEY_ID, "secretAccessKey": AWS_SECRET}),
}
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
}
