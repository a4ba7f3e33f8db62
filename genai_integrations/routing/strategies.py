"""In which order the targets of one name are tried: each strategy is one function, with a row in the table.

A strategy sees the request and may use what it says; it does no I/O. `order` of a deployment has been heeded before.
A program's own is given to `routing_strategy` as it is.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from genai_integrations.calls.args import RouterArgs, StrategyName
from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.deployments import Target

if TYPE_CHECKING:
    from genai_integrations.calls.request import Request

Strategy = Callable[["Request", Sequence[Target]], Sequence[Target]]
"""Orders the targets of one name for one request."""


def by_order(targets: Sequence[Target]) -> Sequence[Target]:
    """Targets of a smaller `order` first; equal ones stay as they are."""
    return sorted(targets, key=lambda target: target.deployment.order)


def ordered(_request: Request, targets: Sequence[Target]) -> Sequence[Target]:
    """As the user listed the connections."""
    return targets


def simple_shuffle(_request: Request, targets: Sequence[Target]) -> Sequence[Target]:
    """Anew at random for each call, by weight, among the targets of one `order`."""
    if len(targets) < 2:  # noqa: PLR2004  one cannot be shuffled
        return targets
    levels = itertools.groupby(targets, key=lambda target: target.deployment.order)
    return [target for _, level in levels for target in sorted(level, key=_arrival)]


def _arrival(target: Target) -> float:
    """A time to sort by: of several, each comes first with the probability of its share of the weight.

    Of exponential variables the smallest is the i-th with the probability rate_i / sum of all rates.
    """
    weight = target.deployment.weight
    return random.expovariate(weight) if weight > 0 else math.inf


STRATEGIES: Mapping[StrategyName, Strategy] = {
    "ordered": ordered,
    "simple-shuffle": simple_shuffle,
}
"""By the names that `routing_strategy` takes, which are LiteLLM's where it has the same."""


def strategy_of(args: RouterArgs) -> Strategy:
    """The strategy that a call's arguments name, or bring."""
    given = args.routing_strategy
    return STRATEGIES[given] if isinstance(given, str) else partial(_own, given)


def _own(strategy: Strategy, request: Request, targets: Sequence[Target]) -> Sequence[Target]:
    """What a program's own strategy gives.

    Raises:
        ConfigurationError: It raises, or gives something else than some of the targets.
    """
    try:
        found = tuple(strategy(request, targets))
    except Exception as error:
        raise ConfigurationError(
            f"the routing strategy {_named(strategy)} raised {type(error).__name__}: {error}"
        ) from error
    if not found or not set(found) <= set(targets):
        raise ConfigurationError(
            f"the routing strategy {_named(strategy)} must return at least one of the targets that it was given, "
            "and nothing else"
        )
    return found


def _named(strategy: Strategy) -> str:
    return repr(getattr(strategy, "__name__", type(strategy).__name__))
