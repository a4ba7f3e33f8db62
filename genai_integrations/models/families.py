"""Which providers serve a model whose name only says its family: rows of data."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from genai_integrations.connections.providers import OWN


@dataclass(frozen=True, slots=True)
class Family:
    """Models whose names start alike.

    Attributes:
        prefixes: What their names start with.
        vendor: The prefix under which aggregators list them.
        providers: Who serves them under their plain names; the order between connections is the user's.
        hosts: Who serves some of them under ids of its own, which the price map must know.
    """

    prefixes: tuple[str, ...]
    vendor: str
    providers: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A word for it: `gpt`, `claude`, `gemini`."""
        return self.prefixes[0].rstrip("-0123456789")


FAMILIES = (
    # OpenAI's open models, which it does not serve itself.
    Family(
        ("gpt-oss",),
        vendor="openai",
        providers=("cerebras", "sambanova", "ollama"),
        hosts=("bedrock", "vertex", "groq"),
    ),
    # Names of other vendors' embeddings that begin as OpenAI's do.
    Family(
        ("text-embedding-004", "text-embedding-005", "text-embedding-large-exp", "embedding-001"),
        vendor="google",
        providers=("google-ai-studio", "vertex"),
    ),
    Family(("text-embedding-v",), vendor="qwen", providers=("dashscope",)),
    Family(
        (
            "gpt-",
            "ft:",
            "chatgpt-",
            "o1",
            "o3",
            "o4",
            "codex-",
            "computer-use-",
            "text-embedding-",
            "omni-moderation",
        ),
        vendor="openai",
        providers=("openai", "azure"),
    ),
    Family(("claude-",), vendor="anthropic", providers=("anthropic",), hosts=("bedrock", "vertex")),
    # Ollama's names of Google's open models have no dash behind the family.
    Family(("gemma2", "gemma3", "embeddinggemma"), vendor="google", providers=("ollama",)),
    Family(
        ("gemini-", "gemma-", "text-multilingual-embedding-"),
        vendor="google",
        providers=("google-ai-studio", "vertex"),
    ),
    Family(("nova-", "titan-", "amazon."), vendor="amazon", hosts=("bedrock",)),
    Family(
        ("llama", "meta-llama"),
        vendor="meta-llama",
        providers=("groq", "ollama"),
        hosts=("bedrock", "vertex"),
    ),
    Family(("qwen", "qwq"), vendor="qwen", providers=("ollama", "dashscope")),
    Family(("smollm", "phi", "tinyllama"), vendor="microsoft", providers=("ollama",)),
    Family(
        ("mistral", "ministral", "magistral", "codestral", "pixtral", "devstral", "open-mixtral"),
        vendor="mistralai",
        providers=("mistral",),
        hosts=("bedrock", "vertex"),
    ),
    Family(("deepseek-",), vendor="deepseek", providers=("deepseek",)),
    Family(("grok-",), vendor="x-ai", providers=("xai",)),
    Family(("sonar",), vendor="perplexity", providers=("perplexity",)),
    Family(("kimi-", "moonshot-"), vendor="moonshotai", providers=("moonshot",)),
    Family(("glm-",), vendor="z-ai", providers=("zai",)),
    Family(("minimax-",), vendor="minimax", providers=("minimax",)),
    Family(("doubao-",), vendor="bytedance", providers=("volcengine",)),
    Family(("jamba",), vendor="ai21", providers=("ai21",), hosts=("bedrock",)),
    Family(("mercury",), vendor="inception", providers=("inception",)),
    Family(("voyage-",), vendor="voyageai", providers=("voyage",)),
    Family(("jina-",), vendor="jinaai", providers=("jina_ai",)),
    Family(
        ("command", "embed-", "c4ai-"), vendor="cohere", providers=("cohere",), hosts=("bedrock",)
    ),
)

OPENROUTERS_ENDING = re.compile(r":(?:nitro|floor|exacto|free|online|extended)$")
"""What OpenRouter takes behind a name to choose who serves the model: openrouter.ai/docs/features/model-routing."""

OWN_IDS = {("openrouter", "auto"): "openrouter/auto"}
"""Names whose id repeats the provider's prefix, which would otherwise be taken off as ours."""


def family_of(model: str) -> Family | None:
    """The family a bare model name belongs to, or None."""
    lowered = model.lower()
    known = next((row for row in FAMILIES if lowered.startswith(row.prefixes)), None)
    return _with_own(known, lowered) if OWN else known


def _with_own(known: Family | None, lowered: str) -> Family | None:
    """The family with the program's own providers that serve it too: they take it from nobody."""
    rows = [row for row in tuple(OWN.values()) if row.families and lowered.startswith(row.families)]
    if not rows:
        return known
    return _extended(known, rows[0].families, tuple(row.name for row in rows))


@lru_cache(256)  # so that two models of one family have the same object
def _extended(known: Family | None, prefixes: tuple[str, ...], own: tuple[str, ...]) -> Family:
    if known is None:
        return Family(prefixes, vendor=own[0], providers=own)
    return replace(known, providers=(*known.providers, *own))
