"""The shapes that go over the wire, as plain dicts in OpenAI's form, and what is read off them."""

from __future__ import annotations

import time
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


REQUEST_ID = "_request_id"
"""Under this key a transport tells the provider's id of the request; it is no part of the reply that a caller gets."""


END: Wire = {}
"""In place of a chunk: the server said that the stream is whole."""


@dataclass(slots=True)
class Times:
    """What a transport measures of one attempt, where somebody wants to know.

    Attributes:
        began: When the attempt began, on the clock of `time.monotonic`.
        connect_ms: Milliseconds that a new connection took, or its failing; None where a kept one was used.
        first_byte_ms: Milliseconds from the begin to the answer's head; None if none came.
        longest_gap_ms: Milliseconds of the longest wait for a chunk after a stream's first content; None without.
        flows: Whether that content is there.
    """

    began: float = 0.0
    connect_ms: float | None = None
    first_byte_ms: float | None = None
    longest_gap_ms: float | None = None
    flows: bool = False

    def connected(self, since: float) -> None:
        """A connection was made, or could not be made, begun at that moment."""
        self.connect_ms = (time.monotonic() - since) * 1000

    def answered(self) -> None:
        """The head of an answer is there; of several answers to one attempt, the first counts."""
        if self.first_byte_ms is None:
            self.first_byte_ms = (time.monotonic() - self.began) * 1000

    def waited(self, since: float, chunk: Wire | None) -> None:
        """A stream was waited for from that moment on, and brought a chunk; None if it ended or broke."""
        if self.flows:
            gap = (time.monotonic() - since) * 1000
            self.longest_gap_ms = max(gap, self.longest_gap_ms or 0.0)
        elif chunk is not None:
            self.flows = has_content(chunk)


class Relayed(Wire):
    """A reply or chunk, with the bytes for a caller who speaks the server's own API.

    A plain dict to everybody else: who copies it has the reply, and the bytes are gone. A chunk of this kind has no
    choices, and stands before those that were read of the same bytes.

    Args:
        wire: The reply or chunk.
        raw: A reply as it came, or one event of a stream, framed.
    """

    __slots__ = ("raw",)

    def __init__(self, wire: Wire, raw: bytes) -> None:
        super().__init__(wire)
        self.raw = raw


@dataclass(frozen=True, slots=True)
class Spoken:
    """A request in the words of the caller's own API, for servers that speak the same.

    Attributes:
        dialect: Whose API it is: `anthropic` or `responses`.
        body: The caller's body, as it came.
    """

    dialect: str
    body: Wire


# As `Request`: not frozen, since each attempt makes one.
@dataclass(slots=True)
class WireCall:
    """One attempt.

    Attributes:
        connection: Whose key and address to use.
        model: The provider's own model id.
        operation: What is asked.
        body: The whole request.
        drop_params: Whether parameters that the provider does not take may be left out; see `RouterArgs`.
        headers: What the call sends beside the connection's own headers, which win.
        times: Takes what is measured on the way; None measures nothing.
        spoken: The same request in the caller's own words; None where it has none but these.
    """

    connection: Connection
    model: str
    operation: Operation
    body: Wire
    drop_params: DropParams = True
    headers: Headers = field(default_factory=dict)
    times: Times | None = None
    spoken: Spoken | None = None


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
