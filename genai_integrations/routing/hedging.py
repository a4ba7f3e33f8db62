"""Hedging: where the first target is slow, a second one is asked beside it, and whoever answers first is taken.

The idea, and that it must stay within a small budget, are of Dean and Barroso, "The Tail at Scale" (2013), where 5 % more
requests cut the longest waits to a fraction. Loaded by clients that want it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from genai_integrations.errors import GenAIError, RequestTimeoutError
from genai_integrations.routing.accounts import Accounts
from genai_integrations.routing.candidates import Candidate
from genai_integrations.routing.domains import Failed
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.running import Running
from genai_integrations.routing.steps import AwaitFirst, Begin, Part, Race, Send

SHARE = 0.05
"""Second requests for each call."""

AT_LEAST = 3
"""Second requests that a client may send whatever the share is, so that the first calls of a script are helped too."""

MOST = 100.0
"""Second requests that can be saved up: a client that was idle for hours must not double a provider's load then."""


class Hedging:
    """When a client asks a second target, and how often it may. Shared by every call; takes no lock, as `RetryBudget`.

    Args:
        after: Seconds, or `p95` for the time in which a target gives 95 of 100 answers.
        measured: Knows that time.
    """

    def __init__(self, after: float | Literal["p95"], measured: Measured | None) -> None:
        self._after = after
        self._measured = measured
        self._calls = 0
        self._left = float(AT_LEAST)

    def after(self, target: str, stream: bool) -> float | None:
        """Seconds to wait for a target before another one is asked; None where this is not known yet."""
        if self._after != "p95":
            return self._after
        return None if self._measured is None else self._measured.p95(target, stream)

    def deposit(self) -> None:
        """A call is made. The first calls pay for what could be used before them."""
        self._calls += 1
        if self._calls * SHARE > AT_LEAST:
            self._left = min(self._left + SHARE, MOST)

    @property
    def may(self) -> bool:
        """Whether one more second request may be sent."""
        return self._left >= 1.0

    def withdraw(self) -> None:
        """One is sent."""
        self._left -= 1.0


def farthest(slow: Candidate, others: Sequence[Candidate], accounts: Accounts) -> Candidate | None:
    """Of others the one that is least likely to be slow for the same reason: elsewhere, or of another provider.

    One of the same name comes before a fallback, though, whose answer is not the one that was wanted.
    """
    there = slow.target.connection
    failed = Failed(accounts)
    failed.add(there, RequestTimeoutError("it is slow"))

    def nearness(row: Candidate) -> tuple[tuple[int, int], bool, bool]:
        here = row.target.connection
        return row.level, failed.shares(here), here.provider is there.provider

    return min(others, key=nearness, default=None)


Leg = Part[tuple[bool, Any]]
"""An attempt with all that belongs to it: ends with whether it succeeded, and its last answer."""


@dataclass(slots=True, eq=False)
class _Runner:
    """One of those who race.

    Attributes:
        target: Whom it asks.
        leg: What it does.
        running: The request that it waits for; None once it is over.
        has_won: Whether it succeeded.
        answer: Its last answer, or error.
    """

    target: str
    leg: Leg
    running: Running | None = None
    has_won: bool = False
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Finish:
    """How a race ended.

    Attributes:
        winner: The target whose answer is taken; empty if all failed.
        answer: That answer; or the error, if one of them found that the call cannot succeed.
        lost: Targets that were given up, each with what had come of it by then.
    """

    winner: str
    answer: Any
    lost: tuple[tuple[str, Any], ...] = ()


def raced(race: Race, follow: Callable[[Any], Leg]) -> Part[Finish]:
    """Run a race: all is decided here, in one thread or task, and only the requests run beside each other.

    Args:
        race: The first attempt, and how to get a second one.
        follow: Makes a leg of what the policy says of an attempt.
    """
    runners = [_Runner(race.target, follow(race.first))]
    try:
        yield from _advance(runners[0], None)
        late_at: float | None = time.monotonic() + race.after
        while True:
            winner = next((row for row in runners if row.has_won), None)
            waiting = [row for row in runners if row.running is not None]
            if winner is not None or not waiting:
                return Finish(
                    winner.target if winner else "", winner and winner.answer, _lost(waiting)
                )
            seconds = None if late_at is None else max(late_at - time.monotonic(), 0.0)
            yield AwaitFirst([row.running for row in waiting if row.running], seconds)
            done = next((row for row in waiting if row.running and row.running.is_done), None)
            if done is not None and done.running is not None:
                yield from _advance(done, done.running.outcome)
            elif late_at is not None:
                late_at = None
                second = race.second()
                if second is not None:
                    runners.append(_Runner(second[0], follow(second[1])))
                    yield from _advance(runners[-1], None)
    except GenAIError as error:
        # The others are given up for it, and paid for all the same.
        return Finish("", error, _lost([row for row in runners if row.running is not None]))
    finally:
        # Also when the caller is cancelled, in which case nothing can be waited for.
        _lost([row for row in runners if row.running is not None])
        for row in runners:
            row.leg.close()


def _advance(runner: _Runner, outcome: Any) -> Part[None]:
    """Go on until it waits for a provider again, or is over."""
    runner.running = None
    while True:
        try:
            step = runner.leg.send(outcome)
        except StopIteration as end:
            runner.has_won, runner.answer = end.value
            return
        if isinstance(step, Send):
            runner.running = yield Begin(step)
            return
        outcome = yield step


def _lost(runners: list[_Runner]) -> tuple[tuple[str, Any], ...]:
    found = []
    for row in runners:
        if row.running is not None:
            found.append((row.target, row.running.abandon()))
            row.running = None
    return tuple(found)
