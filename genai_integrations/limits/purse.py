"""Dollars that one call, or several together, may spend."""

from __future__ import annotations

import threading

from genai_integrations.errors import ConfigurationError
from genai_integrations.limits.rules import is_amount, nanos
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.given import shown


class Purse:
    """A cap on the cost of calls that share it: give the same purse to each as `max_cost=`.

    What a call may cost at worst is taken out before it is sent, and put right when its true cost is known.

    Args:
        usd: US dollars.

    Raises:
        ConfigurationError: It is not an amount.
    """

    def __init__(self, usd: float) -> None:
        if not is_amount(usd):
            raise ConfigurationError(f"max_cost must be US dollars, 0 or more, not {shown(usd)}")
        self.usd = float(usd)
        self._spent = 0
        # Re-entrant: the collector may end a stream inside it.
        self._lock = threading.RLock()
        after_fork_in_child(self._renew)

    def __repr__(self) -> str:
        return f"Purse({self.usd:g}, spent={self.spent:.6g})"

    @property
    def spent(self) -> float:
        """US dollars, with what is reserved for calls under way."""
        return self._spent / 1e9

    def take(self, amount: int) -> bool:
        """Reserve billionths of a dollar, if they are there."""
        with self._lock:
            if self._spent + amount > nanos(self.usd):
                return False
            self._spent += amount
            return True

    def put_back(self, amount: int) -> None:
        """Give back what was reserved too much."""
        with self._lock:
            self._spent -= amount

    def __getstate__(self) -> dict[str, object]:
        return {"usd": self.usd, "_spent": self._spent}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__init__(state["usd"])  # type: ignore[misc]  # as it was made
        self._spent = state["_spent"]  # type: ignore[assignment]  # as above

    def _renew(self) -> object:
        old, self._lock = self._lock, threading.RLock()
        return old
