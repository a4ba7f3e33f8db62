"""What a strategy is: who is tried first, why, and in which order the others follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from genai_integrations.calls.request import Request
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.strategies.tier import Tier


class Chosen(NamedTuple):
    """A strategy's choice of one tier.

    Attributes:
        first: The target to try first.
        why: The reason, for people.
        others: Gives the rest of the tier, in order; called only when the first one failed.
    """

    first: Target
    why: str
    others: Callable[[], Sequence[Target]]


class Chooser(Protocol):
    """One strategy of one client. Shared by all its calls, in every thread and loop."""

    def choose(self, request: Request, tier: Tier) -> Chosen:
        """Choose among two or more targets."""
        ...


MakeChooser = Callable[[Measured | None], Chooser]
"""Makes a strategy, given what is measured; None measures nothing."""


def without(first: Target, targets: Sequence[Target]) -> list[Target]:
    """The targets but one."""
    return [target for target in targets if target is not first]
