"""Calls that give a target less time than the client's own settings do: their time-outs say nothing to the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genai_integrations.routing.groups import longest_timeout, sets_timeout
from genai_integrations.routing.health import AT_ONCE, Admission, Health

if TYPE_CHECKING:
    from genai_integrations.calls.args import RouterArgs
    from genai_integrations.calls.request import Request
    from genai_integrations.routing.deployments import Plan
    from genai_integrations.routing.probe import Probe


def health_for(request: Request, plan: Plan, own: RouterArgs, health: Health) -> Health | Hurried:
    """The circuits as a call sees them.

    Args:
        request: Of the call.
        plan: Where it may go.
        own: The client's own settings.
        health: The circuits of all calls.
    """
    longest = longest_timeout(plan, request) if own.model_list else 0.0
    usual = _waits(own, request.stream, longest)
    asked = _waits(request.args, request.stream, 0.0 if sets_timeout(request) else longest)
    if all(mine >= clients for mine, clients in zip(asked, usual, strict=True)):
        return health
    return Hurried(health, health.of_hurried(), f" within {asked[0]:g} and {asked[1]:g} s")


def _waits(args: RouterArgs, stream: bool, longest: float) -> tuple[float, float]:
    """Seconds until an answer, or a stream's first content, must be there, and until what follows that."""
    ends = math.inf if args.deadline is None else args.deadline
    first, stall = args.timeout, math.inf if args.stall_timeout is None else args.stall_timeout
    if stream and args.stream_timeout is not None:
        first = args.stream_timeout
    following = min(args.timeout, stall, ends) if stream else math.inf
    return min(max(first, longest), ends), following


class Hurried:
    """The circuits of all calls, and beside each the one of the calls that have as little patience as this one.

    A time-out of such a call opens the second circuit only. All else that happens to it counts for everybody.

    Args:
        health: The circuits of all calls.
        own: Those of calls in a hurry.
        within: Tells calls of one patience from others; it is put behind the names of targets.
    """

    __slots__ = ("_health", "_own", "_within", "accounts", "retries")

    def __init__(self, health: Health, own: Health, within: str) -> None:
        self.accounts = health.accounts
        # Of their own: who gives up at once, again and again, leaves the others theirs.
        self.retries = own.retries
        self._health = health
        self._own = own
        self._within = within

    def free_at(self, target: str) -> float:
        """As `Health.free_at`, of the circuit that is free later."""
        return max(self._health.free_at(target), self._own.free_at(target + self._within))

    def running_probe(self, target: str) -> Probe | None:
        """As `Health.running_probe`."""
        found = self._health.running_probe(target)
        return found or self._own.running_probe(target + self._within)

    def admit(self, target: str, timeout: float, *, only_as_probe: bool = False) -> Admission:
        """As `Health.admit`: a probe of one of the two, the circuit of all calls first."""
        found = self._health.admit(target, timeout, only_as_probe=only_as_probe)
        if found is not AT_ONCE:
            return found
        return self._own.admit(target + self._within, timeout, only_as_probe=only_as_probe)

    def failed(
        self, target: str, retry_after: float | None = None, probe: Probe | None = None
    ) -> None:
        """As `Health.failed`."""
        self._health.failed(target, retry_after, probe)

    def timed_out(self, target: str, probe: Probe | None = None) -> None:
        """Count a time-out among calls of this patience."""
        self._own.failed(target + self._within, None, probe)

    def succeeded(self, target: str, began: float = 0.0) -> None:
        """As `Health.succeeded`, of both circuits."""
        self._health.succeeded(target, began)
        self._own.succeeded(target + self._within, began)
