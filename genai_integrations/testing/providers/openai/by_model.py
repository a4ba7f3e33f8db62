"""What OpenAI's reasoning models do not take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genai_integrations.testing.providers.openai.errors import ApiError

# The words are those of public reports: johny-b/llmcomp#69, koosoli/ESPHomeDesigner#379.
_REASONING = re.compile(r"(o\d|gpt-([5-9]|\d\d)(?!.*chat)).*")
# OpenAI, "Using GPT-5.2": what steers sampling is taken when the model does not reason, the default of 5.1 and 5.2.
_MAY_NOT_REASON = re.compile(r"gpt-(5\.\d|[6-9]|\d\d).*")
_REASONS_IF_ASKED = re.compile(r"gpt-5\.[12](?!\d).*")
_UNSUPPORTED = ("logprobs", "top_logprobs", "logit_bias")
_FIXED = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}


def check_model(model: str, body: Mapping[str, Any]) -> None:
    """Refuse a parameter that this model does not take.

    Raises:
        ApiError: With OpenAI's `unsupported_parameter` or `unsupported_value`.
    """
    if not _REASONING.fullmatch(model):
        return
    if body.get("max_tokens") is not None:
        raise _unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
    if not _reasons(model, body.get("reasoning_effort")):
        return
    for name in _UNSUPPORTED:
        if body.get(name) is not None:
            raise _unsupported(name)
    for name, default in _FIXED.items():
        value = body.get(name)
        if value is not None and value != default:
            message = (
                f"Unsupported value: '{name}' does not support {value} with this model. "
                f"Only the default ({default}) value is supported."
            )
            raise ApiError(message, 400, param=name, code="unsupported_value")


def _reasons(model: str, effort: object) -> bool:
    if not _MAY_NOT_REASON.fullmatch(model):
        return True
    return effort not in ({"none", None} if _REASONS_IF_ASKED.fullmatch(model) else {"none"})


def _unsupported(name: str, hint: str = "") -> ApiError:
    message = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
    return ApiError(message, 400, param=name, code="unsupported_parameter")
