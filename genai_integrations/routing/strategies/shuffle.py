"""`simple-shuffle`: at random, by weight."""

from __future__ import annotations

from genai_integrations.calls.request import Request
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.strategies.choosing import Chosen, without
from genai_integrations.routing.strategies.tier import Tier, shuffled


class Shuffle:
    """Anew for each call. It has no memory, so processes and restarts change nothing."""

    def __init__(self, measured: Measured | None = None) -> None:
        """Nothing is measured for it."""

    def choose(self, request: Request, tier: Tier) -> Chosen:  # noqa: ARG002  the protocol's
        """Any, by its share of the weight."""
        first = tier.drawn()
        why = f"simple-shuffle: {tier.share(first):.0%} of the weight"
        return Chosen(first, why, lambda: shuffled(without(first, tier.targets)))
