"""`least-busy` and `usage-based-routing-v2`: where the least is under way, or was used of the minute's limits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from genai_integrations.calls.request import Request
from genai_integrations.models.tokens import rough_tokens
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.strategies.choosing import Chosen, without
from genai_integrations.routing.strategies.tier import Tier

LOOKED_AT = 16
"""Targets that are compared for one call, taken at random where there are more."""


class LeastBusy:
    """By the attempts of this client that are under way; equals at random."""

    def __init__(self, measured: Measured | None) -> None:
        self._measured = measured or Measured()

    def choose(self, request: Request, tier: Tier) -> Chosen:  # noqa: ARG002  the protocol's
        """The least busy one."""
        first = min(tier.sample(LOOKED_AT), key=self._busy)
        why = f"least-busy: {self._busy(first)} under way, the fewest of {len(tier.targets)}"
        return Chosen(first, why, partial(self._others, first, tier))

    def _busy(self, target: Target) -> int:
        return self._measured.in_flight(target.name)

    def _others(self, first: Target, tier: Tier) -> Sequence[Target]:
        return sorted(without(first, tier.targets), key=self._busy)


class Usage:
    """By the tokens and requests of the minute that runs; with limits, by the share of them that is used.

    Tokens of calls under way are taken to be as many as those of the calls before. One that would pass its `rpm` or
    `tpm` comes after all that would not; it is still there if nobody else can answer.
    """

    def __init__(self, measured: Measured | None) -> None:
        self._measured = measured or Measured()

    def choose(self, request: Request, tier: Tier) -> Chosen:
        """The least used one."""
        tokens = rough_tokens(request.body)
        seen = tier.sample(LOOKED_AT)
        by_share = all(row.deployment.rpm or row.deployment.tpm for row in seen)
        use = partial(self._use, tokens=tokens, by_share=by_share)
        first = min(seen, key=use)
        is_over, share, used, _ = use(first)
        told = f"{share:.0%} of its limit used" if by_share else f"{used:.0f} tokens in this minute"
        over = ", and no other is below its limit" if is_over else ""
        why = f"usage-based-routing-v2: {told}, the least of {len(tier.targets)}{over}"
        return Chosen(first, why, lambda: sorted(without(first, tier.targets), key=use))

    def _use(
        self, target: Target, *, tokens: int, by_share: bool
    ) -> tuple[bool, float, float, int]:
        """What to sort by: whether a limit would be passed, the share of it, the tokens, the requests."""
        minute = self._measured.minute(target.name)
        ended = minute.requests - self._measured.in_flight(target.name)
        used = minute.tokens * minute.requests / ended if ended > 0 else 0.0
        rpm, tpm = target.deployment.rpm, target.deployment.tpm
        is_over = bool((rpm and minute.requests + 1 > rpm) or (tpm and used + tokens > tpm))
        share = max(minute.requests / rpm if rpm else 0.0, used / tpm if tpm else 0.0)
        return is_over, share if by_share else 0.0, used, minute.requests
