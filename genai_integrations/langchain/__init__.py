"""LangChain's view of the router: an ordinary chat model, and embeddings."""

from __future__ import annotations

try:
    import langchain_core  # noqa: F401
except ImportError as error:
    raise ImportError(
        "genai_integrations.langchain needs LangChain: pip install 'genai-integrations[langchain]'"
    ) from error

from genai_integrations.langchain.chat_model import ChatGenAI
from genai_integrations.langchain.embeddings import GenAIEmbeddings

__all__ = ["ChatGenAI", "GenAIEmbeddings"]
