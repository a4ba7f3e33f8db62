"""How long one answer may still take."""

from __future__ import annotations

import time

from genai_integrations.errors import RequestTimeoutError
from genai_integrations.transports.chunks import Line

DEADLINE = "the deadline has passed"
"""What is said where the time of the whole call is up, not that of one wait."""

AT_ONCE = 0.005
"""Seconds between two moments that were meant as one: a wait may end a little early."""


class Patience:
    """How long one answer may still take.

    Until the first content there is a moment by which it must have come; from then on each wait is bounded
    by `idle`, and everything by `limit`.

    Args:
        first: Seconds to the first content, or to the whole answer where it is not streamed.
        idle: Seconds between two pieces after that.
        limit: Moment (of `time.monotonic`) at which the whole call ends; None for never.
        line: By which another thread may end the answer: whoever waits for it here has it lead to what ends that.
    """

    __slots__ = ("_first", "_stall", "_until", "idle", "limit", "line")

    def __init__(
        self, first: float, idle: float, limit: float | None = None, line: Line | None = None
    ) -> None:
        self.line = line
        self._first = first
        self._stall = 0.0
        self._until: float | None = time.monotonic() + first
        self.idle = idle
        self.limit = limit

    def end_within(self, seconds: float) -> None:
        """Whatever is still to come must come in this time."""
        self._until = time.monotonic() + seconds

    def chunk_within(self, seconds: float) -> None:
        """The next chunk must come in this time, whatever else comes before it."""
        self._stall = seconds
        self.end_within(
            seconds if self.limit is None else min(seconds, self.limit - time.monotonic())
        )

    def content_began(self) -> None:
        """The first content is there."""
        self._until = None

    def left(self) -> float:
        """Seconds that the next wait may take.

        Raises:
            RequestTimeoutError: None are left.
        """
        until = self._until
        if until is None:
            if self.limit is None:
                return self.idle
            left = min(self.idle, self.limit - time.monotonic())
        else:
            left = until - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> RequestTimeoutError:
        """What to raise when time is up."""
        if self.limit is not None and self.limit - time.monotonic() <= AT_ONCE:
            return RequestTimeoutError(DEADLINE)
        if self._until is None or self._stall:
            return RequestTimeoutError(f"the stream stalled for {self._stall or self.idle:g} s")
        return RequestTimeoutError(f"no answer within {self._first:g} s")
