"""What a program may limit: requests, tokens and calls at once by name, and dollars by name and period."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown

EVERYTHING = "*"
"""The name that means every call."""

OnLimit = Literal["wait", "fail"]
"""What a call does where every target is at a limit: wait, until its deadline if it has one, or raise at once."""

StoreAway = Literal["local", "fail"]
"""What happens while the Redis server that shares limits does not answer: this process goes on with what it knows,
or nothing that has a limit is let through."""

Period = Literal["day", "month", "run"]
"""What a budget is for: a day or a month in UTC, or the life of the client."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of one name may be asked.

    Attributes:
        rpm: Requests in any 60 seconds; None for no bound, as below.
        tpm: Tokens in any 60 seconds, those of the prompt and of the answer.
        max_parallel: Calls at once.
    """

    rpm: int | None = None
    tpm: int | None = None
    max_parallel: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one name may cost.

    Attributes:
        usd: US dollars.
        per: For how long.
        alerts: Shares of it at whose crossing somebody is told, once in each period.
    """

    usd: float
    per: Period = "day"
    alerts: tuple[float, ...] = (0.8, 1.0)

    @property
    def nanos(self) -> int:
        """In billionths of a dollar: whole numbers add up exactly, in Redis too."""
        return nanos(self.usd)


def own_budget(key: str) -> str:
    """What the budget that came with a key is kept under: one that a program has for `key:NAME` holds beside it."""
    return f"key:{key}:own"


def nanos(usd: float) -> int:
    """Billionths of a dollar."""
    return round(usd * 1e9)


def limits_of(given: object) -> dict[str, Limit]:
    """Check `limits`.

    Raises:
        ConfigurationError: Something in it cannot work.
    """
    like = '{"seoul/gpt-4o": {"rpm": 60, "tpm": 100_000, "max_parallel": 8}}'
    rows = _rows("limits", given, {"rpm": _count, "tpm": _count, "max_parallel": _count}, like)
    for name, row in rows.items():
        if not row:
            raise ConfigurationError(f"limits[{name!r}] limits nothing: write {like}")
    return {name: Limit(**row) for name, row in rows.items()}


def budgets_of(given: object) -> dict[str, Budget]:
    """Check `budgets`.

    Raises:
        ConfigurationError: Something in it cannot work.
    """
    like = '{"*": {"usd": 5.0, "per": "day"}}'
    rows = _rows("budgets", given, {"usd": _usd, "per": _per, "alerts": _alerts}, like)
    for name, row in rows.items():
        if "usd" not in row:
            raise ConfigurationError(f"budgets[{name!r}] needs usd: write {like}")
    return {name: Budget(**row) for name, row in rows.items()}


def choice_of(name: str, given: object, wanted: Any) -> Any:
    """Check one of the words of a `Literal`.

    Raises:
        ConfigurationError: It is another.
    """
    words = get_args(wanted)
    if given not in words:
        raise ConfigurationError(f"{name} must be {' or '.join(map(repr, words))}, not {shown(given)}")  # fmt: skip
    return given


def _rows(
    what: str, given: object, checks: Mapping[str, Callable[[str, object], Any]], like: str
) -> dict[str, dict[str, Any]]:
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{what} must be a mapping like {like}, not {shown(given)}")
    found: dict[str, dict[str, Any]] = {}
    for name, row in given.items():
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"{what} names {shown(name)}: a name is a target, a connection, a model, a user, a team, a key or '*'")  # fmt: skip
        if not isinstance(row, Mapping) or not checks.keys() >= row.keys():
            raise ConfigurationError(f"{what}[{name!r}] must be a mapping with only the keys {', '.join(checks)}, not {shown(row)}")  # fmt: skip
        found[name] = {key: checks[key](f"{what}[{name!r}][{key!r}]", row[key]) for key in row}
    return found


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number above 0, not {shown(value)}")
    return value


def _usd(name: str, value: object) -> float:
    if not is_amount(value):
        raise ConfigurationError(f"{name} must be US dollars, 0 or more, not {shown(value)}")
    return float(value)  # type: ignore[arg-type]  # just checked


def is_amount(value: object) -> bool:
    """Whether it is a number of dollars."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value < sys.maxsize / 1e9  # type: ignore[arg-type,operator]  # just checked


def _per(name: str, value: object) -> Any:
    return choice_of(name, value, Period)


def _alerts(name: str, value: object) -> tuple[float, ...]:
    rows = tuple(value) if isinstance(value, (list, tuple)) else (None,)
    if not all(is_amount(row) and row for row in rows):
        raise ConfigurationError(
            f"{name} must be a list of shares such as [0.5, 0.8, 1.0], not {shown(value)}"
        )
    return tuple(sorted(float(row) for row in rows))
