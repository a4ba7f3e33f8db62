"""One provider of each dialect, all of them scripted, for callers that speak another."""

from __future__ import annotations

from genai_integrations import Connection

AWS = '{"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}'
"""The pair of AWS's documentation."""

MODELS = (
    "chat/gpt-4o",
    "responses/gpt-5",
    "claude/claude-sonnet-4-5",
    "gemini/gemini-2.5-flash",
    "bedrock/anthropic.claude-3-haiku-20240307-v1:0",
)


def connections(url):
    """The connections to them, by the address of the one server that plays all of them."""
    return [
        Connection.of("chat", "openai", "sk-1", f"{url}/v1"),
        Connection.of("responses", "openai", "sk-2", f"{url}/v1", dialect="responses"),
        Connection.of("claude", "anthropic", "sk-3", url),
        Connection.of("gemini", "google-ai-studio", "sk-4", url),
        Connection.of("bedrock", "bedrock", AWS, url, region="us-east-1"),
    ]
