"""Names that no table knows, that look like others', or that a host writes in its own way."""

from __future__ import annotations

import pytest

from genai_integrations import Connection
from genai_integrations.connections.connection import BrokenConnection
from genai_integrations.errors import DecryptionError, UnknownModelError
from genai_integrations.routing.names import Names

ROWS = {
    "groq": Connection.of("groq", "groq", "k"),
    "ollama": Connection.of("ollama", "ollama", "", "http://localhost:11434/v1"),
    "vllm": Connection.of("vllm", "vllm", "", "http://10.0.0.7/v1"),
    "proxy": Connection.of("proxy", "openai", "k", "https://llm.example/v1"),
    "europe": Connection.of("europe", "openai", "k", "https://eu.api.openai.com/v1"),
    "openai": Connection.of("openai", "openai", "k"),
    "bedrock": Connection.of("bedrock", "bedrock", "k", region="us-east-1"),
    "tokyo": Connection.of("tokyo", "bedrock", "k", region="ap-northeast-1"),
    "google": Connection.of("google", "google-ai-studio", "k"),
    "dashscope": Connection.of("dashscope", "dashscope", "k"),
    "listing": Connection.of("listing", "vllm", "", "http://10.0.0.8/v1", custom_models=["one"]),
}
SONNET = "anthropic.claude-sonnet-4-20250514-v1:0"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.mark.parametrize(
    ("asked", "rows", "served"),
    [
        # One server of one's own serves what nobody else does.
        ("my-model", "vllm", ["vllm/my-model"]),
        ("my-model", "openai vllm", ["vllm/my-model"]),
        ("my-model", "ollama", ["ollama/my-model"]),
        ("mistralai/Mistral-7B", "openai vllm", ["vllm/mistralai/Mistral-7B"]),
        ("gpt-4o", "openai vllm", ["openai/gpt-4o"]),
        ("my-model", "proxy", ["proxy/my-model"]),
        ("my-model", "openai proxy", ["proxy/my-model"]),
        ("claude-x", "google proxy", ["proxy/claude-x"]),
        # Hosts whose ids name the vendor.
        ("gpt-oss-120b", "groq", ["groq/openai/gpt-oss-120b"]),
        ("groq/gpt-oss-120b", "groq", ["groq/openai/gpt-oss-120b"]),
        ("openai/gpt-oss-120b", "groq", ["groq/openai/gpt-oss-120b"]),
        ("some-vendor/new-model", "groq openai", ["groq/some-vendor/new-model"]),
        # Ollama's tags, fine-tuned models, Google's lists.
        ("gemma3:4b", "openai ollama", ["ollama/gemma3:4b"]),
        ("ft:gpt-4o-mini-2024-07-18:org::x", "ollama openai", ["openai/ft:gpt-4o-mini-2024-07-18:org::x"]),
        ("models/gemini-2.5-flash", "google", ["google/gemini-2.5-flash"]),
        ("google/models/gemini-2.5-flash", "google", ["google/gemini-2.5-flash"]),
        # Bedrock serves newer models by inference profiles only.
        (SONNET, "ollama bedrock", [f"bedrock/us.{SONNET}"]),
        (f"bedrock/{SONNET}", "bedrock", [f"bedrock/us.{SONNET}"]),
        (f"tokyo/{SONNET}", "tokyo", [f"tokyo/apac.{SONNET}"]),
        (f"bedrock/{HAIKU}", "bedrock", [f"bedrock/{HAIKU}"]),
        # Embeddings whose names begin as OpenAI's do.
        ("text-embedding-004", "openai google", ["google/text-embedding-004"]),
        ("text-embedding-v3", "openai dashscope", ["dashscope/text-embedding-v3"]),
        ("text-embedding-3-small", "dashscope openai", ["openai/text-embedding-3-small"]),
    ],
)  # fmt: skip
def test_who_serves_it(asked, rows, served):
    """The name goes to whom its form says, under the id that this one knows."""
    targets = Names([ROWS[row] for row in rows.split()]).targets(asked)

    assert [target.name for target in targets] == served


@pytest.mark.parametrize(
    ("rows", "hint"),
    [
        # With two it is not known which one is meant; OpenAI itself is nobody's own.
        ("vllm ollama", "`vllm/my-model` asks it anyway."),
        ("proxy vllm", "`proxy/my-model` asks it anyway."),
        ("openai", "`openai/my-model` asks it anyway."),
        ("europe", "`europe/my-model` asks it anyway."),
        ("listing", "Connections: listing. `genai resolve"),
    ],
)
def test_an_unknown_name_says_how_to_write_it(rows, hint):
    """The error says how to ask a server all the same; not one that lists what it has."""
    with pytest.raises(UnknownModelError) as caught:
        Names([ROWS[row] for row in rows.split()]).targets("my-model")

    assert hint in str(caught.value)


def test_nobody_stands_in_for_a_connection_that_is_broken():
    """Its name still means it: the error says what is wrong with it."""
    broken = BrokenConnection("oslo", DecryptionError("the row is damaged"))

    with pytest.raises(DecryptionError, match="the row is damaged"):
        Names([ROWS["proxy"]], [broken]).targets("oslo/gpt-4o")
