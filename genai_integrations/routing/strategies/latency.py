"""`latency-based-routing`: the faster of two at random, by what was measured of this client's own calls.

Two choices are nearly as good as looking at all, and do not send every call of every process to the same target (M.
Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001); tower's `p2c` balances in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from genai_integrations.calls.request import Request
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.strategies.choosing import Chosen, without
from genai_integrations.routing.strategies.tier import Tier

EXPLORING = 0.03
"""Share of the calls that may ask a target which was slower, to find out whether it still is.

Time alone would be no bound: a client of one call a minute would ask it every third time.
"""


class Latency:
    """Compares seconds to the answer, and for streams seconds to the first content.

    A target that was never asked is asked first. Updates of the allowance take no lock: threads that meet may lose one.
    """

    def __init__(self, measured: Measured | None) -> None:
        self._measured = measured or Measured()
        self._allowance = 0.0

    def choose(self, request: Request, tier: Tier) -> Chosen:
        """The one of two that is expected to answer sooner."""
        stream = request.stream
        self._allowance = min(self._allowance + EXPLORING, 1.0)
        first, second = tier.sample(2)
        if self._expected(second, stream) < self._expected(first, stream):
            first, second = second, first
        reason = f"the faster of two of {len(tier.targets)}"
        if self._may_explore(first, second, stream):
            first, reason = second, "to see whether it is faster now"
        seconds = self._measured.latency(first.name, stream)
        told = "not measured yet" if seconds is None else f"{seconds:.3g} s expected"
        why = f"latency-based-routing: {told}, {reason}"
        return Chosen(first, why, partial(self._others, first, tier, stream))

    def _may_explore(self, first: Target, second: Target, stream: bool) -> bool:
        """Whether the slower one is asked, of which nothing was heard for long; that takes the allowance."""
        if self._allowance < 1.0:
            return False
        lowest = self._measured.lowest(second.name, stream) or 0.0
        if lowest >= self._expected(first, stream):
            return False
        self._allowance = 0.0
        return True

    def _expected(self, target: Target, stream: bool) -> float:
        return self._measured.latency(target.name, stream) or 0.0

    def _others(self, first: Target, tier: Tier, stream: bool) -> Sequence[Target]:
        return sorted(without(first, tier.targets), key=lambda row: self._expected(row, stream))
