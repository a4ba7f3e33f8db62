"""OpenAI's embeddings.

Source: OpenAI's API reference, "Embeddings".
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from genai_integrations.calls.openai_http import with_base64
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.wire import Wire
from genai_integrations.client import GenAIClient
from genai_integrations.gateway.dialects.chat import failure
from genai_integrations.gateway.dialects.dialect import (
    Asked,
    Dialect,
    model_of,
    object_of,
    params_of,
)
from genai_integrations.gateway.refusals import Refused
from genai_integrations.routing.streams import AsyncReplyStream

_OWN = frozenset(("model", "input", "encoding_format"))

MOST_TOKEN = 2**31 - 1
"""The largest number of a token: more than any vocabulary has, and JSON's readers agree on it."""

MOST_TEXTS = 2048
"""In one request, as OpenAI's API has it: they are asked for in many where a provider takes few at once."""

_FORMATS = (None, "float", "base64")


def request(body: Wire) -> Asked:
    """What a body asks.

    Raises:
        Refused: It cannot be meant.
    """
    model = model_of(body)
    object_of(body, "metadata")
    if body.get("encoding_format") not in _FORMATS:
        raise Refused(
            400,
            "invalid_request",
            "encoding_format must be float or base64",
            param="encoding_format",
        )
    texts: Any = body.get("input")
    if isinstance(texts, list) and len(texts) > MOST_TEXTS and not _is_tokens(texts):
        raise Refused(
            400, "invalid_request", f"input has more than {MOST_TEXTS} texts", param="input"
        )
    if not _is_input(texts):
        raise Refused(
            400,
            "invalid_request",
            "input must be a string, its tokens, or a list of either, and not empty",
            param="input",
        )
    return Asked(model, texts, params_of(body, _OWN), body=body)


def reply(answer: Reply, asked: Asked) -> Wire:
    """The answer; vectors as base64 if they are wanted so, whatever the provider gives."""
    as_base64 = asked.body.get("encoding_format") == "base64"
    return with_base64(answer.wire) if as_base64 else answer.wire


async def events(stream: AsyncReplyStream, asked: Asked) -> AsyncGenerator[bytes]:  # noqa: ARG001  a dialect's signature
    """There are none."""
    raise AssertionError("embeddings are not streamed")
    yield b""


async def ask(client: GenAIClient, asked: Asked) -> Reply:
    """Ask for vectors."""
    return await client.aembedding(asked.model, asked.messages, **asked.params)


def _is_input(texts: Any) -> bool:
    if isinstance(texts, str):
        return bool(texts)
    if not isinstance(texts, list) or not texts:
        return False
    return _is_tokens(texts) or all(isinstance(row, str) or _is_tokens(row) for row in texts)


def _is_tokens(row: Any) -> bool:
    return isinstance(row, list) and bool(row) and all(map(_is_token, row))


def _is_token(value: Any) -> bool:
    """A whole number; `5.0` is one in JSON too."""
    if isinstance(value, float):
        return value.is_integer() and 0 <= value <= MOST_TOKEN
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKEN


DIALECT = Dialect("openai-embeddings", request, reply, events, failure, ask)
