"""Who keeps answers, as the router sees it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import NamedTuple, Protocol, runtime_checkable

from genai_integrations.cache.kept import Kept
from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import CallError
from genai_integrations.routing.deployments import Plan
from genai_integrations.routing.shared_streams import AsyncSharedStream, SharedStream


class AnswerStore(Protocol):
    """Keeps answers by the exact question. What it gives is the caller's own.

    A store that raises keeps and gives nothing for that call, which goes on. From an event loop it is called in a
    thread, unless it says `blocks = False` because it does no I/O, or is an `AsyncAnswerStore`.
    """

    def key(self, question: Wire) -> bytes | None:
        """What the answer to a question is kept under, None if it cannot be kept. It does no I/O."""
        ...

    def get(self, key: bytes) -> Kept | None:
        """The answer, None if it is not there."""
        ...

    def put(self, key: bytes, entry: Wire, ttl: float | None) -> None:
        """Keep an answer.

        Args:
            key: See `key`.
            entry: As JSON's values.
            ttl: Seconds; None is the store's own.
        """
        ...

    def clear(self) -> None:
        """Forget every answer of this tenant."""
        ...


@runtime_checkable
class AsyncAnswerStore(AnswerStore, Protocol):
    """A store that is awaited where there is an event loop."""

    def aget(self, key: bytes) -> Awaitable[Kept | None]:
        """As `get`."""
        ...

    def aput(self, key: bytes, entry: Wire, ttl: float | None) -> Awaitable[None]:
        """As `put`."""
        ...

    def aclear(self) -> Awaitable[None]:
        """As `clear`."""
        ...


class SimilarAnswers(Protocol):
    """Keeps answers by what a question means. It is asked after the exact look-up has missed, and told what is kept.

    It decides by the request (`args.cache.semantic`) whether it has anything to do with it. From an event loop it is
    called in a thread. One that raises is as one that has nothing.
    """

    def get(self, request: Request, plan: Plan) -> Kept | None:
        """An answer to a question that says the same, None if there is none."""
        ...

    def put(self, request: Request, plan: Plan, entry: Wire) -> None:
        """Keep an answer. `entry["reply"]` is the reply; what is given later is the entry as it is here."""
        ...

    def clear(self) -> None:
        """Forget every answer."""
        ...


class Failure(NamedTuple):
    """How a call failed that others had waited for; it is theirs, too, if they asked in the same way."""

    error: CallError
    request: Request


Outcome = bytes | Failure | SharedStream | AsyncSharedStream
"""What a call gives those who wait for it: its answer as JSON, how it failed, or its stream."""
