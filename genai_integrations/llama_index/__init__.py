"""LlamaIndex's view of the router: an ordinary LLM and an ordinary embedding."""

from __future__ import annotations

try:
    import llama_index.core  # noqa: F401
except ImportError as error:
    raise ImportError(
        "genai_integrations.llama_index needs LlamaIndex: pip install 'genai-integrations[llama-index]'"
    ) from error

from genai_integrations.llama_index.embedding import EmbeddingUsage, GenAIEmbedding
from genai_integrations.llama_index.llm import GenAI
from genai_integrations.llama_index.params import use_params

__all__ = ["EmbeddingUsage", "GenAI", "GenAIEmbedding", "use_params"]
