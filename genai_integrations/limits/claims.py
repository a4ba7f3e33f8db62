"""What one attempt asks of limits and budgets, and why it does not get it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from genai_integrations.errors import BudgetExceededError, LimitError
from genai_integrations.limits.rules import Budget, Limit

NEVER = math.inf
"""In place of a moment: waiting does not help."""


@dataclass(slots=True)
class Row:
    """What an attempt asks of one limit.

    Attributes:
        name: Of the limit.
        limit: It.
        requests: Requests that it counts as: none if the call was counted already.
        slots: Places among those at once that it takes: none if the call has one.
        lasts: Whether the place is the call's, and not only the attempt's.
    """

    name: str
    limit: Limit
    requests: int = 1
    slots: int = 1
    lasts: bool = False


@dataclass(slots=True)
class Claim:
    """What one attempt asks, of all limits and budgets at once: it gets all of it or nothing.

    Attributes:
        rows: By limit.
        budgets: By the budget's name.
        tokens: Tokens it may take, estimated.
        nanos: What it may cost at worst, in billionths of a dollar.
        key: Names the claim in Redis.
        counted: Where it is counted beside this client: by Redis (`there`), or while that is away by this process's
            knowledge of it (`here`).
        periods: By the budget's name, the period that it was taken from.
    """

    rows: list[Row]
    budgets: dict[str, Budget]
    tokens: int = 0
    nanos: int = 0
    key: str = ""
    counted: Literal["", "there", "here"] = ""
    periods: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim is not let through now.

    Attributes:
        name: Of the limit or budget.
        what: `rpm`, `tpm`, `max_parallel` or `usd`.
        text: What is exceeded, for people.
        free_at: The moment at which to ask again, on the clock of the gate; `NEVER` where that is no use. For
            `max_parallel` whoever ends says so.
    """

    name: str
    what: str
    text: str
    free_at: float

    def error(self, now: float) -> LimitError:
        """The error for a call that ends with this.

        Args:
            now: On the clock of the gate.
        """
        kind = BudgetExceededError if self.what == "usd" else LimitError
        error = kind(self.text)
        error.name = self.name
        if self.what in ("rpm", "tpm") and self.free_at != NEVER:
            error.retry_after = max(self.free_at - now, 0.0)
        return error
