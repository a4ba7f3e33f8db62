"""What an attempt has used whose answer nobody waited for: its provider tells no usage, and counts it all the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.runtime import jsonbytes


def usage_so_far(body: Mapping[str, Any], text: str, told: Mapping[str, Any] | None) -> Wire:
    """An estimate of the tokens that were used, in OpenAI's shape.

    Args:
        body: The request.
        text: What came of the answer.
        told: What the provider has told by then: some tell the tokens of the request at once.
    """
    told = told or {}
    prompt = told.get("prompt_tokens") or _tokens_of_request(body)
    completion = max(told.get("completion_tokens") or 0, _tokens(text))
    return {
        **told,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _tokens_of_request(body: Mapping[str, Any]) -> int:
    texts = [text for message in body.get("messages") or () for text in _texts(message)]
    tools = jsonbytes.dumps(body["tools"]).decode() if body.get("tools") else ""
    return (
        sum(map(_tokens, texts)) + _tokens(tools) + _PER_MESSAGE * len(body.get("messages") or ())
    )


def _texts(message: Mapping[str, Any]) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else ()
    return [str(part["text"]) for part in parts if isinstance(part, Mapping) and part.get("text")]


_PER_MESSAGE = 4
"""Tokens by which a message is more than its text, with OpenAI's models."""


def _tokens(text: str) -> int:
    """Four bytes to a token: near for English, and for Korean or Chinese, whose letters have three."""
    return math.ceil(len(text.encode(errors="replace")) / 4)
