"""Many calls at once through the policy, on a clock that jumps from event to event. No I/O, no threads."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from genai_integrations.calls.args import router_args
from genai_integrations.errors import GenAIError, RequestTimeoutError
from genai_integrations.routing.health import Health
from genai_integrations.routing.policy import attempts
from genai_integrations.routing.steps import AwaitProbe, NewKey, Try, Wait


@dataclass
class Clock:
    """Seconds that pass only on purpose."""

    now: float = 1000.0

    def __call__(self):
        return self.now


@dataclass
class Attempt:
    """One request.

    Attributes:
        target: Its name.
        began: When it was sent.
        timeout: Seconds it might have taken.
        was_half_open: Whether the target's circuit was, just then.
        error: What it brought; None for an answer, and while it runs.
        ended: When that was.
        closed: Whether the circuit was closed just after.
    """

    target: str
    began: float
    timeout: float
    was_half_open: bool
    error: GenAIError | None = None
    ended: float | None = None
    closed: bool = False


@dataclass
class Call:
    """One call and what became of it.

    Attributes:
        result: The error raised, or None.
        ended: When it was over; None while it runs.
        told: Targets whose failure this call has from another one, or for whose probe it has waited long enough.
        patience: For the targets whose probe it waits for, when it stops waiting.
        idle: For each wait (back-off and for probes), the targets that were healthy and untried just then.
    """

    plan: object
    began: float
    args: dict
    timeout: float
    policy: object = None
    attempts: list[Attempt] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    patience: dict[str, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    awaited: list[float] = field(default_factory=list)
    idle: list[list[str]] = field(default_factory=list)
    result: GenAIError | None = None
    ended: float | None = None
    was_cancelled: bool = False
    turn: int = 0


class World:
    """Runs calls against targets.

    Args:
        serve: For a target's name and a moment, what an attempt then gets: its error or None, and after how many
            seconds.
        jitter: From 0 to 1, for every wait.
        settings: Of `Health`.
    """

    most_events = 100_000

    def __init__(
        self,
        serve: Callable[[str, float], tuple[GenAIError | None, float]],
        jitter: float = 0.0,
        **settings,
    ):
        self.now = 1000.0
        self.health = Health(clock=self.clock, **settings)
        self.calls: list[Call] = []
        self.errors: list[GenAIError] = []
        self._serve = serve
        self._jitter = jitter
        self._events: list = []
        self._numbers = itertools.count()

    def clock(self):
        return self.now

    def call(self, plan, *, at=0.0, timeout=30.0, cancelled_after=None, **args):
        """A call that begins so many seconds from now."""
        call = Call(plan, self.now + at, args, timeout)
        self.calls.append(call)
        self._at(call.began, lambda: self._begin(call))
        if cancelled_after is not None:
            self._at(call.began + cancelled_after, lambda: self._cancel(call))
        return call

    def run(self):
        """Until nothing happens any more."""
        happened = 0
        while self._events:
            happened += 1
            assert happened < self.most_events, "the calls never end"
            moment, _, event = heapq.heappop(self._events)
            self.now = max(self.now, moment)
            event()
        return self

    def attempts(self, target=None):
        found = [row for call in self.calls for row in call.attempts]
        return [row for row in found if target in (None, row.target)]

    def state(self, target):
        """Of a target's circuit."""
        circuit = self.health._records.get(target)
        return "closed" if circuit is None else circuit.state(self.now)

    def _at(self, moment, event):
        heapq.heappush(self._events, (moment, next(self._numbers), event))

    def _args_of(self, call):
        return router_args(call.args)

    def _begin(self, call):
        args = self._args_of(call)
        call.policy = attempts(
            call.plan,
            args,
            self.health,
            timeout=call.timeout,
            ends=None if args.deadline is None else self.now + args.deadline,
            clock=self.clock,
            jitter=lambda: self._jitter,
        )
        self._go_on(call, None)

    def _cancel(self, call):
        if call.ended is None:
            call.was_cancelled = True
            self._over(call, None)
            call.policy.close()

    def _go_on(self, call, outcome):
        try:
            step = call.policy.send(outcome)
        except StopIteration:
            self._over(call, None)
        except GenAIError as error:
            self._over(call, error)
        else:
            self._do(call, step)

    def _over(self, call, error):
        call.result, call.ended = error, self.now
        if call.attempts and call.attempts[-1].ended is None:
            call.attempts[-1].ended = self.now

    def _do(self, call, step):
        if isinstance(step, Try):
            self._try(call, step)
        elif isinstance(step, AwaitProbe):
            call.awaited.append(step.seconds)
            call.idle.append(self._healthy(call))
            wake = self._once(call, before=self._awaiting(call, step.probes[0]))
            for probe in step.probes:
                probe.add_done_callback(lambda: self._at(self.now, wake))
            self._at(self.now + step.seconds, wake)
        elif isinstance(step, Wait):
            call.waits.append(step.seconds)
            call.idle.append(self._healthy(call))
            self._at(self.now + step.seconds, self._once(call))
        else:
            assert isinstance(step, NewKey)
            self._at(self.now, self._once(call))

    def _try(self, call, step):
        name = step.target.name
        assert step.timeout > 0
        attempt = Attempt(name, self.now, step.timeout, self.state(name) == "half-open")
        error, seconds = self._serve(name, self.now)
        if seconds > step.timeout:
            error, seconds = RequestTimeoutError(f"slow {len(self.errors)}"), step.timeout
        if error is not None:
            self.errors.append(error)
        call.attempts.append(attempt)
        self._at(self.now + seconds, self._once(call, error, attempt))

    def _awaiting(self, call, probe):
        """What a call knows when its wait for another's probe is over; it begins now."""
        (target,) = (name for name, row in self.health._records.items() if row.probe is probe)
        deadline = call.args.get("deadline")
        left = (
            [call.timeout] if deadline is None else [call.timeout, call.began + deadline - self.now]
        )
        call.patience.setdefault(target, self.now + min(left))

        def hear():
            # Who had less patience with the target says nothing to who has more.
            was_hasty = (
                isinstance(probe.error, RequestTimeoutError) and probe.timeout < call.timeout
            )
            failed = probe.error is not None and not was_hasty
            if failed if probe.is_done else self.now >= call.patience[target]:
                call.told.add(target)
                del call.patience[target]

        return hear

    def _once(self, call, outcome=None, attempt=None, before=None):
        """Goes on with a call, unless that has gone on since, or is over."""
        call.turn += 1
        turn = call.turn

        def event():
            if call.ended is None and call.turn == turn:
                call.turn += 1
                if attempt is not None:
                    attempt.ended, attempt.error = self.now, outcome
                if before is not None:
                    before()
                self._go_on(call, outcome)
                if attempt is not None:
                    attempt.closed = self.state(attempt.target) == "closed"

        return event

    def _healthy(self, call):
        """The targets that are free, and that this call has neither tried nor heard of as failed."""
        groups = [call.plan.targets, *call.plan.fallbacks]
        names = {target.name for group in groups for target in group}
        tried = call.told.union(row.target for row in call.attempts)
        return sorted(name for name in names - tried if not self.health.free_at(name))
