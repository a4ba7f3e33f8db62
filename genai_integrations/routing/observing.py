"""What somebody who watches calls is told: the router knows these protocols, and nobody behind them."""

from __future__ import annotations

from typing import Protocol

from genai_integrations.calls.headers import Headers
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.calls.wire import Wire


class CallObserver(Protocol):
    """Watches one call. It never raises, and takes no time that a caller would notice."""

    def attempt_began(self, attempt: Attempt) -> None:
        """A request to a target is about to be sent."""
        ...

    def attempt_ended(self, attempt: Attempt) -> None:
        """It is over: outcome, error, usage and times stand on it. That of a stream ends when the stream does."""
        ...

    def first_content(self, route: Route) -> None:
        """The first content of a stream is there.

        Args:
            route: Every attempt so far.
        """
        ...

    def call_ended(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:
        """The call is over; told once.

        Args:
            route: Every attempt.
            wire: The reply; of a stream that broke or was left, what came of it.
            error: What the caller gets instead; None for a reply, and for a stream that the caller left.
        """
        ...


def wants_reply(observer: CallObserver) -> bool:
    """Whether the one who watches a call looks at its reply; one with a false `wants_reply` gets none of a stream."""
    return bool(getattr(observer, "wants_reply", True))


class Observer(Protocol):
    """Watches calls. It never raises, and once it is ready takes no time that a caller would notice.

    One with a true `wants_times` has attempts measured more closely; see `wants_times`.
    """

    @property
    def is_ready(self) -> bool:
        """Whether it has made all that it makes once."""
        ...

    def prepare(self) -> None:
        """Make that, which may take seconds."""
        ...

    def call_began(self, request: Request) -> CallObserver | None:
        """A call begins, in the caller's thread and context; None if it is not to be watched."""
        ...


def wants_times(observer: Observer) -> bool:
    """Whether an observer reads `connect_ms`, `first_byte_ms` or `longest_gap_ms`: else they are not measured."""
    return bool(getattr(observer, "wants_times", False))


def carried_by(observer: CallObserver) -> Headers:
    """Headers for a request to a gateway, by which it joins the trace that an observer writes; most write none."""
    carried = getattr(observer, "carried", None)
    return carried() if carried is not None else {}
