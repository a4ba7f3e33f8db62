"""How many tokens a request has, by Google's `countTokens`: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.gemini.address import is_vertex
from genai_integrations.transports.gemini.requests import chat_body

METHOD = "countTokens"
"""In place of `generateContent` in the path."""

_ON_VERTEX = ("contents", "systemInstruction", "tools", "generationConfig")


def count_body(call: WireCall) -> Wire:
    """What asks for the tokens of a chat's prompt.

    AI Studio takes the whole request (https://ai.google.dev/api/tokens), Vertex AI what a prompt is made of
    (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens).

    Raises:
        ConfigurationError: As `chat_body`.
    """
    body = chat_body(call)
    if is_vertex(call.connection):
        return {name: body[name] for name in _ON_VERTEX if name in body}
    name = call.model if "/" in call.model else f"models/{call.model}"
    return {"generateContentRequest": {"model": name, **body}}


def tokens_of(answer: object) -> int:
    """The tokens that an answer tells.

    Raises:
        InvalidReplyError: It tells none.
    """
    told = answer.get("totalTokens") if isinstance(answer, Mapping) else None
    if not isinstance(told, int):
        raise InvalidReplyError("the server's answer has no totalTokens")
    return told
