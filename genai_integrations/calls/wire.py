"""The shapes that go over the wire, as plain dicts in OpenAI's form, and what is read off them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from genai_integrations.calls.args import DropParams
from genai_integrations.calls.headers import Headers
from genai_integrations.connections.connection import Connection
from genai_integrations.errors import CallError

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
        drop_params: Whether parameters that the provider does not take may be left out; see `RouterArgs`.
        headers: What the call sends beside the connection's own headers, which win.
    """

    connection: Connection
    model: str
    operation: Operation
    body: Wire
    drop_params: DropParams = True
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


def vectors_wanted(texts: Any) -> int:
    """How many vectors belong to the input of a request for embeddings.

    Args:
        texts: A text, its tokens, or a list of either.
    """
    is_one = isinstance(texts, str) or (bool(texts) and isinstance(texts[0], int))
    return 1 if is_one else len(texts)


def located(error: CallError, call: WireCall) -> CallError:
    """The error with where it happened written on it."""
    error.provider = call.connection.provider.name
    error.connection = call.connection.name
    error.model = call.model
    return error
