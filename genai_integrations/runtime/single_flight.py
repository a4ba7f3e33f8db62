"""Single flight: what many want at once is done once, and each of them gets what came of it."""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from genai_integrations.runtime.fork import after_fork_in_child

T = TypeVar("T")
_E = TypeVar("_E", bound=BaseException)


class Landed(NamedTuple, Generic[T]):
    """What a flight brought, and its number: flights are numbered as they begin."""

    number: float
    value: T


_Outcome = Landed[T] | BaseException | None
"""None where the leader was interrupted."""


class _Flight(Generic[T]):
    """One piece of work under way."""

    def __init__(self, number: float) -> None:
        self.number = number
        self.outcome: Future[_Outcome[T]] = Future()
        # So that no waiting task can cancel it for the others.
        self.outcome.set_running_or_notify_cancel()
        self.task: asyncio.Task[None] | None = None


_Place = asyncio.AbstractEventLoop | None
"""Where a flight is led: on an event loop, by a task of its own, or anywhere else."""


class SingleFlight(Generic[T]):
    """Does a piece of work once for all who want it at the same time. Safe for threads, loops and after fork.

    Threads share one flight. Work that is a coroutine is shared by the tasks of its loop only: a loop may stand still
    for ever, and a thread that waited for it would, too; so there may be several flights at once, and `latest` is
    of the one that began last.

    Args:
        name: Of the threads.
    """

    def __init__(self, name: str) -> None:
        self.latest: Landed[T] | None = None
        self._name = name
        self._begun = 0
        self._after_fork()
        after_fork_in_child(self._after_fork)

    @property
    def begun(self) -> int:
        """How many flights have begun: `after=begun` asks for work that begins later than now."""
        return self._begun

    def do(
        self,
        work: Callable[[], T],
        *,
        after: int = 0,
        known: Callable[[], T | None] | None = None,
        limit: float | None = None,
    ) -> T:
        """What the work brings, done by this thread or by another that is at it already.

        Args:
            work: What to do.
            after: Only a flight of a higher number will do; one under way is waited for, and then there is another.
            known: Gives what is known already if that will do, else None. Takes no lock.
            limit: The `time.monotonic()` moment until which to wait; the work goes on in a thread of its own.

        Raises:
            TimeoutError: It was not done by then.
            BaseException: What the work raised; each caller gets an exception object of its own.
        """
        came = self._begun
        while True:
            flight, is_mine = self._join(came, known)
            if is_mine and limit is None:
                return self._lead(work, flight)
            if is_mine:
                self._lead_in_thread(work, flight)
            outcome = flight.outcome.result(seconds_until(limit))
            if flight.number > after and outcome is not None:
                return _given(outcome)

    async def ado(
        self,
        work: Callable[[], T],
        *,
        after: int = 0,
        known: Callable[[], T | None] | None = None,
        limit: float | None = None,
    ) -> T:
        """As `do`, without blocking the event loop: the work is done in a thread."""
        return await self._await(partial(self._lead_in_thread, work), None, after, known, limit)

    async def ado_here(
        self,
        work: Callable[[], Coroutine[Any, Any, T]],
        *,
        after: int = 0,
        known: Callable[[], T | None] | None = None,
        limit: float | None = None,
    ) -> T:
        """As `do`, with work that is awaited in a task of this event loop."""
        place = asyncio.get_running_loop()
        return await self._await(partial(self._lead_in_task, work), place, after, known, limit)

    def start(self, work: Callable[[], T]) -> None:
        """Have the work done in the background, unless someone is at it already."""
        if None in self._flights:
            return
        flight, is_mine = self._join(self._begun)
        if not is_mine:
            return
        try:
            self._thread(partial(self._fly, work, flight))
        except RuntimeError:  # the interpreter is ending
            self._land(None, flight, None)

    async def _await(
        self,
        lead: Callable[[_Flight[T]], None],
        place: _Place,
        after: int,
        known: Callable[[], T | None] | None,
        limit: float | None,
    ) -> T:
        came = self._begun
        while True:
            flight, is_mine = self._join(came, known, place)
            if is_mine:
                lead(flight)
            async with asyncio.timeout(seconds_until(limit)):
                outcome = await asyncio.wrap_future(flight.outcome)
            if flight.number > after and outcome is not None:
                return _given(outcome)

    def _join(
        self, came: int, known: Callable[[], T | None] | None = None, place: _Place = None
    ) -> tuple[_Flight[T], bool]:
        """The flight that is under way, or a new one, which the caller has to lead; or one that landed.

        Args:
            came: How many flights had begun when the caller came.
            known: See `do`.
            place: Where the caller would lead.
        """
        while True:
            before = self.latest
            value = known() if known is not None else None
            if value is not None:
                return _landed(value), False
            with self._lock:
                flight = self._flights.get(None) or self._flights.get(place)
                if flight is not None:
                    return flight, False
                latest = self.latest
                if known is not None and latest is not before:
                    continue  # what has landed meanwhile may be what is wanted
                if latest is not None and latest.number > came:
                    return _landed(latest.value), False
                self._begun += 1
                flight = self._flights[place] = _Flight(self._begun)
                return flight, True

    def _lead(self, work: Callable[[], T], flight: _Flight[T]) -> T:
        try:
            value = work()
        except Exception as error:
            self._land(None, flight, error)
            raise
        except BaseException:
            # Ctrl-C is for this thread alone; the others try again.
            self._land(None, flight, None)
            raise
        self._land(None, flight, Landed(flight.number, value))
        return value

    def _lead_in_thread(self, work: Callable[[], T], flight: _Flight[T]) -> None:
        context = contextvars.copy_context()
        try:
            self._thread(lambda: context.run(self._fly, work, flight))
        except RuntimeError:  # no thread can be had, or the interpreter is ending
            self._fly(work, flight)

    def _thread(self, target: Callable[[], None]) -> None:
        threading.Thread(target=target, name=self._name, daemon=True).start()

    def _fly(self, work: Callable[[], T], flight: _Flight[T]) -> None:
        self._land(None, flight, _outcome_of(work, flight.number))

    def _lead_in_task(self, work: Callable[[], Coroutine[Any, Any, T]], flight: _Flight[T]) -> None:
        flight.task = asyncio.create_task(self._afly(work, flight))

    async def _afly(self, work: Callable[[], Coroutine[Any, Any, T]], flight: _Flight[T]) -> None:
        outcome: _Outcome[T] = None  # stays so if the loop ends
        try:
            outcome = await _awaited_outcome_of(work, flight.number)
        finally:
            self._land(asyncio.get_running_loop(), flight, outcome)

    def _land(self, place: _Place, flight: _Flight[T], outcome: _Outcome[T]) -> None:
        with self._lock:
            if self._flights.get(place) is flight:
                del self._flights[place]
            latest = self.latest
            if isinstance(outcome, Landed) and (latest is None or outcome.number > latest.number):
                self.latest = outcome
        flight.outcome.set_result(outcome)

    def _after_fork(self) -> None:
        # Whoever held the lock or led a flight is not in the child.
        self._lock = threading.Lock()
        self._flights: dict[_Place, _Flight[T]] = {}


