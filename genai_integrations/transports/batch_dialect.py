"""What a batch dialect is: how one provider takes many requests at once, for hours and at half price, in pure functions.

It does no I/O: what it wants to know, it yields as an `Ask`, and is sent the decoded answer.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from genai_integrations.calls.headers import Headers
from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.http.endpoint import Endpoint

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a batch is for.

    Attributes:
        connection: Whose key and address to use.
        model: The provider's own id, the same in all of its requests.
        operation: What is asked, the same in all.
        pins: Which hosts the key may go to.
        headers: Of each request, beside the connection's.
    """

    connection: Connection
    model: str
    operation: Operation
    pins: OriginPins
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of HTTP, whose answer is JSON."""

    endpoint: Endpoint
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds: the provider is not ready for what comes next."""

    seconds: float


Asking = Generator[Ask | Pause, Any, T]
"""Several requests, one after the other."""


@dataclass(frozen=True, slots=True)
class Job:
    """How a batch is.

    Attributes:
        is_over: Nothing of it is to come.
        files: Where its results are, one JSON object a line.
        rows: Its results, where they come with this.
        why: What the provider says of a batch that failed as a whole.
    """

    is_over: bool
    files: Sequence[str] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request.

    Attributes:
        custom_id: Of the request; None where the provider tells it by its place only.
        answer: As the provider answers such a request; None if it did not.
        error: Why not.
    """

    custom_id: str | None
    answer: object = None
    error: str = ""


class BatchDialect(Protocol):
    """One provider's batches. Without state, so that one serves all calls.

    Attributes:
        least: Requests that a batch must have.
        most: Requests that a batch may have.
        most_bytes: Bytes of their lines together.
    """

    least: int
    most: int
    most_bytes: int

    def takes(self, operation: Operation) -> bool:
        """Whether such requests can be in a batch."""
        ...

    def line(self, call: WireCall, body: Wire, custom_id: str) -> bytes:
        """One request as it stands in a batch.

        Args:
            call: The request.
            body: As the provider takes it on its own.
            custom_id: A name for it: letters, digits, `-` and `_`, at most 64.
        """
        ...

    def submit(self, account: Account, lines: Sequence[bytes], mark: str) -> Asking[str]:
        """Have a batch made, marked so that it is found again, and return its id."""
        ...

    def find(self, account: Account, mark: str, count: int, since: float) -> Asking[Sequence[str]]:
        """The ids of batches that may be the one with that mark: one, where the provider keeps marks.

        Args:
            account: Whose batches.
            mark: As it was submitted.
            count: How many requests it has.
            since: When it was submitted, in seconds since 1970.
        """
        ...

    def look(self, account: Account, job: str) -> Asking[Job]:
        """How a batch is."""
        ...

    def cancel(self, account: Account, job: str) -> Asking[None]:
        """End a batch early; what is done by then is there, and paid for."""
        ...

    def fetch(self, account: Account, file: str) -> Ask:
        """A file of results."""
        ...

    def outcome(self, row: Mapping[str, Any]) -> Outcome:
        """What one result says."""
        ...
