"""LlamaIndex's view of the router: an ordinary LLM and an ordinary embedding."""

from __future__ import annotations

try:
    import llama_index.core  # noqa: F401
except ImportError as error:
    from genai_integrations.runtime.installing import to_install_extra

    raise ImportError(
        f"genai_integrations.llama_index needs LlamaIndex: {to_install_extra('llama-index')}"
    ) from error

from genai_integrations.llama_index.embedding import EmbeddingUsage, GenAIEmbedding
from genai_integrations.llama_index.llm import GenAI
from genai_integrations.llama_index.params import use_params
from genai_integrations.llama_index.prompts.template import alangfuse_prompt, langfuse_prompt
from genai_integrations.llama_index.prompts.update import update_prompts

__all__ = [
    "EmbeddingUsage",
    "GenAI",
    "GenAIEmbedding",
    "alangfuse_prompt",
    "langfuse_prompt",
    "update_prompts",
    "use_params",
]
