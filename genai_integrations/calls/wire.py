"""The shapes that go over the wire, as plain dicts in OpenAI's form, and what is read off them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from genai_integrations.calls.headers import Headers
from genai_integrations.connections.connection import Connection
from genai_integrations.errors import CallError, InvalidReplyError

Operation = Literal["chat/completions", "embeddings"]
"""What is asked of the provider: the last part of OpenAI's path."""


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
        headers: What the call sends beside the connection's own headers, which win.
    """

    connection: Connection
    model: str
    operation: Operation
    body: Wire
    headers: Headers = field(default_factory=dict)


class Chunks(Protocol):
    """Chunks for a `for` loop that can be closed early, by any thread."""

    def __iter__(self) -> Iterator[Wire]: ...

    def __next__(self) -> Wire: ...

    def close(self) -> None:
        """Stop, and let the provider know. Never waits: a thread that reads is let go."""
        ...


class AsyncChunks(Protocol):
    """Chunks for an `async for` loop that can be closed early."""

    def __aiter__(self) -> AsyncIterator[Wire]: ...

    def __anext__(self) -> Awaitable[Wire]: ...

    def aclose(self) -> Awaitable[None]:
        """Stop, and let the provider know."""
        ...


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


def check_reply(data: object, operation: Operation) -> Wire:
    """A decoded answer, if it is one of the operation.

    Raises:
        InvalidReplyError: It is empty or something else.
    """
    wanted = _LIST_OF[operation]
    if isinstance(data, dict):
        items = data.get(wanted)
        is_chat = operation == "chat/completions"
        if items and _all_are_dicts(items, "message" if is_chat else None):
            if "usage" in data:
                data["usage"] = _usage(data["usage"])
            return data
    raise InvalidReplyError(f"the server's answer has no {wanted}")


def vectors_wanted(texts: Any) -> int:
    """How many vectors belong to the input of a request for embeddings.

    Args:
        texts: A text, its tokens, or a list of either.
    """
    is_one = isinstance(texts, str) or (bool(texts) and isinstance(texts[0], int))
    return 1 if is_one else len(texts)


def check_chunk(data: object) -> Wire:
    """A decoded event of a stream, if it is a chunk.

    Raises:
        InvalidReplyError: It is no object.
    """
    if not isinstance(data, dict):
        raise InvalidReplyError("an event of the stream is no JSON object")
    choices = data.get("choices") or ()
    if not isinstance(choices, (list, tuple)):
        raise InvalidReplyError("an event of the stream has choices that are none")
    for choice in choices:
        # One loop and no helper: this runs for every chunk.
        if not isinstance(choice, dict) or not isinstance(choice.get("delta") or {}, dict):
            raise InvalidReplyError("an event of the stream has a choice that is none")
    if data.get("usage"):
        data["usage"] = _usage(data["usage"])
    return data


def _all_are_dicts(items: object, inner: str | None = None) -> bool:
    """Whether it is a list of objects, and each has an object under `inner`."""
    if not isinstance(items, list):
        return False
    for item in items:
        if not isinstance(item, dict) or (inner and not isinstance(item.get(inner), dict)):
            return False
    return True


def _usage(usage: object) -> Wire | None:
    """Token counts that are counts; odd ones must not spoil a good answer."""
    if not isinstance(usage, dict):
        return None
    return {
        name: value
        for name, value in usage.items()
        if isinstance(value, dict)
        or (isinstance(value, (int, float)) and not isinstance(value, bool))
    }


def located(error: CallError, call: WireCall) -> CallError:
    """The error with where it happened written on it."""
    error.provider = call.connection.provider.name
    error.connection = call.connection.name
    error.model = call.model
    return error
