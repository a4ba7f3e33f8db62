"""What to try next: one generator that yields steps and is sent outcomes. It does no I/O.

The sync and the async driver run the same generator, so the policy is written once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field

from genai_integrations.errors import (
    AllTargetsFailedError,
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    CallError,
    CredentialError,
    GenAIError,
    InvalidReplyError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from genai_integrations.routing.args import RouterArgs
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.health import Health

REPEATABLE = (
    APIConnectionError,
    InvalidReplyError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
"""Errors after which the same target may answer the next time."""

LONGEST_WAIT = 60.0
"""Seconds beyond which a `Retry-After` is not waited for: the call fails instead (OpenAI's SDK does the same)."""

_BACKOFF = (0.5, 8.0)
"""Seconds: the first wait and the longest, doubling in between."""


@dataclass(frozen=True, slots=True)
class Try:
    """Make one attempt, and send back the error or None."""

    target: Target
    reason: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Sleep, and send back None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NewKey:
    """Read the target's connection again, and send back the target with its new key, or None."""

    target: Target


Step = Try | Wait | NewKey
"""What a driver is asked to do."""

Outcome = GenAIError | Target | None
"""What a driver sends back."""

Steps = Generator[Step, Outcome, None]
"""Ends when an attempt succeeded; raises when none will."""


@dataclass(slots=True)
class _Candidate:
    target: Target
    reason: str
    tries: int = 0
    error: GenAIError | None = None
    ready_at: float = 0.0
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Where one call may go.

    Attributes:
        targets: Of the name itself, in order.
        fallbacks: Of each name to fall back to, in order.
        instead: For an error that has fallbacks of its own, their targets in the same way.
    """

    targets: Sequence[Target]
    fallbacks: Sequence[Sequence[Target]] = ()
    instead: Mapping[type[CallError], Sequence[Sequence[Target]]] = field(default_factory=dict)


def attempts(
    plan: Plan,
    args: RouterArgs,
    health: Health,
    *,
    timeout: float,
    ends: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
) -> Steps:
    """Decide one call.

    Healthy targets are tried first, in the plan's order; then those that cool down, the one that is free
    first leading; then, as far as `num_retries` goes, those that may answer another time, after a wait.

    Args:
        plan: Where the call may go.
        args: How.
        health: What is known of the targets; failures and successes are written to it.
        timeout: Seconds for one attempt.
        ends: The moment at which the call is over; None for never.
        clock: Monotonic seconds.
        jitter: A number from 0 to 1.

    Raises:
        GenAIError: No attempt succeeded, and no other is allowed.
    """
    state = _Call(plan, args, health, ends=ends, clock=clock, jitter=jitter)
    while True:
        candidate = state.next_candidate()
        if candidate.tries:
            yield Wait(state.wait_before(candidate))
        error = yield from _attempt(candidate, state, timeout)
        if error is None:
            return
        state.take_in(candidate, error)


def _attempt(
    candidate: _Candidate, state: _Call, timeout: float
) -> Generator[Step, Outcome, GenAIError | None]:
    """One attempt, and a second one if the provider refused a key that has since been changed."""
    reason = candidate.reason if not candidate.tries else "retry"
    error = yield Try(candidate.target, reason, state.bounded(timeout))
    candidate.tries += 1
    if isinstance(error, AuthenticationError) and not candidate.renewed:
        candidate.renewed = True
        renewed = yield NewKey(candidate.target)
        if isinstance(renewed, Target) and not state.is_over():
            candidate.target = renewed
            error = yield Try(renewed, "new key", state.bounded(timeout))
    if error is None:
        state.health.succeeded(candidate.target.name)
    return error if isinstance(error, GenAIError) else None


class _Call:
    """Where one call stands."""

    def __init__(
        self,
        plan: Plan,
        args: RouterArgs,
        health: Health,
        *,
        ends: float | None,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self.health = health
        self._plan = plan
        self._args = args
        self._clock = clock
        self._jitter = jitter
        self._ends = ends
        self._candidates = self._ordered([plan.targets, *plan.fallbacks])
        self._tried: set[str] = set()
        self._errors: list[GenAIError] = []
        self._waits = 0

    def next_candidate(self) -> _Candidate:
        """The best candidate for the next attempt; raises when no more attempt is allowed."""
        fresh = [row for row in self._candidates if not row.tries]
        if fresh:
            return min(fresh, key=self._free_at) if len(fresh) > 1 else fresh[0]
        again = [row for row in self._candidates if isinstance(row.error, REPEATABLE)]
        # Where no key could be had nothing was sent, so that counts for nothing.
        sent = [row for row in self._candidates if not isinstance(row.error, CredentialError)]
        made = sum(row.tries for row in sent)
        if not again or made > self._args.num_retries:
            raise self.failure()
        return min(again, key=lambda row: (self._wait(row), row.tries))

    def wait_before(self, candidate: _Candidate) -> float:
        """Seconds to wait; raises when they would be too many."""
        wait = self._wait(candidate)
        seconds = wait * (1 + 0.25 * self._jitter())
        ends_too_late = self._ends is not None and self._clock() + seconds >= self._ends
        if ends_too_late or wait > LONGEST_WAIT:
            raise self.failure()
        self._waits += 1
        return seconds

    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self._ends is not None and self._clock() >= self._ends

    def bounded(self, timeout: float) -> float:
        """The attempt's time-out within the deadline; raises when that has passed."""
        if self._ends is None:
            return timeout
        left = self._ends - self._clock()
        if left <= 0:
            raise (
                self._errors[-1] if self._errors else RequestTimeoutError("the deadline has passed")
            )
        return min(timeout, left)

    def take_in(self, candidate: _Candidate, error: GenAIError) -> None:
        """Learn from a failure; raises when it is final."""
        candidate.error = error
        self._errors.append(error)
        self._tried.add(candidate.target.name)
        instead = self._instead_of(error)
        if instead is not None:
            # A request too long for one target, or filtered by it, goes only where that may be otherwise.
            self._candidates = instead
            return
        if not self._falls_over(error):
            raise error
        asked = error.retry_after if isinstance(error, CallError) else None
        candidate.ready_at = self._clock() + (asked or 0.0)
        if not isinstance(error, BadRequestError):
            # What is wrong with one request says nothing about the next.
            self.health.failed(candidate.target.name, asked)

    def failure(self) -> GenAIError:
        """The error for a call of which nothing is left to try."""
        last = self._errors[-1]
        tried = {(row.connection, row.model) for row in self._errors if isinstance(row, CallError)}
        if len(tried) <= 1 and len(self._candidates) == 1:
            return last
        outcomes = "; ".join(f"{type(row).__name__}: {row}" for row in self._errors)
        error = AllTargetsFailedError(f"all {len(self._errors)} attempts failed: {outcomes}")
        error.attempts = tuple(self._errors)
        return error

    def _instead_of(self, error: GenAIError) -> list[_Candidate] | None:
        for kind, groups in self._plan.instead.items():
            if isinstance(error, kind):
                rest = self._ordered([(), *groups])
                return [row for row in rest if row.target.name not in self._tried] or None
        return None

    def _ordered(self, groups: Sequence[Sequence[Target]]) -> list[_Candidate]:
        """Candidates of the name itself and of its fallbacks, each target once."""
        found: dict[str, _Candidate] = {}
        for depth, group in enumerate(groups):
            for target in group:
                reason = "fallback" if depth else "failover" if found else "first"
                found.setdefault(target.name, _Candidate(target, reason))
        return list(found.values())

    def _falls_over(self, error: GenAIError) -> bool:
        wanted = self._args.fallback_on
        if isinstance(error, CredentialError):
            return True
        if not isinstance(error, CallError):
            return False
        if wanted is None:
            return not isinstance(error, BadRequestError)
        return any(
            error.status == row if isinstance(row, int) else isinstance(error, row)
            for row in wanted
        )

    def _free_at(self, candidate: _Candidate) -> float:
        return self.health.free_at(candidate.target.name)

    def _wait(self, candidate: _Candidate) -> float:
        asked = isinstance(candidate.error, CallError) and candidate.error.retry_after is not None
        first, longest = _BACKOFF
        if asked:
            wait = max(candidate.ready_at - self._clock(), 0.0)
        else:
            wait = min(first * 2**self._waits, longest)
        return max(wait, self._args.retry_after)
