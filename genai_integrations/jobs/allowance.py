"""What a batch may cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from genai_integrations.display import money
from genai_integrations.errors import BudgetExceededError
from genai_integrations.runtime.dollars import written_out

Worst = Callable[[Mapping[str, Any]], float | None]
"""The US dollars that a request can cost at most, None if that is not known. It may have to load something first."""


class Allowance:
    """Counts what is spent, and what is promised to calls under way.

    A request whose worst case is not known is taken to cost as much as the dearest so far.

    Args:
        limit: US dollars; None is no limit.
        spent: What earlier runs have spent.

    Attributes:
        spent: US dollars, as far as known.
    """

    def __init__(self, limit: float | None, spent: float) -> None:
        self.limit = limit
        self.spent = spent
        self._promised: dict[int, float] = {}
        self._open = 0.0
        self._dearest = 0.0

    def has_room(self, worst: float | None) -> bool:
        """Whether a request of that worst case may be sent now."""
        cost = self._dearest if worst is None else worst
        return self.limit is None or self.spent + self._open + cost <= self.limit

    def promise(self, index: int, worst: float | None) -> None:
        """A request is sent."""
        if self.limit is not None:
            cost = self._dearest if worst is None else worst
            self._promised[index] = cost
            self._open += cost

    def settle(self, index: int, cost: float | None) -> None:
        """A request has cost that."""
        self._open -= self._promised.pop(index, 0.0)
        if not self._promised:
            # Sums of fractions do not come back to nothing by themselves.
            self._open = 0.0
        self.spent += cost or 0.0
        self.met(cost)

    def met(self, cost: float | None) -> None:
        """A request cost that, in this run or in an earlier one."""
        self._dearest = max(self._dearest, cost or 0.0)

    def refusal(self, worst: float | None) -> BudgetExceededError:
        """For a request that may not be sent any more."""
        cost = "" if worst is None else f" {money(worst)}, which is"
        return BudgetExceededError(
            f"not sent: {money(self.spent)} is spent, and it may cost{cost} more than "
            f"max_usd={written_out(self.limit or 0.0)} leaves; the same batch with its journal and a larger max_usd sends what is left"
        )
