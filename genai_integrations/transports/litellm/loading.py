"""LiteLLM, which takes seconds to import."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from genai_integrations.runtime.loading import Loading
from genai_integrations.settings import without_downloads
from genai_integrations.transports.litellm.quiet import quiet, silence

_BUILT_LATE = (
    "Message",
    "Delta",
    "Choices",
    "StreamingChoices",
    "ModelResponse",
    "ModelResponseStream",
    "EmbeddingResponse",
)


@cache
def litellm_module() -> Any:
    """LiteLLM, imported quietly at its first use."""
    silence()
    # What pydantic says of LiteLLM's own types is nobody's concern here.
    with quiet(), without_downloads(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm
        from litellm.anthropic_beta_headers_manager import get_provider_name
        from litellm.types import utils

        # These would be done at some later call: a file fetched, and types built with warnings.
        get_provider_name("anthropic")
        for name in _BUILT_LATE:
            getattr(utils, name).model_rebuild()
    litellm.suppress_debug_info = True
    return litellm


LITELLM = Loading("LiteLLM", litellm_module)
"""LiteLLM takes seconds."""