def seconds_until(limit: float | None) -> float | None:
    """The time-out for a wait that ends at a `time.monotonic()` moment; None if it need not end."""
    if limit is None:
        return None
    return min(max(limit - time.monotonic(), 0.0), threading.TIMEOUT_MAX)


def own_copy(error: _E) -> _E:
    """Another exception object that says the same, without a traceback.

    One object that several threads raise collects the frames of all of them.
    """
    # Not `copy.copy`: an __init__ that words its message would word it twice.
    mine: _E = type(error).__new__(type(error), *error.args)
    mine.__dict__.update(error.__dict__)
    if notes := getattr(error, "__notes__", None):
        mine.__notes__ = list(notes)
    mine.__cause__, mine.__suppress_context__ = error.__cause__, error.__suppress_context__
    return mine


def _given(outcome: Landed[T] | BaseException) -> T:
    if isinstance(outcome, Landed):
        value: T = outcome.value
        return value
    raise own_copy(outcome)


def _landed(value: T) -> _Flight[T]:
    flight: _Flight[T] = _Flight(math.inf)
    flight.outcome.set_result(Landed(math.inf, value))
    return flight


# Functions of their own, so that no frame of an error's traceback holds the outcome, and so the error itself.
def _outcome_of(work: Callable[[], T], number: float) -> _Outcome[T]:
    try:
        return Landed(number, work())
    except BaseException as error:  # noqa: BLE001 - every caller gets it
        return error


async def _awaited_outcome_of(
    work: Callable[[], Coroutine[Any, Any, T]], number: float
) -> _Outcome[T]:
    try:
        return Landed(number, await work())
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - every caller gets it
        return error
