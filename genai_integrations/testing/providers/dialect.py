"""What the scripted provider asks of each wire dialect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.server import Received

Reply = str | Sequence[str] | Mapping[str, object] | Callable[[Any], object]
"""A scripted reply: text, the pieces of a stream, a message or whole reply, or what makes one of a request's body."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One write of a stream.

    Attributes:
        data: The bytes, framed as the dialect frames them.
        content: It carries text, reasoning or a part of a tool call.
        closing: It belongs to the end of the stream, not to its content.
    """

    data: bytes
    content: bool = False
    closing: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over the wire.

    Attributes:
        status: HTTP status.
        body: The whole body, when it is not a stream.
        headers: Names in lower case.
        pieces: The writes of a stream; None when it is not one.
        error_event: What says in a stream that it failed.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[Piece] | None = None
    error_event: bytes = b""


@dataclass(frozen=True, slots=True)
class Script:
    """What a dialect makes an answer from.

    Attributes:
        speaker: The provider's name, which its default answers mention.
        reply: What to answer; None for the default.
        filtered: The content filter stops the answer half-way.
        models: Every model that is served, for the list of models.
    """

    speaker: str
    reply: Reply | None = None
    filtered: bool = False
    models: Collection[str] = ()


class Dialect(Protocol):
    """One provider's wire format, from the server's side."""

    def recognises(self, request: Received) -> bool:
        """Whether the request is addressed to this dialect."""
        ...

    def model(self, request: Received) -> str | None:
        """The model it asks for."""
        ...

    def key(self, request: Received) -> str | None:
        """The API key it carries."""
        ...

    def failure(self, request: Received, fault: Fault) -> Answer:
        """An error in this dialect's shape, for a fault of the kind `error`."""
        ...

    def refusal(self, request: Received) -> Answer | None:
        """What the real API says against the request; None if nothing."""
        ...

    def answer(self, request: Received, script: Script) -> Answer:
        """A good answer."""
        ...
