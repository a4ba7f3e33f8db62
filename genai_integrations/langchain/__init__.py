"""LangChain's view of the router: an ordinary chat model, and embeddings."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

try:
    # All of it here: Python takes longer for the same import deep inside other imports.
    import langchain_core.language_models.chat_models  # noqa: F401
except ImportError as error:
    from genai_integrations.runtime.installing import to_install_extra

    raise ImportError(
        f"genai_integrations.langchain needs LangChain: {to_install_extra('langchain')}"
    ) from error

from genai_integrations.langchain.chat_model import ChatGenAI

if TYPE_CHECKING:
    from genai_integrations.langchain.embeddings import GenAIEmbeddings
    from genai_integrations.langchain.prompts.chain import langfuse_chain
    from genai_integrations.langchain.prompts.lookup import alangfuse_prompt, langfuse_prompt

__all__ = [
    "ChatGenAI",
    "GenAIEmbeddings",
    "alangfuse_prompt",
    "langfuse_chain",
    "langfuse_prompt",
]

_HOMES = {
    "GenAIEmbeddings": "embeddings",
    "alangfuse_prompt": "prompts.lookup",
    "langfuse_chain": "prompts.chain",
    "langfuse_prompt": "prompts.lookup",
}
"""Imported at their first use; LangChain's templates bring Jinja and YAML along."""


def __getattr__(name: str) -> Any:
    """What is not imported yet."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
