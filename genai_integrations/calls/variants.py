"""Experiments and rollouts, as a program describes them: names of which one of several models answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown

T = TypeVar("T", "Experiment", "Rollout")


@dataclass(frozen=True)
class Experiment:
    """A name whose calls are split over several models, each caller always getting the same one.

    Args:
        name: What calls ask for: `model=name`.
        variants: For each model's name its share; shares are relative to their sum.
        by: What tells callers apart: `user`, `session`, or a key of `metadata`. A call that does not say it is assigned
            at random.

    Raises:
        ConfigurationError: Something given cannot work.
    """

    name: str
    variants: Mapping[str, float]
    by: str = "user"

    def __post_init__(self) -> None:
        _text(self, "name")
        _text(self, "by")
        given = self.variants
        shares = list(given.values()) if isinstance(given, Mapping) else []
        is_good = shares and all(_is_number(share) and share >= 0 for share in shares)
        if not is_good or not 0 < sum(shares) < math.inf or not all(map(_is_text, given)):
            raise _wrong(self, "variants", 'a mapping like {"gpt-4o": 0.9, "claude-sonnet-4": 0.1}')

    @property
    def models(self) -> tuple[str, ...]:
        """The names that its calls may go to."""
        return tuple(self.variants)


@dataclass(frozen=True)
class Rollout:
    """A name whose calls move from an old model to a new one, step by step, and back at once if the new one is worse.

    Args:
        name: What calls ask for: `model=name`. It may be the old model's own name.
        old: The model that answers now.
        new: The model that is to answer.
        steps: Shares of the calls that go to `new`, growing; after the last one `new` gets all of them.
        min_calls: Calls that `new` must have answered in a step before the next.
        max_error_rate: Share of its calls that may fail.
        max_latency: Seconds that a call may take on average; of a stream, to its first content.
        max_cost: US dollars that a call may cost on average.
        score: Scores of this name must not be lower for `new` than for `old`: those in Langfuse, and those of
            `client.rollout(name).score(reply, value)`.
        by: What tells callers apart: `user`, `session`, or a key of `metadata`. A call that does not say it is assigned
            at random.
        alpha: The highest probability that a `new` which keeps all limits is rolled back, however often one looks.

    Raises:
        ConfigurationError: Something given cannot work.
    """

    name: str
    old: str = field(kw_only=True)
    new: str = field(kw_only=True)
    steps: Sequence[float] = field(default=(0.01, 0.1, 0.5, 1.0), kw_only=True)
    min_calls: int = field(default=100, kw_only=True)
    max_error_rate: float | None = field(default=0.05, kw_only=True)
    max_latency: float | None = field(default=None, kw_only=True)
    max_cost: float | None = field(default=None, kw_only=True)
    score: str | None = field(default=None, kw_only=True)
    by: str = field(default="user", kw_only=True)
    alpha: float = field(default=0.05, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("name", "old", "new", "by"):
            _text(self, name)
        if self.old == self.new:
            raise _wrong(self, "new", "a different model from old")
        if self.score is not None:
            _text(self, "score")
        _steps(self)
        if (
            not isinstance(self.min_calls, int)
            or isinstance(self.min_calls, bool)
            or self.min_calls < 1
        ):
            raise _wrong(self, "min_calls", "a whole number above 0")
        for name in ("max_error_rate", "alpha"):
            _between(self, name, 1.0)
        for name in ("max_latency", "max_cost"):
            _between(self, name, math.inf)

    @property
    def models(self) -> tuple[str, ...]:
        """The names that its calls may go to."""
        return (self.old, self.new)


def experiments(name: str, value: object) -> tuple[Experiment, ...]:
    """The check of `router_args["experiments"]`: a list of them, or of mappings with the same names."""
    return _rows(name, value, Experiment)


def rollouts(name: str, value: object) -> tuple[Rollout, ...]:
    """As `experiments`, of rollouts."""
    return _rows(name, value, Rollout)


def _rows(name: str, value: object, kind: type[T]) -> tuple[T, ...]:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise ConfigurationError(
            f"router_args[{name!r}] must be a list like [{kind.__name__}(...)], not {shown(value)}"
        )
    found = tuple(row if isinstance(row, kind) else _made(name, row, kind) for row in value)
    names = [row.name for row in found]
    for row in names:
        if names.count(row) > 1:
            raise ConfigurationError(f"router_args[{name!r}] has {shown(row)} twice")
    return found


def _made(name: str, row: object, kind: type[T]) -> T:
    if not isinstance(row, Mapping):
        raise ConfigurationError(
            f"router_args[{name!r}] must be a list of {kind.__name__}(...), with {shown(row)} in it"
        )
    try:
        return kind(**row)
    except ConfigurationError as error:
        raise ConfigurationError(f"router_args[{name!r}]: {error}") from None
    except TypeError as error:
        said = str(error).replace("__init__()", "").replace(f"{kind.__name__}. ", "")
        raise ConfigurationError(
            f"router_args[{name!r}] has a row that is not a valid {kind.__name__}: {said}"
        ) from None


def _wrong(row: Any, name: str, wanted: str) -> ConfigurationError:
    kind = type(row).__name__
    return ConfigurationError(f"{kind}'s {name} must be {wanted}, not {shown(getattr(row, name))}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _text(row: object, name: str) -> None:
    if not _is_text(getattr(row, name)):
        raise _wrong(row, name, "a string that is not empty")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _between(row: object, name: str, bound: float) -> None:
    """Above 0 and below the bound, or None where that is allowed."""
    value = getattr(row, name)
    is_good = _is_number(value) and 0 < value < bound
    if not is_good and (value is not None or name == "alpha"):
        raise _wrong(
            row, name, f"a number above 0{'' if math.isinf(bound) else f' and below {bound:g}'}"
        )
    # So that 10 and 10.0 are one limit.
    object.__setattr__(row, name, value and float(value))


def _steps(row: Rollout) -> None:
    given = row.steps
    steps = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    is_good = bool(steps) and all(_is_number(step) and 0 < step <= 1 for step in steps)
    if not is_good or any(later <= sooner for sooner, later in itertools.pairwise(steps)):
        raise _wrong(
            row, "steps", "shares above 0 and up to 1, growing, such as [0.01, 0.1, 0.5, 1.0]"
        )
    object.__setattr__(row, "steps", tuple(map(float, steps)))
