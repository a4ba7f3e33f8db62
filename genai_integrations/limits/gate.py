"""The gate that calls go through: it lets a claim in, says until when there is no room, and takes back what is over.

Its state is this process's, so looking at it does no I/O. Where a Redis server shares it, `take` asks that one too.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from genai_integrations.errors import LimitError
from genai_integrations.limits.claims import Claim, Refusal, Row
from genai_integrations.limits.rules import Budget, Limit, OnLimit
from genai_integrations.limits.shared import SharedLimits
from genai_integrations.limits.spending import RUN, OnAlert, Spending, tell
from genai_integrations.limits.window import SECONDS, Entry, Window
from genai_integrations.runtime.fork import after_fork_in_child


@dataclass(slots=True)
class Held:
    """What a claim got.

    Attributes:
        claim: It.
        entries: What it put into the windows, by row.
        is_settled: Whether its true use is known.
    """

    claim: Claim
    entries: list[tuple[Window, Row, Entry]] = field(default_factory=list)
    is_settled: bool = False


class Waiter:
    """A call that waits for room.

    Args:
        claim: What it waits for.
        wake: Called when a place has come free; takes no lock.

    Attributes:
        was_woken: Whether that happened.
    """

    __slots__ = ("claim", "name", "wake", "was_woken")

    def __init__(self, name: str, claim: Claim, wake: Callable[[], None]) -> None:
        self.name = name
        self.claim = claim
        self.wake = wake
        self.was_woken = False


class Gate:
    """Limits and budgets of one client. Safe for threads and after fork.

    Each claim gets all it asks for or nothing, so no call holds one place while it waits for another. Who waits is in
    a queue by the limit's name: what comes free is theirs, in order. The lock is re-entrant, because the collector
    may end an abandoned stream inside it.

    Args:
        limits: By name.
        budgets: By name.
        on_limit: What a call does where every target is at a limit.
        shared: What other processes use of them; None for a process of its own.
        on_alert: Told when a share of a budget is used up.
        clock: Monotonic seconds.
        wall: Seconds since 1970.
        seconds: How long the window of `rpm` and `tpm` is.
    """

    def __init__(
        self,
        limits: Mapping[str, Limit],
        budgets: Mapping[str, Budget],
        *,
        on_limit: OnLimit = "wait",
        shared: SharedLimits | None = None,
        on_alert: OnAlert | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        seconds: float = SECONDS,
    ) -> None:
        self.limits = limits
        self.budgets = dict(budgets)
        self.on_limit = on_limit
        self.clock = clock
        self.shared = shared
        self.names: Collection[str] = limits.keys() | budgets.keys()
        self._seconds = seconds
        self._windows = {name: Window(seconds) for name in limits}
        self._spending = Spending(wall)
        self._on_alert = on_alert
        # What is shared is watched where the sum of all processes is known.
        self._watched = self._told_here()
        self._waiting: dict[str, list[Waiter]] = {}
        self._lock = threading.RLock()
        self._numbers = itertools.count()
        after_fork_in_child(self._after_fork)

    def know(self, name: str) -> None:
        """Have a window for a limit that is not in `limits`: a target's own."""
        if name not in self._windows:
            with self._lock:
                self._windows.setdefault(name, Window(self._seconds))

    def set_budget(self, name: str, budget: Budget | None) -> None:
        """Have a budget that is not in `budgets`, another one in its place, or none: what was spent of the name stays.

        Calls under way keep the budget that their attempt was let in by.
        """
        if self.budgets.get(name) == budget:
            return
        with self._lock:
            others = {key: row for key, row in self.budgets.items() if key != name}
            # A new mapping: calls look names up without the lock, and see one state or the other.
            self.budgets = others if budget is None else {**others, name: budget}
            self.names = self.limits.keys() | self.budgets.keys()
            self._watched = self._told_here()

    def _told_here(self) -> frozenset[str]:
        rows = self.budgets.items()
        return frozenset(name for name, row in rows if self.shared is None or row.per == RUN)

    def look(self, claim: Claim) -> Refusal | None:
        """Why a claim would not be let in now, as far as this process knows; None if it would."""
        with self._lock:
            return self._refusal(claim, self.clock())

    def take(self, claim: Claim) -> Held | Refusal:
        """Let a claim in, or say why not. It asks Redis where that shares the limits."""
        held = self._take(claim)
        if self.shared is None or isinstance(held, Refusal):
            return held
        try:
            return self._agreed(held, self.shared.take(claim))
        except BaseException as error:
            self._abandon(held, error)
            raise

    async def atake(self, claim: Claim) -> Held | Refusal:
        """As `take`, without blocking the loop."""
        held = self._take(claim)
        if self.shared is None or isinstance(held, Refusal):
            return held
        try:
            return self._agreed(held, await self.shared.atake(claim))
        except BaseException as error:
            self._abandon(held, error)
            raise

    def settle(self, held: Held, tokens: int | None, cost: int | None) -> None:
        """An attempt is over: put right what was reserved, and free its places. It never waits.

        Args:
            held: What it got.
            tokens: What it took; None where nobody knows, and the estimate stays.
            cost: Billionths of a dollar; None as above.
        """
        claim = held.claim
        with self._lock:
            if held.is_settled:
                return
            held.is_settled = True
            try:
                if tokens is not None:
                    for window, _, entry in held.entries:
                        window.correct(entry, tokens)
                self._spending.correct(claim, claim.nanos if cost is None else cost)
                alerts = self._spending.alerts(claim, self._watched & claim.periods.keys())
            finally:
                # Ctrl-C may come at any point, and a place that is not given back is lost for good.
                for window, row, _ in held.entries:
                    if not row.lasts:
                        self._free(window, row)
        if self.shared is not None:
            self.shared.settled(claim, tokens, cost)
        tell(self._on_alert, alerts)

    def leave(self, held: Held) -> None:
        """A call is over: free the places that it kept over its attempts."""
        with self._lock:
            rows = [(window, row) for window, row, _ in held.entries if row.lasts and row.slots]
            for window, row in rows:
                self._free(window, row)
                row.slots = 0
        if rows and self.shared is not None:
            self.shared.left(held.claim, [row.name for _, row in rows])

    def give_back(self, held: Held) -> None:
        """Nothing was sent."""
        if self._take_back(held) and self.shared is not None:
            self.shared.given_back(held.claim)

    def join(self, refusal: Refusal, claim: Claim, wake: Callable[[], None]) -> Waiter:
        """Wait in the queue of the limit that refused a claim."""
        waiter = Waiter(refusal.name, claim, wake)
        with self._lock:
            self._waiting.setdefault(refusal.name, []).append(waiter)
        return waiter

    def again(self, waiter: Waiter, wake: Callable[[], None]) -> None:
        """Wait on, at the same place. Who was told of a place and did not get it is told of the next one."""
        with self._lock:
            waiter.wake, waiter.was_woken = wake, False

    def go(self, waiter: Waiter) -> None:
        """Leave the queue, whatever for. Who was told of a free place and did not take it passes that on."""
        with self._lock:
            queue = self._waiting.get(waiter.name)
            if queue is None or waiter not in queue:
                return
            queue.remove(waiter)
            if not queue:
                del self._waiting[waiter.name]
            elif waiter.was_woken:
                self._wake(waiter.name)

    def _take(self, claim: Claim) -> Held | Refusal:
        with self._lock:
            now = self.clock()
            refusal = self._refusal(claim, now)
            if refusal is not None:
                return refusal
            claim.key = str(next(self._numbers))
            held = Held(claim)
            try:
                for row in claim.rows:
                    window = self._windows[row.name]
                    held.entries.append((window, row, window.add(row, claim, now)))
                self._spending.add(claim)
            except BaseException:
                self._take_back(held)
                raise
        return held

    def _refusal(self, claim: Claim, now: float) -> Refusal | None:
        """The one that lasts longest: to be free of another does not help."""
        refusals = [self._spending.refusal(claim)]
        for row in claim.rows:
            ahead = _before(claim, self._waiting.get(row.name, ()))
            refusals.append(self._windows[row.name].refusal(row, claim, ahead, now))
        return max(filter(None, refusals), key=lambda refusal: refusal.free_at, default=None)

    def _agreed(self, held: Held, refusal: Refusal | None) -> Held | Refusal:
        """What Redis says counts."""
        if refusal is None:
            return held
        if refusal.what == "rpm":
            # Not for tokens: a shorter request may find room.
            self._windows[refusal.name].full_until = refusal.free_at
        self.give_back(held)
        return refusal

    def _abandon(self, held: Held, error: BaseException) -> None:
        """Redis says no, or the call was ended while it was asked and nobody knows what it says."""
        self._take_back(held)
        if self.shared is not None and not isinstance(error, LimitError):
            held.claim.counted = "there"
            self.shared.abandoned(held.claim)

    def _take_back(self, held: Held) -> bool:
        with self._lock:
            if held.is_settled:
                return False
            held.is_settled = True
            for window, row, entry in held.entries:
                window.take_back(entry, row)
                self._wake(row.name)
            self._spending.correct(held.claim, 0)
        return True

    def _free(self, window: Window, row: Row) -> None:
        window.running -= row.slots
        if row.slots:
            self._wake(row.name)

    def _wake(self, name: str) -> None:
        for waiter in self._waiting.get(name, ()):
            if not waiter.was_woken:
                waiter.was_woken = True
                waiter.wake()
                return

    def _after_fork(self) -> object:
        """In a forked child: no call is under way, and nobody waits."""
        old = self._lock, self._waiting
        self._lock = threading.RLock()
        self._waiting = {}
        for window in self._windows.values():
            window.running = 0
        return old


def _before(claim: Claim, queue: Iterable[Waiter]) -> list[Claim]:
    """Who waits before a claim: all, if it does not wait itself."""
    ahead = []
    for waiter in queue:
        if waiter.claim is claim:
            break
        ahead.append(waiter.claim)
    return ahead
