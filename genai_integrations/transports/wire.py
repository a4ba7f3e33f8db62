"""The shapes that go over the wire, as plain dicts in OpenAI's form, and what is read off them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genai_integrations.connections.connection import Connection
from genai_integrations.errors import CallError, InvalidReplyError
from genai_integrations.transports.endpoint import Operation

Wire = dict[str, Any]
"""A request body, a reply or a chunk."""


END: Wire = {}
"""In place of a chunk: the server said that the stream is whole."""


@dataclass(frozen=True, slots=True)
class WireCall:
    """One attempt.

    Attributes:
        connection: Whose key and address to use.
        model: The provider's own model id.
        operation: What is asked.
        body: The whole request.
    """

    connection: Connection
    model: str
    operation: Operation
    body: Wire


_CONTENT_KEYS = (
    "content",
    "tool_calls",
    "reasoning_content",
    "reasoning",
    "refusal",
    "function_call",
    "audio",
)

_LIST_OF: Mapping[Operation, str] = {"chat/completions": "choices", "embeddings": "data"}


def has_content(chunk: Wire) -> bool:
    """Whether a chunk brings something a user would see, not only a role or bookkeeping."""
    for choice in chunk.get("choices") or ():
        delta = choice.get("delta") or {}
        if any(delta.get(key) for key in _CONTENT_KEYS):
            return True
    return False


def finish_reasons(wire: Wire) -> Iterator[str]:
    """The finish reasons in a reply or chunk."""
    for choice in wire.get("choices") or ():
        reason = choice.get("finish_reason")
        if reason:
            yield reason


def check_reply(data: Any, operation: Operation) -> Wire:
    """A decoded answer, if it is one of the operation.

    Raises:
        InvalidReplyError: It is empty or something else.
    """
    wanted = _LIST_OF[operation]
    if isinstance(data, dict):
        items = data.get(wanted)
        if isinstance(items, list) and items and all(isinstance(item, dict) for item in items):
            return data
    raise InvalidReplyError(f"the server's answer has no {wanted}")


def check_chunk(data: Any) -> Wire:
    """A decoded event of a stream, if it is a chunk.

    Raises:
        InvalidReplyError: It is no object.
    """
    if not isinstance(data, dict):
        raise InvalidReplyError("an event of the stream is no JSON object")
    return data


def located(error: CallError, call: WireCall) -> CallError:
    """The error with where it happened written on it."""
    error.provider = call.connection.provider.name
    error.connection = call.connection.name
    error.model = call.model
    return error
