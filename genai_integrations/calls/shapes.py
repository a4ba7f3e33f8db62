"""OpenAI's wire shapes, for the type checker. At run time each is a plain dict.

No key is required, because servers that copied the format leave some out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from genai_integrations.models.usage import Usage

Messages = Sequence[Mapping[str, object]]
"""What a caller gives for a conversation: `Message`s, or mappings that may hold more."""


class FunctionCall(TypedDict, total=False):
    """A function by name, and its arguments as JSON text; in a stream, the next piece of that text."""

    name: str
    arguments: str


class ToolCall(TypedDict, total=False):
    """One function that the model wants called. `index` says, in a stream, which one a piece belongs to."""

    index: int
    id: str
    type: Literal["function"]
    function: FunctionCall


class Message(TypedDict, total=False):
    """What one side says. The last three are the model's only."""

    role: str
    content: str | list[dict[str, object]] | None
    name: str
    tool_call_id: str
    tool_calls: list[ToolCall]
    refusal: str | None
    reasoning_content: str


class Choice(TypedDict, total=False):
    """One of the `n` answers."""

    index: int
    message: Message
    finish_reason: str | None
    logprobs: object


class Embedding(TypedDict, total=False):
    """One text's vector; a text if base64 was asked for."""

    index: int
    embedding: list[float] | str


class ReplyBody(TypedDict, total=False):
    """A whole answer: `choices` of a chat, `data` of embeddings."""

    id: str
    model: str
    choices: list[Choice]
    data: list[Embedding]
    usage: Usage | None
