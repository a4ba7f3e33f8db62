"""What to try next: one generator that yields steps and is sent outcomes. It does no I/O.

The sync and the async driver run the same generator, so the policy is written once. It puts together what is decided
elsewhere: the order of targets (`candidates`), circuit breakers and probes (`health`), which errors may pass and how
long to back off (`retry_rules`), and how many retries are too many (`retry_budget`). Its own is the deadline.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.route import HEDGE
from genai_integrations.errors import (
    AllTargetsFailedError,
    AuthenticationError,
    BadRequestError,
    CallError,
    ConfigurationError,
    CredentialError,
    GenAIError,
    LimitError,
    OutOfCreditError,
    RejectedAnswerError,
    RequestTimeoutError,
)
from genai_integrations.routing.candidates import Candidate, candidates
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.routing.health import AT_ONCE, LONGEST_COOLDOWN, Admission, Health
from genai_integrations.routing.probe import Probe
from genai_integrations.routing.retry_budget import SPENT
from genai_integrations.routing.retry_rules import (
    JITTER,
    LONGEST_WAIT,
    NO_CREDIT_COOLDOWN,
    backoff,
    falls_over,
    is_of_request,
    is_repeatable,
)
from genai_integrations.routing.steps import Admit, AwaitProbe, NewKey, Race, Try, Wait
from genai_integrations.transports.http.patience import DEADLINE

if TYPE_CHECKING:
    from genai_integrations.routing.domains import Failed
    from genai_integrations.routing.hedging import Hedging
    from genai_integrations.routing.hurry import Hurried
    from genai_integrations.routing.turns import Turns

MOST_RENEWALS = 3
"""New keys that one call asks for: a bound for a store that gives another wrong key each time."""

Step = Try | Wait | AwaitProbe | NewKey | Admit | Race
"""What a driver is asked to do."""

Outcome = GenAIError | Target | bool | None
"""What a driver sends back."""

Steps = Generator[Step, Outcome, None]
"""Ends when an attempt succeeded; raises when none will.

