"""What a batch may cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from genai_integrations.display import money
from genai_integrations.errors import BudgetExceededError

Worst = Callable[[Mapping[str, Any]], float | None]
"""The US dollars that a request can cost at most, None if that is not known."""


class Purse:
    """Counts what is spent, and what is promised to calls under way.

    A request whose worst case is not known is taken to cost as much as the dearest so far.

    Args:
        limit: US dollars; None is no limit.
        spent: What earlier runs have spent.
        worst: See `Worst`.

    Attributes:
        spent: US dollars, as far as known.
    """

    def __init__(self, limit: float | None, spent: float, worst: Worst) -> None:
        self._limit = limit
        self._worst = worst
        self._promised: dict[int, float] = {}
        self._dearest = 0.0
        self.spent = spent

    def has_room(self, request: Mapping[str, Any]) -> bool:
        """Whether a request may be sent now."""
        if self._limit is None:
            return True
        open_ = sum(self._promised.values())
        return self.spent + open_ + self._cost_of(request) <= self._limit

    def promise(self, index: int, request: Mapping[str, Any]) -> None:
        """A request is sent."""
        if self._limit is not None:
            self._promised[index] = self._cost_of(request)

    def settle(self, index: int, cost: float | None) -> None:
        """A request has cost that."""
        self._promised.pop(index, None)
        self.spent += cost or 0.0
        self.met(cost)

    def met(self, cost: float | None) -> None:
        """A request cost that, in this run or in an earlier one."""
        self._dearest = max(self._dearest, cost or 0.0)

    def refusal(self) -> BudgetExceededError:
        """For a request that may not be sent any more."""
        return BudgetExceededError(
            f"not asked: {money(self.spent)} are spent, and it may cost more than max_usd={self._limit:g} leaves; "
            "the same batch with its journal and a larger max_usd asks what is left"
        )

    def _cost_of(self, request: Mapping[str, Any]) -> float:
        worst = self._worst(request)
        return self._dearest if worst is None else worst
