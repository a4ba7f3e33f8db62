"""What an attempt has used whose answer nobody waited for: its provider tells no usage, and counts it all the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.models.tokens import BYTES_PER_TOKEN, rough_tokens


def usage_so_far(body: Mapping[str, Any], text: str, told: Mapping[str, Any] | None) -> Wire:
    """An estimate of the tokens that were used, in OpenAI's shape, by the bytes of the texts.

    Args:
        body: The request.
        text: What came of the answer.
        told: What the provider has told by then: some tell the tokens of the request at once.
    """
    told = told or {}
    prompt = told.get("prompt_tokens") or rough_tokens(body)
    came = math.ceil(len(text.encode(errors="replace")) / BYTES_PER_TOKEN)
    completion = max(told.get("completion_tokens") or 0, came)
    return {
        **told,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
