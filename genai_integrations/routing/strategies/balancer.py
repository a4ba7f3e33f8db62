"""Puts the targets of a plan in order, as the arguments of a client say: tier by tier, each by the strategy."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from genai_integrations.calls.args import RouterArgs, StrategyName
from genai_integrations.calls.identity import identity
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.strategies import regions
from genai_integrations.routing.strategies.choosing import Chooser, MakeChooser
from genai_integrations.routing.strategies.cost import Cost
from genai_integrations.routing.strategies.latency import Latency
from genai_integrations.routing.strategies.load import LeastBusy, Usage
from genai_integrations.routing.strategies.own import Strategy, arranged_by, named
from genai_integrations.routing.strategies.shuffle import Shuffle
from genai_integrations.routing.strategies.sticky import home, rendezvous
from genai_integrations.routing.strategies.tier import Arranged, Tier
from genai_integrations.runtime.bounded_map import BoundedMap

if TYPE_CHECKING:
    from genai_integrations.calls.request import Request

STRATEGIES: Mapping[StrategyName, MakeChooser | None] = {
    "ordered": None,
    "simple-shuffle": Shuffle,
    "latency-based-routing": Latency,
    "least-busy": LeastBusy,
    "usage-based-routing-v2": Usage,
    "cost-based-routing": Cost,
}
"""By the names that `routing_strategy` takes, which are LiteLLM's where it has the same; `ordered` chooses nothing."""

_MOST_NAMES = 1024

_Tiers = tuple[Sequence[Target], Sequence[Tier]]
"""Targets, and the tiers that were made of them."""


class Balancer:
    """Orders the targets of names. Shared by every call of a client.

    Args:
        args: Have the strategy, and what comes before it.
        measured: What was measured of the targets.
    """

    def __init__(self, args: RouterArgs, measured: Measured | None = None) -> None:
        given = args.routing_strategy
        self._own: Strategy | None = given if callable(given) else None
        # Groups are shuffled where nothing is said, as in LiteLLM; the connections of other names stay as listed.
        make = STRATEGIES[given] if isinstance(given, str) else None
        self._others: Chooser | None = make(measured) if make else None
        self._groups: Chooser | None = Shuffle() if given is None else self._others
        self._sticky_by = args.sticky_by
        self._regions = args.region_preference
        self._tiers: BoundedMap[int, _Tiers] = BoundedMap(_MOST_NAMES)

    def arranged(self, plan: Plan, request: Request) -> Plan:
        """The plan with the targets of each name in order."""
        targets, why = self._first(request, plan.targets)
        told = "; ".join(filter(None, (plan.why, why)))
        later = partial(self._later, request)
        return dataclasses.replace(
            plan,
            targets=targets,
            fallbacks=[later(group) for group in plan.fallbacks],
            instead={kind: [*map(later, groups)] for kind, groups in plan.instead.items()},
            why=told,
        )

    def _later(self, request: Request, targets: Sequence[Target]) -> Sequence[Target]:
        """The order of targets that most calls do not come to.

        A program's own strategy is asked at once, lest its failure hide that of the first target.
        """
        if self._own is not None:
            return arranged_by(self._own, request, targets)
        if len(targets) < 2:  # noqa: PLR2004  one has no order
            return targets
        return Arranged(None, lambda: list(self._first(request, targets)[0]), len(targets))

    def _first(self, request: Request, targets: Sequence[Target]) -> tuple[Sequence[Target], str]:
        """The order of targets, and why."""
        if self._own is not None:
            return arranged_by(self._own, request, targets), f"the strategy {named(self._own)}"
        if len(targets) < 2:  # noqa: PLR2004  one has no order
            return targets, ""
        first, *rest = tiers = self._tiers_of(targets)
        told, others, why = self._in_tier(request, first)
        if self._regions and len(tiers) > 1:
            where = regions.region_of(told)
            why = "; ".join(filter(None, (f"region {where or 'unknown'}", why)))

        def behind() -> list[Target]:
            return [*others(), *(row for tier in rest for row in self._all_of(request, tier))]

        return Arranged(told, behind, len(targets)), why

    def _in_tier(
        self, request: Request, tier: Tier
    ) -> tuple[Target, Callable[[], Sequence[Target]], str]:
        """The first of a tier, what makes the list of its others, and why it is the first."""
        targets = tier.targets
        if len(targets) > 1 and self._sticky_by:
            key = identity(request, self._sticky_by)
            if key is not None:
                why = f"sticky by {self._sticky_by}"
                return home(key, targets), lambda: rendezvous(key, targets)[1:], why
        chooser = self._groups if targets[0].group else self._others
        if chooser is None or len(targets) < 2:  # noqa: PLR2004  one has no order
            return targets[0], lambda: targets[1:], ""
        choice = chooser.choose(request, tier)
        return choice.first, choice.others, choice.why

    def _all_of(self, request: Request, tier: Tier) -> Sequence[Target]:
        first, others, _ = self._in_tier(request, tier)
        return first, *others()

    def _tiers_of(self, targets: Sequence[Target]) -> Sequence[Tier]:
        known = self._tiers.get(id(targets))
        # Another list may live at the address of one that is gone; as long as a row is here, its list is.
        if known is not None and known[0] is targets:
            return known[1]
        found = list(map(Tier, self._split(targets)))
        self._tiers.put(id(targets), (targets, found))
        return found

    def _split(self, targets: Sequence[Target]) -> list[list[Target]]:
        def place(target: Target) -> tuple[int, int]:
            return regions.place(target, self._regions)

        return [list(rows) for _, rows in itertools.groupby(sorted(targets, key=place), place)]
