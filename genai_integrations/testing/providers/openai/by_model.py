"""What OpenAI's reasoning models do not take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genai_integrations.testing.providers.openai.errors import ApiError

# The words are those of public reports: johny-b/llmcomp#69, koosoli/ESPHomeDesigner#379.
_REASONING = re.compile(r"(o\d|gpt-5(?!.*chat)).*")
_UNSUPPORTED = {
    "max_tokens": " Use 'max_completion_tokens' instead.",
    "logprobs": "",
    "top_logprobs": "",
    "logit_bias": "",
}
_FIXED = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}


def check_model(model: str, body: Mapping[str, Any]) -> None:
    """Refuse a parameter that this model does not take.

    Raises:
        ApiError: With OpenAI's `unsupported_parameter` or `unsupported_value`.
    """
    if not _REASONING.fullmatch(model):
        return
    for name, hint in _UNSUPPORTED.items():
        if body.get(name) is not None:
            message = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
            raise ApiError(message, 400, param=name, code="unsupported_parameter")
    for name, default in _FIXED.items():
        value = body.get(name)
        if value is not None and value != default:
            message = (
                f"Unsupported value: '{name}' does not support {value} with this model. "
                f"Only the default ({default}) value is supported."
            )
            raise ApiError(message, 400, param=name, code="unsupported_value")
