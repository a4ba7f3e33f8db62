"""What models are known not to do. The values are those of the vendors' pages, not of the tables that are tested."""

from __future__ import annotations

import pytest

from genai_integrations.models.abilities import ability

LACKING = [
    ("openai", "gpt-3.5-turbo", "vision"),
    ("openai", "gpt-3.5-turbo-0125", "json_schema"),
    ("azure", "gpt-35-turbo", "vision"),
    ("openai", "gpt-4", "vision"),
    ("openai", "gpt-4-0613", "json_schema"),
    ("openai", "o3-mini", "vision"),
    ("openai", "o1-mini", "tools"),
    ("anthropic", "claude-sonnet-4-5", "audio"),
    ("bedrock", "us.anthropic.claude-3-haiku-20240307-v1:0", "audio"),
    ("bedrock", "meta.llama3-3-70b-instruct-v1:0", "vision"),
    ("bedrock", "amazon.nova-micro-v1:0", "vision"),
    ("deepseek", "deepseek-chat", "vision"),
    ("mistral", "codestral-latest", "vision"),
    ("ollama", "llama3.1", "vision"),
    ("groq", "llama-3.3-70b-versatile", "vision"),
    ("openrouter", "meta-llama/llama-3.1-8b-instruct:floor", "vision"),
]
ABLE = [
    ("openai", "gpt-4o", "vision"),
    ("openai", "gpt-4o-mini", "json_schema"),
    ("openai", "gpt-4-turbo", "vision"),
    ("openai", "gpt-4o-audio-preview", "audio"),
    ("openai", "gpt-4o", "audio"),
    ("openai", "gpt-4.1", "pdf"),
    ("openai", "gpt-3.5-turbo", "tools"),
    ("openai", "o3", "vision"),
    ("anthropic", "claude-sonnet-4-5", "vision"),
    ("google-ai-studio", "gemini-2.5-pro", "audio"),
    ("bedrock", "us.meta.llama3-2-90b-instruct-v1:0", "vision"),
    ("mistral", "mistral-large-latest", "vision"),
    ("ollama", "llama3.2-vision", "vision"),
    ("ollama", "qwen2.5vl:7b", "vision"),
    ("openrouter", "openai/gpt-4o:nitro", "vision"),
    ("openai", "my-own-model", "vision"),
]


@pytest.mark.parametrize(("provider", "model", "need"), LACKING)
def test_what_a_model_does_not_do(provider, model, need):
    """Whoever serves it, and however its id is written there."""
    assert need in ability(provider, model).lacks


@pytest.mark.parametrize(("provider", "model", "need"), ABLE)
def test_what_a_model_does_or_may_do(provider, model, need):
    """What is not known passes."""
    assert need not in ability(provider, model).lacks


def test_what_a_model_hardly_does_is_a_doubt():
    """gpt-4o hears by another name; nobody has said that it does not by this one."""
    assert "audio" in ability("openai", "gpt-4o-mini").doubts
    assert ability("openai", "gpt-4o-audio-preview").doubts == frozenset()


@pytest.mark.parametrize(
    ("provider", "model", "window"),
    [
        ("openai", "gpt-4", 8192),
        ("openai", "gpt-4o", 128_000),
        ("anthropic", "claude-sonnet-4-5", 200_000),
        ("ollama", "llama3.1", None),
        ("openai", "my-own-model", None),
    ],
)
def test_the_context_window_is_that_of_the_model(provider, model, window):
    """Ollama's server decides it, whatever the model."""
    assert ability(provider, model).window == window
