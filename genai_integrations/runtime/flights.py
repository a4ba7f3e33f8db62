"""Flights by key: what several want at once is fetched by one of them, and the others are given what came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from genai_integrations.runtime.fork import after_fork_in_child

T = TypeVar("T")

_MOST_AT_WORK = 16
"""Pieces of work in the background at once; what is beyond is left out, and asked for again by whoever needs it."""


class Flight(Generic[T]):
    """Something that is being fetched.

    Attributes:
        place: Where it is led: an event loop, or a thread by whatever name.
        followers: How many others want it.
        outcome: What came; None if nothing did that could be shared.
    """

    __slots__ = ("followers", "outcome", "place")

    def __init__(self, place: object) -> None:
        self.place = place
        self.followers = 0
        self.outcome: Future[T | None] = Future()
        # So that no waiting task can cancel it for the others.
        self.outcome.set_running_or_notify_cancel()


class Flights(Generic[T]):
    """What is being fetched now, by key. Safe for threads, for event loops and after fork.

    Nobody waits in here: whoever leads a flight lands it, and whoever follows one waits for its outcome, for as long as
    he likes, since a leader may be a task of a loop that stands still.

    Args:
        name: Of the threads that work in the background.

    Attributes:
        landed: How many flights have ended: who saw nothing before and leads after looks again if one has since.
    """

    def __init__(self, name: str) -> None:
        self.landed = 0
        self._name = name
        self._renew()
        after_fork_in_child(self._renew)

    def join(self, key: Hashable, place: object) -> tuple[Flight[T], bool]:
        """The flight under way, or a new one, and whether the caller has to lead it: to `land` it in any case.

        Args:
            key: What is wanted.
            place: Where the caller would lead.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                flight.followers += 1
                return flight, False
            flight = self._flights[key] = Flight(place)
            return flight, True

    def land(
        self, key: Hashable, flight: Flight[T], outcome: Callable[[], T | None] | None = None
    ) -> None:
        """End a flight, and give its followers what came.

        Args:
            key: Of the flight.
            flight: Is led by the caller. One that has landed before stays as it is.
            outcome: Makes what came; it is not called if nobody waits.
        """
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
                self.landed += 1
        if not flight.outcome.done():
            made = outcome() if outcome is not None and flight.followers else None
            flight.outcome.set_result(made)

    def start(self, key: Hashable, work: Callable[[], object]) -> None:
        """Have work done in the background, unless someone is at it already. Its errors are nobody's."""
        with self._lock:
            if key in self._at_work or len(self._at_work) >= _MOST_AT_WORK:
                return
            self._at_work.add(key)
        try:
            threading.Thread(
                target=self._work, args=(key, work), name=self._name, daemon=True
            ).start()
        except RuntimeError:  # no thread can be had, or the interpreter is ending
            self._done(key)

    def _work(self, key: Hashable, work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            self._done(key)

    def _done(self, key: Hashable) -> None:
        with self._lock:
            self._at_work.discard(key)

    def _renew(self) -> None:
        # Whoever held the lock or led a flight is not in the child.
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Flight[T]] = {}
        self._at_work: set[Hashable] = set()
