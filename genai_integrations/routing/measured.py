"""What was measured of targets in this client: how long they take, how much is under way, how often they fail.

An observer like any other, which is there only when an argument asks for it (`parts.MEASURED_FOR`): strategies, hedging and a
choice by speed read it, nobody else pays for it. What is read is a target's name, `connection/model`; what is not
known is None, never a guess.

The latency is a peak EWMA, as in tower's `PeakEwma` and Finagle's before it: a slower answer counts at once and in
full, a faster one by and by, and with nothing to hear of the estimate sinks. Unlike theirs it does not sink below the
mean of the last answers: with calls that are minutes apart every target would seem fast. A target is feared before it has answered, too: what an attempt has been waiting for is the least that
the next one will take.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from genai_integrations.calls.request import Request
from genai_integrations.calls.route import CANCELLED, OK, Attempt, Route
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import (
    BadRequestError,
    CredentialError,
    RejectedAnswerError,
    RequestTimeoutError,
)
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.runtime.fork import after_fork_in_child

if TYPE_CHECKING:
    from genai_integrations.routing.sharing.usage import SharedUsage

DECAY = 10.0
"""Seconds after which a third is left of what was known of a latency: the default of Finagle and of tower's examples.

With 60 one long answer keeps calls away from a fast target for a minute, with 5 a slow one is forgotten at once; under
traffic (`tests/routing/traffic.py`) they differ by a few hundredths of a second.
"""

MINUTE = 60.0

_MOST_TARGETS = 4096
_LAST = 100
"""Latencies of a target that a percentile is taken of."""

_FEW = 5
"""Latencies of which a mean is taken."""

_ENOUGH = 20
"""Fewer answers have no 95th percentile."""

_EACH = 10
"""Answers after which a percentile is worked out anew."""


class Minute(NamedTuple):
    """What a target was asked in the minute that runs.

    Attributes:
        requests: Attempts that ended in it, and those under way.
        tokens: Of prompts and answers, as far as they are reported.
        errors: Attempts that failed, but for those whose request itself was wrong.
    """

    requests: int
    tokens: int
    errors: int


_NOTHING = Minute(0, 0, 0)


class Measured:
    """Watches every attempt. Safe for threads, loops and after fork; forgets targets that were not used lately.

    Of streams the time to the first content is measured, apart from the time to whole replies. A time-out counts as an
    answer that took so long; another failure only where it makes the estimate larger: who refuses at once is not fast.

    Args:
        clock: Monotonic seconds.

    Attributes:
        shared: What other processes count, too; None where nobody shares.
    """

    is_ready = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.shared: SharedUsage | None = None
        self._targets: BoundedMap[str, _Target] = BoundedMap(_MOST_TARGETS)
        # Re-entrant, because the collector may close an abandoned stream inside it, which ends an attempt.
        self.lock = threading.RLock()
        after_fork_in_child(self._after_fork)

    def latency(self, target: str, stream: bool = False) -> float | None:
        """Seconds that an answer is expected to take, or with `stream` a stream's first content.

        The largest of three: a peak EWMA, which halves in 7 s without an answer; the mean of the last five answers, below
        which it does not sink; what the oldest attempt without an answer has waited. None for a target that has neither
        answered nor is being asked.
        """
        known = self._targets.get(target)
        if known is None:
            return None
        with self.lock:
            delay = known.firsts if stream else known.wholes
            return delay.expected(self.clock())

    def lowest(self, target: str, stream: bool = False) -> float | None:
        """As `latency`, but sinking to nothing: what to compare by for a call that may find out whether it is faster."""
        known = self._targets.get(target)
        if known is None:
            return None
        with self.lock:
            delay = known.firsts if stream else known.wholes
            return delay.lowest(self.clock())

    def p95(self, target: str, stream: bool = False) -> float | None:
        """Seconds within which 95 of the last 100 answers came, or first contents; None before there were 20."""
        known = self._targets.get(target)
        if known is None:
            return None
        with self.lock:
            return (known.firsts if stream else known.wholes).p95()

    def in_flight(self, target: str) -> int:
        """Attempts under way, streams until they end among them."""
        known = self._targets.get(target)
        return 0 if known is None else known.in_flight

    def minute(self, target: str) -> Minute:
        """What it was asked since the minute began that runs; minutes are those of the clock, as providers count."""
        known = self._targets.get(target)
        if self.shared is not None:
            ended, tokens, errors = self.shared.minute(target)
            return Minute(ended + (known.in_flight if known else 0), tokens, errors)
        if known is None:
            return _NOTHING
        with self.lock:
            known.turn(self.clock())
            return Minute(known.ended + known.in_flight, known.tokens, known.errors)

    def prepare(self) -> None:
        """Nothing takes time here."""

    def call_began(self, request: Request) -> _Watch:
        """Watch a call."""
        return _Watch(self, request.stream)

    def of(self, name: str) -> _Target:
        """The record of a target, made if there is none."""
        return self._targets.get(name) or self._targets.get_or_put(name, _Target())

    def _after_fork(self) -> None:
        """In the child no attempt is under way, and no thread is left that could give the lock back."""
        self.lock = threading.RLock()
        for target in self._targets.values():
            target.forget_running()


class _Delay:
    """How long one kind of answers of one target takes.

    Attributes:
        waiting: When each attempt began that has no answer yet, by its identity; the oldest first.
    """

    __slots__ = ("_at", "_ewma", "_few", "_last", "_p95", "_since", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, float] = {}
        self._ewma: float | None = None
        self._few: deque[float] = deque(maxlen=_FEW)
        self._at = 0.0
        self._last: deque[float] = deque(maxlen=_LAST)
        self._p95: float | None = None
        self._since = 0

    def expected(self, now: float) -> float | None:
        if self._ewma is None:
            return self._or_waited(None, now)
        return self._or_waited(max(self._sunk(now), sum(self._few) / len(self._few)), now)

    def lowest(self, now: float) -> float | None:
        return self._or_waited(None if self._ewma is None else self._sunk(now), now)

    def _sunk(self, now: float) -> float:
        return (self._ewma or 0.0) * math.exp((self._at - now) / DECAY)

    def _or_waited(self, known: float | None, now: float) -> float | None:
        """What is known, or what is being waited for if that is longer."""
        if not self.waiting:
            return known
        waited = now - self._oldest(now)
        return waited if known is None or waited > known else known

    def _oldest(self, now: float) -> float:
        """When the oldest attempt without an answer began."""
        while True:
            # Attempts begin without the lock, so another thread may have just added one.
            with contextlib.suppress(RuntimeError):
                return next(iter(self.waiting.values()), now)

    def answered(self, seconds: float, now: float) -> None:
        self._last.append(seconds)
        self._few.append(seconds)
        self._since += 1
        if self._ewma is None or seconds >= self._ewma:
            self._ewma = seconds
        else:
            left = math.exp((self._at - now) / DECAY)
            self._ewma = self._ewma * left + seconds * (1.0 - left)
        self._at = now

    def failed(self, seconds: float, now: float, is_late: bool) -> None:
        if is_late or (self._ewma is not None and seconds > self._ewma):
            self.answered(seconds, now)

    def p95(self) -> float | None:
        if len(self._last) < _ENOUGH:
            return None
        if self._p95 is None or self._since >= _EACH:
            ranked = sorted(self._last)
            self._p95 = ranked[math.ceil(0.95 * len(ranked)) - 1]
            self._since = 0
        return self._p95


class _Target:
    """What is known of one target; it is changed under the lock of `Measured`, but for what begins and ends.

    Attributes:
        wholes: How long whole replies take.
        firsts: How long streams take to their first content.
        flowing: Streams after that, by the identities of their attempts.
    """

    __slots__ = ("_minute", "ended", "errors", "firsts", "flowing", "tokens", "wholes")

    def __init__(self) -> None:
        self.wholes, self.firsts = _Delay(), _Delay()
        self.flowing: set[int] = set()
        self._minute = 0.0
        self.ended = self.tokens = self.errors = 0

    @property
    def in_flight(self) -> int:
        return len(self.wholes.waiting) + len(self.firsts.waiting) + len(self.flowing)

    def turn(self, now: float) -> None:
        """Begin a new minute if the old one is over."""
        minute = now // MINUTE
        if minute != self._minute:
            self._minute = minute
            self.ended = self.tokens = self.errors = 0

    def forget_running(self) -> None:
        self.wholes.waiting, self.firsts.waiting, self.flowing = {}, {}, set()


class _Watch:
    """Watches one call, of which several attempts may be under way at once."""

    __slots__ = ("_all", "_running", "_stream")
    wants_reply = False

    def __init__(self, everything: Measured, stream: bool) -> None:
        self._all = everything
        self._stream = stream
        # By the attempts' identities: a record that is compared by its values has no hash.
        self._running: dict[int, tuple[Attempt, _Target, _Delay]] = {}

    def attempt_began(self, attempt: Attempt) -> None:
        target = self._all.of(attempt.target)
        delay = target.firsts if self._stream else target.wholes
        key = id(attempt)
        self._running[key] = attempt, target, delay
        # One operation on a dict, which no other thread sees half done: it takes no lock.
        delay.waiting[key] = self._all.clock()

    def first_content(self, route: Route) -> None:  # noqa: ARG002  the protocol's
        """Of whichever attempt it is: several may be under way."""
        measured = self._all
        for key, (attempt, target, delay) in self._running.items():
            if attempt.first_content_ms is None or key in target.flowing:
                continue
            with measured.lock:
                target.flowing.add(key)
                delay.waiting.pop(key, None)
                delay.answered(attempt.first_content_ms / 1000, measured.clock())

    def attempt_ended(self, attempt: Attempt) -> None:
        # An answer from a cache was never begun.
        running = self._running.pop(id(attempt), None)
        if running is not None:
            self._over(*running)

    def call_ended(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:  # noqa: ARG002  the protocol's
        """What is still under way was cancelled."""
        while self._running:
            self._over(*self._running.popitem()[1])

    def _over(self, attempt: Attempt, target: _Target, delay: _Delay) -> None:
        measured, error = self._all, attempt.error
        with measured.lock:
            now = measured.clock()
            began = delay.waiting.pop(id(attempt), None)
            if began is None:
                target.flowing.discard(id(attempt))
            target.turn(now)
            target.ended += 1
            if attempt.usage is not None:
                target.tokens += _tokens(attempt.usage)
            is_its_fault = not (attempt.hurried or isinstance(error, _NOT_ITS_FAULT))
            if error is not None:
                if is_its_fault:
                    target.errors += 1
                    if began is not None:
                        delay.failed(now - began, now, isinstance(error, RequestTimeoutError))
            elif began is not None and attempt.outcome == OK:
                delay.answered(attempt.ms / 1000, now)
            elif began is not None and attempt.outcome == CANCELLED:
                # Another one was faster: it would have taken longer than it was waited for.
                delay.failed(now - began, now, is_late=True)
        if measured.shared is not None and not attempt.rehearsed:
            tokens = 0 if attempt.usage is None else _tokens(attempt.usage)
            measured.shared.count(attempt.target, tokens, int(error is not None and is_its_fault))


_NOT_ITS_FAULT = (BadRequestError, CredentialError, RejectedAnswerError)
"""Errors that say nothing of the target: the request is wrong, or no key could be had and nothing was sent."""


def _tokens(usage: Mapping[str, Any]) -> int:
    prompt, answer = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if type(prompt) is int and type(answer) is int:
        return prompt + answer
    total = usage.get("total_tokens")
    return total if type(total) is int else 0