Whoever drives it closes it, whatever happens (`contextlib.closing`): a call that is cancelled in an attempt gives its
probe back only then.
"""


def attempts(
    plan: Plan,
    args: RouterArgs,
    health: Health | Hurried,
    *,
    timeout: float,
    ends: float | None = None,
    turns: Turns | None = None,
    limit: Callable[[Target], float | None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
    hedging: Hedging | None = None,
    stream: bool = False,
) -> Steps:
    """Decide one call.

    Healthy targets are tried first, in the plan's order. A half-open target is healthy for the one call that becomes
    its probe; the others pass it by, and wait for the probe where no target is healthy. Then come those that cool down,
    the one that is free first leading; then, as far as `num_retries` and the retry budget go, those that may answer
    another time, after a wait.

    Args:
        plan: Where the call may go.
        args: How.
        health: What is known of the targets; failures and successes are written to it.
        timeout: Seconds for one attempt.
        ends: The moment at which the call is over; None for never.
        turns: What the call asks of limits and budgets; None where there are none.
        limit: Gives a target's own time-out, if it has one.
        clock: Monotonic seconds, the same as the clock of `health`.
        jitter: A number from 0 to 1.
        hedging: When a second target is asked beside a slow one; None for never.
        stream: Whether a stream is asked for.

    Raises:
        GenAIError: No attempt succeeded, and no other is allowed.
    """
    state = _Call(
        plan,
        args,
        health,
        turns,
        timeout=timeout,
        ends=ends,
        limit=limit,
        clock=clock,
        jitter=jitter,
    )
    while True:
        candidate = state.next_candidate()
        if candidate.tries and not candidate.rested:
            yield Wait(state.wait_before(candidate))
            candidate.rested = True
        if turns is not None and not (yield from _entered(candidate, state, turns)):
            continue
        admission = state.admit(candidate)
        if admission.other is None:
            after = state.late_after(candidate, hedging, stream) if hedging else None
            asked = _ask(candidate, state, admission.mine)
            if after is None or hedging is None:
                succeeded = yield from asked
            else:
                second = partial(_second, candidate, state, hedging)
                succeeded = bool((yield Race(candidate.target.name, asked, after, second)))
            if succeeded:
                return
            continue
        if turns is not None:
            turns.give_back(candidate.target)
        if not state.has_elsewhere():
            yield state.pause(candidate, admission.other)
            state.take_in_told(candidate, admission.other)


def _entered(candidate: Candidate, state: _Call, turns: Turns) -> Generator[Step, Outcome, bool]:
    """Whether limits and budgets let an attempt be made now. What they refuse for good is out of this call."""
    outcome = yield from turns.entered(candidate.target, state.has_elsewhere)
    if isinstance(outcome, GenAIError):
        state.pass_over(candidate, outcome)
        return False
    return bool(outcome)


def _second(
    slow: Candidate, state: _Call, hedging: Hedging
) -> tuple[str, Generator[Step, Outcome, bool]] | None:
    """The attempt beside a slow one; None if there is no other healthy target by now, or no budget."""
    other = state.beside(slow)
    admission = state.admit(other) if other is not None and hedging.may else None
    if other is None or admission is None or admission.other is not None:
        return None
    return other.target.name, _beside(other, state, hedging, admission.mine)


def _beside(
    candidate: Candidate, state: _Call, hedging: Hedging, probe: Probe | None
) -> Generator[Step, Outcome, bool]:
    """As `_ask`, if limits and budgets let it be made at once."""
    turns = state.turns
    if turns is not None and (yield Admit(turns, candidate.target)) is not None:
        if probe is not None:
            probe.finish()
        return False
    # Not before: one that is not let in may still be asked when the first one has failed.
    hedging.withdraw()
    candidate.reason = HEDGE
    return (yield from _ask(candidate, state, probe))


def _ask(candidate: Candidate, state: _Call, probe: Probe | None) -> Generator[Step, Outcome, bool]:
    """One attempt, and whether it succeeded; others follow while a refused key turns out to have been changed.

    If it is a probe, those who wait for it are told.
    """
    try:
        began = state.begin()
        reason = candidate.reason if not candidate.tries else "retry"
        error = yield Try(candidate.target, reason, state.bounded(candidate))
        # More than once: where threads starve, a key may be changed again before the changed one was sent.
        while isinstance(error, AuthenticationError) and candidate.renewals < MOST_RENEWALS:
            candidate.renewals += 1
            renewed = yield NewKey(candidate.target)
            if not isinstance(renewed, Target) or state.is_over():
                break
            candidate.target = renewed
            began = state.begin()
            error = yield Try(renewed, "new key", state.bounded(candidate))
        # An answer that the program does not accept, or has no use for, is an answer: the target works.
        if error is None or isinstance(error, RejectedAnswerError) or is_of_request(error):
            state.health.succeeded(candidate.target.name, began)
            if state.health.accounts.were_any:
                state.health.accounts.answered(candidate.target.connection, began)
        if isinstance(error, GenAIError):
            if state.turns is not None:
                state.turns.attempt_ended(candidate.target)
            state.take_in(candidate, error, probe)
        return error is None
    finally:
        # Cancelled, killed, collected, or refused for the request itself: it says nothing of the target, and the next
        # call may be the probe. What was told before this counts.
        if probe is not None:
            probe.finish()


class _Call:
    """Where one call stands."""

    def __init__(
        self,
        plan: Plan,
        args: RouterArgs,
        health: Health | Hurried,
        turns: Turns | None,
        *,
        timeout: float,
        ends: float | None,
        limit: Callable[[Target], float | None] | None,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self.health = health
        self.turns = turns
        self._plan = plan
        self._args = args
        self._timeout = timeout
        self._limit = limit
        self._clock = clock
        self._jitter = jitter
        self._ends_at = ends
        # The first one is enough for almost every call; a group may have thousands.
        self._first = Candidate(plan.targets[0], "first") if plan.targets else None
        self._all: list[Candidate] | None = None
        self._tried: set[str] = set()
        self._errors: list[GenAIError] = []
        self._failed: Failed | None = None
        self._made = 0
        self._waits = 0
        self._has_begun = False
        self._knows_of_probe = False

    def next_candidate(self) -> Candidate:
        """The best candidate for the next attempt; raises when no more attempt is allowed."""
        first = self._first
        if self._all is None and first is not None and not first.tries and not self._free_at(first):
            return first
        fresh = self._fresh()
        if fresh:
            best = min(fresh, key=self._free_at) if len(fresh) > 1 else fresh[0]
            return self._elsewhere(best, fresh) if self._failed and len(fresh) > 1 else best
        again = [row for row in self._candidates if is_repeatable(row.error)]
        if not again or self._made > self._args.num_retries:
            raise self.failure()
        return min(again, key=lambda row: (self._backoff(row), row.tries))

    @property
    def _candidates(self) -> list[Candidate]:
        if self._all is None:
            self._all = candidates([self._plan.targets, *self._plan.fallbacks])
            if self._first is not None:
                self._all[0] = self._first
        return self._all

    def wait_before(self, candidate: Candidate) -> float:
        """Seconds to wait before a retry; raises when they would be too many, or the retry one too many."""
        wait = self._backoff(candidate)
        seconds = wait * (1 + JITTER * self._jitter())
        now = self._clock()
        ends_too_late = self._ends_at is not None and now + seconds >= self._ends_at
        if ends_too_late or wait > LONGEST_WAIT:
            raise self.failure()
        if not self.health.retries.withdraw(now):
            raise self.failure(SPENT)
        self._waits += 1
        return seconds

    def admit(self, candidate: Candidate) -> Admission:
        """How the next attempt may be made.

        Calls that have waited for one probe all go on at the same moment. If it failed, they must not all turn to a
        target that is no better: only one of them asks it, and the rest wait again.
        """
        admission = self.health.admit(
            candidate.target.name, self.bounded(candidate), only_as_probe=self._knows_of_probe
        )
        self._knows_of_probe |= admission is not AT_ONCE
        return admission

    def late_after(self, candidate: Candidate, hedging: Hedging, stream: bool) -> float | None:
        """Seconds after which another target is asked beside this one; None where that is not to be."""
        if not self._has_begun:
            hedging.deposit()
        if not hedging.may or self.beside(candidate) is None:
            return None
        return hedging.after(candidate.target.name, stream)

    def beside(self, slow: Candidate) -> Candidate | None:
        """Who can be asked beside a slow target: a healthy one. One for each call: None if one was."""
        if any(row.reason == HEDGE for row in self._candidates):
            return None
        from genai_integrations.routing.hedging import farthest

        others = [row for row in self._fresh() if row is not slow and not self._free_at(row)]
        return farthest(slow, others, self.health.accounts)

    def has_elsewhere(self) -> bool:
        """Whether a target that was not tried is healthy.

        Then another thread has become the probe just after this call chose the same target.
        """
        return any(not self._free_at(row) for row in self._fresh())

    def pause(self, candidate: Candidate, probe: Probe) -> AwaitProbe:
        """The wait for another call's probe: as long as an attempt may take, or until there is elsewhere to go."""
        now = self._clock()
        if candidate.patience_ends_at is None:
            candidate.patience_ends_at = now + self.bounded(candidate)
        others = [row.target.name for row in self._fresh() if row is not candidate]
        probes = [probe, *filter(None, map(self.health.running_probe, others))]
        cooled = [at for other in others if (at := self.health.free_at(other)) > now]
        ends_at = min(candidate.patience_ends_at, *(row.expires_at for row in probes), *cooled)
        return AwaitProbe(probes, max(ends_at - now, 0.0))

    def begin(self) -> float:
        """The moment, for an attempt that begins now."""
        now = self._clock()
        if not self._has_begun:
            self._has_begun = True
            self.health.retries.deposit(now)
        return now

    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self._ends_at is not None and self._clock() >= self._ends_at

    def bounded(self, candidate: Candidate) -> float:
        """An attempt's time-out within the deadline; raises when that has passed."""
        timeout = self._timeout if self._limit is None else self._timeout_of(candidate)
        if self._ends_at is None:
            return timeout
        left = self._ends_at - self._clock()
        if left <= 0:
            raise (self._errors[-1] if self._errors else RequestTimeoutError(DEADLINE))
        return min(timeout, left)

    def _timeout_of(self, candidate: Candidate) -> float:
        own = self._limit(candidate.target) if self._limit else None
        return self._timeout if own is None else own

    def take_in(self, candidate: Candidate, error: GenAIError, probe: Probe | None) -> None:
        """Learn from a failure; raises when it is final."""
        self._note(candidate, error)
        instead = self._instead_of(candidate, error)
        if instead is not None:
            # A request too long for one target, or filtered by it, goes only where that may be otherwise.
            self._all, self._made = instead, 0
            return
        if not self._falls_over(candidate, error):
            raise self._final(error)
        if isinstance(error, RejectedAnswerError):
            # The same model elsewhere would say the same.
            self._all = [
                row for row in self._candidates if row.tries or row.depth > candidate.depth
            ]
            return
        if isinstance(error, (BadRequestError, ConfigurationError)) or is_of_request(error):
            # What is wrong with one request says nothing about the next.
            return
        asked = error.retry_after if isinstance(error, CallError) else None
        if isinstance(error, OutOfCreditError):
            asked = max(asked or 0.0, NO_CREDIT_COOLDOWN)
            seconds = min(asked, LONGEST_COOLDOWN)
            self.health.accounts.emptied(candidate.target.connection, seconds)
        if isinstance(error, RequestTimeoutError) and not asked:
            self.health.timed_out(candidate.target.name, probe)
        else:
            self.health.failed(candidate.target.name, asked, probe)
        if probe is not None:
            probe.finish(error)

    def take_in_told(self, candidate: Candidate, probe: Probe) -> None:
        """Learn from another call's probe; raises when its failure is final.

        Its failure counts as one of this call's own attempts, as a service behind tower's `Buffer` gives the error of
        the one to all who queue. Its success, or no outcome, means to look again.
        """
        error = self._told(candidate, probe)
        if error is None:
            return
        self._note(candidate, error)
        if not self._falls_over(candidate, error):
            raise self._final(error)

    def pass_over(self, candidate: Candidate, error: GenAIError) -> None:
        """Leave a target out that limits or budgets keep from this call; it was not asked."""
        candidate.learn(error, self._clock())
        self._errors.append(error)

    def failure(self, why: str = "") -> GenAIError:
        """The error for a call of which nothing is left to try."""
        last = self._errors[-1]
        if all(isinstance(row, LimitError) for row in self._errors):
            return self._errors[0]
        tried = {(row.connection, row.model) for row in self._errors if isinstance(row, CallError)}
        if len(tried) <= 1 and len(self._candidates) == 1 and not isinstance(last, LimitError):
            error = last
        else:
            outcomes = "; ".join(f"{type(row).__name__}: {row}" for row in self._errors)
            error = AllTargetsFailedError(f"all {len(self._errors)} attempts failed: {outcomes}")
            error.attempts = tuple(self._errors)
        if why:
            error.add_note(why)
        return error

    def _note(self, candidate: Candidate, error: GenAIError) -> None:
        candidate.learn(error, self._clock())
        # Where no key could be had nothing was sent, so that counts for nothing.
        self._made += not isinstance(error, CredentialError)
        self._errors.append(error)
        if len(self._candidates) > 1:
            self._domains().add(candidate.target.connection, error)
        self._tried.add(candidate.target.name)

    def _told(self, candidate: Candidate, probe: Probe) -> GenAIError | None:
        """What another call's probe says to this one."""
        if probe.is_done and probe.error is not None:
            if isinstance(probe.error, RequestTimeoutError) and probe.timeout < self._timeout_of(
                candidate
            ):
                # The other call had less patience; this one would have waited longer for the answer.
                return None
            # Each call raises an exception of its own: an object that many raise collects all their frames.
            error = copy.copy(probe.error)
            error.__notes__ = [
                "reported by another call, which was asking whether the target is back"
            ]
            return error
        ends_at = candidate.patience_ends_at
        if probe.is_done or ends_at is None or self._clock() < ends_at:
            return None
        target = candidate.target
        return RequestTimeoutError(
            "no answer in time to the call that was asking whether the target is back",
            provider=target.connection.provider.name,
            connection=target.connection.name,
            model=target.model,
        )

    def _fresh(self) -> list[Candidate]:
        return [row for row in self._candidates if not row.tries]

    def _elsewhere(self, best: Candidate, fresh: Sequence[Candidate]) -> Candidate:
        """The best, or one that is as good and would not fail for what has failed."""
        failed = self._domains()
        if not failed.shares(best.target.connection) or self._free_at(best):
            return best
        equals = (row for row in fresh if row.level == best.level and not self._free_at(row))
        return next((row for row in equals if not failed.shares(row.target.connection)), best)

    def _domains(self) -> Failed:
        """What has failed, loaded with the first failure."""
        if self._failed is None:
            from genai_integrations.routing.domains import Failed

            self._failed = Failed(self.health.accounts)
        return self._failed

    def _instead_of(self, candidate: Candidate, error: GenAIError) -> list[Candidate] | None:
        if candidate.target.name in self._plan.trial:
            return None
        for kind, groups in self._plan.instead.items():
            if isinstance(error, kind):
                rest = candidates([(), *groups])
                return [row for row in rest if row.target.name not in self._tried] or None
        return None

    def _free_at(self, candidate: Candidate) -> float:
        target, accounts = candidate.target, self.health.accounts
        free_at = self.health.free_at(target.name)
        if self.turns is not None:
            free_at = max(free_at, self.turns.free_at(target))
        return max(free_at, accounts.free_at(target.connection)) if accounts.were_any else free_at

    def _backoff(self, candidate: Candidate) -> float:
        """Seconds to wait before a retry, without jitter."""
        if candidate.rested:
            return 0.0
        if isinstance(candidate.error, CallError) and candidate.error.retry_after is not None:
            wait = max(candidate.ready_at - self._clock(), 0.0)
        else:
            wait = backoff(self._waits)
        return max(wait, self._args.retry_after)

    def _falls_over(self, candidate: Candidate, error: GenAIError) -> bool:
        trial = self._plan.trial
        if candidate.target.name in trial and len(trial) < len(self._candidates):
            return True
        # Beside a hedge there is the first target, which has not answered yet.
        is_first = len(self._tried.difference(trial)) == 1 and candidate.reason != HEDGE
        return falls_over(error, self._args.fallback_on, is_first=is_first)

    def _final(self, error: GenAIError) -> GenAIError:
        """What to raise when this error ends the call: it never hides what another target said before it."""
        others = self._tried.difference(self._plan.trial)
        if isinstance(error, ConfigurationError) or len(others) <= 1:
            return error
        return self.failure()
