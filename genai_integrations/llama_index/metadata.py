"""What LlamaIndex plans with: limits and capabilities of a model's name."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

from llama_index.core.base.llms.types import LLMMetadata

from genai_integrations.models.profiles import ModelProfile

if TYPE_CHECKING:
    from genai_integrations.llama_index.llm import GenAI

ASSUMED_CONTEXT_WINDOW = 128_000
"""Tokens, for a model that the price map does not know."""

_logger = logging.getLogger(__name__)


def metadata_of(llm: GenAI, model: str, max_tokens: int | None) -> LLMMetadata:
    """The LLM's own fields where they are set, else what holds for every target of the name."""
    window, calls_functions = llm.context_window, llm.is_function_calling_model
    if window is None or calls_functions is None:
        profile = llm.profile(model)
        if not profile.known:
            _say_assumed(model)
        if window is None:
            window = profile.max_input_tokens or ASSUMED_CONTEXT_WINDOW
        if calls_functions is None:
            calls_functions = capable(profile, "supports_function_calling")
    return LLMMetadata(
        context_window=window,
        num_output=llm.num_output or max_tokens or -1,
        is_chat_model=llm.is_chat_model,
        is_function_calling_model=calls_functions,
        model_name=llm.model_name or model,
        system_role=llm.system_role,
    )


def capable(profile: ModelProfile, name: str) -> bool:
    """A capability; one that the price map cannot tell of an unknown model is assumed."""
    return profile.capabilities.get(name, not profile.known)


@functools.lru_cache(maxsize=1024)
def _say_assumed(model: str) -> None:
    """Warn, once for each name."""
    _logger.warning(
        "The price map does not know %r for every connection that serves it: where it is silent, GenAI assumes a "
        "model that chats, calls functions and has a context of %d tokens. Say otherwise with "
        "GenAI(context_window=..., is_function_calling_model=...).",
        model,
        ASSUMED_CONTEXT_WINDOW,
    )
