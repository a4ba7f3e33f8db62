"""What the clients of a worker have seen since somebody looked last: counts by minute, target and outcome.

An observer only puts what is over into a queue. What it means (prices, buckets of times) is reckoned later, by the one
thread that writes it down: a caller waits for none of it.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from genai_integrations.calls.request import Request
from genai_integrations.calls.route import CACHE, OK, Attempt, Route
from genai_integrations.calls.wire import Wire
from genai_integrations.runtime.bounded_map import BoundedMap

CALL = ""
"""In place of a target: what is counted is whole calls, however many targets were asked."""

CACHED = "cached"
"""The outcome of what an earlier call's answer was given to. No target was asked, so no target has it."""

LEFT = "left"
"""The outcome of a stream that its caller left."""

BOUNDS = tuple(round(10 * 1.5**step) for step in range(24))
"""Milliseconds, from 10 to 112,000: up to which each bucket of times goes; one more bucket has what took longer.

Neighbours are 1.5 apart, so a percentile is off by a fifth at most.
"""

BUCKETS = len(BOUNDS) + 1

OTHER = "other"
"""In place of a model's name where a project has too many targets: callers may make models up."""

_MOST_TARGETS = 200
"""Targets of one project that are told apart."""

_LONGEST_NAME = 200
_MOST_PROJECTS = 10_000
_MOST_WAITING = 20_000
"""What ended and was not looked at; the oldest is not counted any more where nobody looks for a minute."""


class Key(NamedTuple):
    """What is counted together.

    Attributes:
        project: Whose calls.
        target: `connection/model`, or `CALL`.
        outcome: `ok`, `cancelled`, `cached`, `left`, or the class of an error.
        minute: Minutes since 1970.
    """

    project: str
    target: str
    outcome: str
    minute: int


@dataclass(slots=True)
class Cell:
    """What was counted.

    Attributes:
        count: Attempts, or calls.
        cost: US dollars, as far as they are known.
        prompt_tokens: As reported.
        completion_tokens: As reported.
        times: For each bucket how many attempts took so long; only those that answered.
    """

    count: int = 0
    cost: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    times: list[int] = field(default_factory=lambda: [0] * BUCKETS)


Counts = dict[Key, Cell]


class _Ended(NamedTuple):
    project: str
    at: float
    attempt: Attempt | None
    outcome: str


class Rates:
    """The queue between the clients of a worker and whoever writes down what they saw. Safe for threads.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        # Its `append` and `popleft` are atomic: no caller takes a lock.
        self._ended: deque[_Ended] = deque(maxlen=_MOST_WAITING)
        self._targets: BoundedMap[str, set[str]] = BoundedMap(_MOST_PROJECTS)

    def observer(self, project: str) -> ProjectObserver:
        """What a project's client tells of its calls."""
        return ProjectObserver(self, project)

    def put(self, project: str, attempt: Attempt | None, outcome: str) -> None:
        """Something is over: an attempt, or without one a whole call."""
        self._ended.append(_Ended(project, self._clock(), attempt, outcome))

    def take(self) -> Counts:
        """What has ended since this was asked last, counted. For one thread at a time."""
        counts: Counts = {}
        for _ in range(len(self._ended)):
            ended = self._ended.popleft()
            target = CALL if ended.attempt is None else self._target(ended.project, ended.attempt)
            key = Key(ended.project, target, ended.outcome, int(ended.at // 60))
            cell = counts.get(key)
            if cell is None:
                cell = counts[key] = Cell()
            cell.count += 1
            if ended.attempt is not None:
                _add(cell, ended.attempt)
        return counts

    def has(self, project: str, target: str) -> bool:
        """Whether a target has a row of its own."""
        return target in (self._targets.get(project) or ())

    def _target(self, project: str, attempt: Attempt) -> str:
        known = self._targets.get_or_put(project, set())
        if attempt.target in known:
            return attempt.target
        target = _plain(attempt.target)
        if target not in known:
            if len(known) >= _MOST_TARGETS:
                return f"{_plain(attempt.connection)}/{OTHER}"
            known.add(target)
        return target


def _plain(name: str) -> str:
    """A name that a file, a page and Prometheus's format can hold: callers choose the model's part of it.

    What cannot be seen is replaced, for it may turn the order of letters round, or end a line for some reader.
    """
    known = name[:_LONGEST_NAME].encode("utf-8", "replace").decode()
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in known
    )


def _add(cell: Cell, attempt: Attempt) -> None:
    cell.cost += _sound(attempt.cost, _MOST_DOLLARS)
    cell.prompt_tokens += int(_sound(attempt.prompt_tokens, _MOST_TOKENS))
    cell.completion_tokens += int(_sound(attempt.completion_tokens, _MOST_TOKENS))
    if attempt.outcome == OK:
        cell.times[bisect_left(BOUNDS, attempt.ms)] += 1


_MOST_TOKENS = 1 << 40
_MOST_DOLLARS = 1e6


def _sound(told: float | None, most: float) -> float:
    """What a server tells of one attempt; nothing where it is negative, endless or no number: sums must stay some."""
    return told if told is not None and 0 <= told < most else 0


class ProjectObserver:
    """An observer of the calls of one project, and of each of them: it has to remember nothing of a call.

    Args:
        rates: Where they are counted.
        project: Whose calls.
    """

    is_ready = True
    wants_reply = False

    def __init__(self, rates: Rates, project: str) -> None:
        self._rates = rates
        self._project = project

    def prepare(self) -> None:
        """Nothing is made first."""

    def call_began(self, request: Request) -> ProjectObserver:  # noqa: ARG002 - as every observer
        """A call begins."""
        return self

    def attempt_began(self, attempt: Attempt) -> None:
        """Nothing."""

    def attempt_ended(self, attempt: Attempt) -> None:
        """Count it, unless it only stands for a kept answer."""
        if attempt.reason != CACHE:
            self._rates.put(self._project, attempt, attempt.outcome)

    def first_content(self, route: Route) -> None:
        """Nothing."""

    def call_ended(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:  # noqa: ARG002
        """Count it."""
        outcome = CACHED if route.cached else OK
        if error is not None:
            outcome = type(error).__name__
        elif route.served is None:
            outcome = LEFT
        self._rates.put(self._project, None, outcome)
