"""One call's way through limits and budgets: what its attempts wait for, and what becomes of what they were given.

The policy asks `entered` before an attempt, and the flow says when one is over. A target at its limit is passed over
while another can serve.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from typing import Any

from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Route
from genai_integrations.errors import BudgetExceededError, GenAIError
from genai_integrations.limits.claims import NEVER, Claim, Refusal
from genai_integrations.limits.gate import Gate, Held, Waiter
from genai_integrations.limits.purse import Purse
from genai_integrations.models import vocabularies
from genai_integrations.routing.claiming import Claims, used
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.routing.probe import Probe
from genai_integrations.routing.steps import Admit, AwaitProbe
from genai_integrations.runtime.dollars import dollars

_MUCH_TEXT = 20_000
"""Tokens whose exact count takes milliseconds: more are not counted on an event loop."""

_OPEN = Gate({}, {})
"""For calls of clients without limits that have a cap of their own."""

_LONGEST = 3600.0
"""Seconds of one wait; then it looks again."""


class Turns:
    """What one call asks of the gate, attempt by attempt.

    Args:
        gate: Of the client; None if the call has a cap only.
        request: The call.
        plan: Where it may go.
        route: Where it is written down.
        ends: The moment at which the call is over.
        clock: Monotonic seconds, the same as the gate's.
    """

    def __init__(
        self,
        gate: Gate | None,
        request: Request,
        plan: Plan,
        route: Route,
        *,
        ends: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gate = gate or _OPEN
        cap = request.args.max_cost
        self._purse = Purse(cap) if isinstance(cap, float) else cap
        own = frozenset(target.name for target in plan.targets)
        self._claims = Claims(self._gate, request, own, has_cap=cap is not None)
        self._ends = ends
        self._route = route
        self._clock = clock
        self._blocked: dict[str, float] = {}
        # By the target's name: several may be asked at once.
        self._held: dict[str, Held] = {}
        self._targets: dict[str, Target] = {}
        self._paid: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._kept: list[Held] = []
        self._waiter: Waiter | None = None

    def free_at(self, target: Target) -> float:
        """As `Health.free_at`: 0 for a target that may be asked now, else the moment to ask again."""
        blocked = self._blocked.get(target.name, 0.0)
        if blocked > self._clock():
            return blocked
        refusal = self._gate.look(self._claims.of(target))
        if refusal is None:
            return 0.0
        self._note(refusal)
        return refusal.free_at

    def entered(
        self, target: Target, elsewhere: Callable[[], bool]
    ) -> Generator[Any, Any, GenAIError | bool]:
        """Whether an attempt may be made now.

        Args:
            target: Where.
            elsewhere: Whether another target can serve now.

        Returns:
            True; False where the policy should look again; an error if this call cannot have the target.
        """
        outcome = yield Admit(self, target)
        if not isinstance(outcome, Refusal):
            return outcome if isinstance(outcome, GenAIError) else True
        self._blocked[target.name] = outcome.free_at
        self._note(outcome)
        if outcome.free_at == NEVER:
            return outcome.error(self._clock())
        if elsewhere():
            return False
        if self._gate.on_limit == "fail":
            return outcome.error(self._clock())
        return (yield from self._waited(outcome, self._claims.of(target)))

    def _waited(self, refusal: Refusal, claim: Claim) -> Generator[Any, Any, GenAIError | bool]:
        """Wait in the limit's queue: an error if that would last too long."""
        signal = Probe(0.0, 0.0)
        self._queue(refusal, claim, signal)
        now = self._clock()
        # By its place in the queue, which is later than without one.
        placed = self._gate.look(claim)
        until = placed.free_at if placed is not None else refusal.free_at
        if self._ends is not None and (
            now >= self._ends or (refusal.what != "max_parallel" and until >= self._ends)
        ):
            return refusal.error(now)
        ends = until if self._ends is None else min(until, self._ends)
        yield AwaitProbe((signal,), min(max(ends - now, 0.0), _LONGEST))
        self._route.limited_ms += (self._clock() - now) * 1000
        self._blocked.clear()
        return False

    def _queue(self, refusal: Refusal, claim: Claim, signal: Probe) -> None:
        """Stay at the place in the queue, if it is the same one."""
        waiter = self._waiter
        if waiter is not None and waiter.name == refusal.name and waiter.claim is claim:
            self._gate.again(waiter, signal.finish)
            return
        self._stop_waiting()
        self._waiter = self._gate.join(refusal, claim, signal.finish)

    def take(self, target: Target) -> Refusal | GenAIError | None:
        """Take what an attempt needs; None if it got it."""
        if self._claims.counts_money(target):
            self._claims.price(target)
        claim = self._claims.of(target)
        refusal = self._pay(target, claim)
        if refusal is not None:
            return refusal
        try:
            outcome = self._gate.take(claim)
        except BaseException:
            self._put_back(target, 0)
            raise
        return self._got(target, outcome)

    async def atake(self, target: Target) -> Refusal | GenAIError | None:
        """As `take`, without blocking the loop."""
        claims = self._claims
        if claims.counts_money(target):
            await vocabularies.aload(target.model)
            if claims.rough() > _MUCH_TEXT:
                await asyncio.to_thread(claims.price, target)
            else:
                claims.price(target)
        claim = claims.of(target)
        refusal = self._pay(target, claim)
        if refusal is not None:
            return refusal
        try:
            outcome = await self._gate.atake(claim)
        except BaseException:
            self._put_back(target, 0)
            raise
        return self._got(target, outcome)

    def give_back(self, target: Target) -> None:
        """The attempt is not made after all."""
        held = self._held.pop(target.name, None)
        if held is not None:
            self._gate.give_back(held)
            self._claims.was_counted = bool(self._kept or self._held)
        self._put_back(target, 0)

    def attempt_ended(self, target: Target) -> None:
        """An attempt is over, with all the requests that it was made of."""
        attempts = [row for row in self._route.attempts if row.target == target.name]
        held = self._held.get(target.name)
        if held is not None:
            tokens, cost = used(attempts[self._seen.get(target.name, 0) :], held.claim)
            self._gate.settle(held, tokens, cost)
            # Not before, so that it is still to be done where Ctrl-C came in between.
            self._kept.append(self._held.pop(target.name))
        self._seen[target.name] = len(attempts)
        if held is None:
            return
        if cost is not None:
            self._put_back(target, cost)
        self._paid.pop(target.name, None)

    def attempts_ended(self) -> None:
        """All attempts are over."""
        for target in list(self._targets.values()):
            self.attempt_ended(target)

    def end(self) -> None:
        """The call is over, whatever for."""
        self._stop_waiting()
        self.attempts_ended()
        while self._kept:
            self._gate.leave(self._kept[-1])
            self._kept.pop()

    def _pay(self, target: Target, claim: Claim) -> BudgetExceededError | None:
        """Take the worst case out of what the call may cost."""
        purse = self._purse
        if purse is None:
            return None
        if not purse.take(claim.nanos):
            return BudgetExceededError(
                f"the call may cost up to {dollars(claim.nanos / 1e9)}, but only "
                f"{dollars(max(purse.usd - purse.spent, 0))} of max_cost {dollars(purse.usd)} is left: "
                "lower max_tokens, or raise max_cost"
            )
        self._paid[target.name] = claim.nanos
        return None

    def _put_back(self, target: Target, cost: int) -> None:
        paid = self._paid.pop(target.name, None)
        if self._purse is not None and paid is not None:
            self._purse.put_back(paid - cost)

    def _got(self, target: Target, outcome: Held | Refusal) -> Refusal | None:
        if isinstance(outcome, Refusal):
            self._put_back(target, 0)
            return outcome
        if target.name in self._held:
            # A stream that broke there, and begins anew.
            self.attempt_ended(target)
        self._held[target.name] = outcome
        self._targets[target.name] = target
        self._claims.let_in()
        self._stop_waiting()
        return None

    def _note(self, refusal: Refusal) -> None:
        if refusal.text not in self._route.limited:
            self._route.limited.append(refusal.text)

    def _stop_waiting(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self._gate.go(waiter)
