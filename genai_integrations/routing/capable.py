"""Targets that can do what a request needs: others are not asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from genai_integrations.calls.args import may_drop
from genai_integrations.calls.needs import needs_of
from genai_integrations.calls.request import Request
from genai_integrations.errors import CapabilityError, ContextWindowExceededError
from genai_integrations.models.abilities import JSON_SCHEMA, WINDOW, Ability, ability
from genai_integrations.routing.deployments import Plan, Target

_SCHEMA_ONLY = frozenset((JSON_SCHEMA,))

_BEYOND_DOUBT = 4
"""Times that an estimate must be over a window to be knowledge: the estimate is rough, and windows of the price map
have been a quarter of what a model takes by now. Short of that the provider says it better."""

if TYPE_CHECKING:
    from genai_integrations.calls.capabilities import Capabilities

Groups = Sequence[Sequence[Target]]


class Abilities:
    """What targets are known not to do: by the program, else by the tables.

    Args:
        given: `RouterArgs.capabilities`.
    """

    def __init__(self, given: Capabilities) -> None:
        self._given = given

    def of(self, target: Target) -> Ability:
        """What is known of one target."""
        known = ability(target.connection.provider.name, target.model)
        if not self._given:
            return known
        said = self._given.get(target.name) or self._given.get(target.model) or {}
        lacks = {name for name in known.lacks if not said.get(name)}
        lacks |= {name for name, does in said.items() if does is False}
        doubts = known.doubts.difference(said)
        return Ability(frozenset(lacks), said.get(WINDOW, known.window), doubts)

    def noted(self, plan: Plan) -> Plan:
        """The plan with what any of its targets lacks, so that a request which needs nothing is let pass at once."""
        groups = [plan.targets, *plan.fallbacks, *_of_instead(plan)]
        known = [self.of(target) for group in groups for target in group]
        windows = [row.window for row in known if row.window is not None]
        lacks = frozenset[str]().union(*(row.lacks | row.doubts for row in known))
        if not lacks and not windows:
            return plan
        room = min(windows) // 2 if windows else None
        return dataclasses.replace(plan, lacks=lacks, room=room)


def _of_instead(plan: Plan) -> Iterator[Sequence[Target]]:
    for groups in plan.instead.values():
        yield from groups


def able(plan: Plan, request: Request, abilities: Abilities) -> Plan:
    """The plan without the targets that are known not to do what a chat needs.

    A schema that a target does not enforce is said to it otherwise, where the call allows that, so such a target only
    stands back for others of its name. So does one whose context window is too small by the estimate.

    Raises:
        CapabilityError: No target of the plan is left.
        ContextWindowExceededError: The request is too long for all of them, far beyond what an estimate may be off.
    """
    needs, characters = needs_of(request.body)
    lacking = needs & plan.lacks
    may_be_long = plan.room is not None and characters > plan.room
    if not lacking and not may_be_long:
        return plan
    narrowed = _Narrowed(request, abilities, lacking, may_be_long)
    return narrowed.plan(plan)


class _Narrowed:
    """One plan narrowed down for one request."""

    def __init__(
        self, request: Request, abilities: Abilities, lacking: frozenset[str], may_be_long: bool
    ) -> None:
        self._request = request
        self._abilities = abilities
        self._needs = lacking
        may_say_otherwise = may_drop("response_format", request.args.drop_params)
        self._required = lacking - _SCHEMA_ONLY if may_say_otherwise else lacking
        self._tokens = _tokens(request) if may_be_long else 0

    def plan(self, plan: Plan) -> Plan:
        """See `able`."""
        across = plan.special is not None and plan.special.is_one_choice
        given = [plan.targets, *plan.fallbacks]
        groups = self._able(given, across=across)
        if not groups:
            raise self._incapable(given)
        groups = self._with_room(groups, across=across)
        instead = {
            kind: left
            for kind, rows in plan.instead.items()
            if (left := self._with_room(self._able(rows)))
        }
        if not groups:
            groups = list(instead.get(ContextWindowExceededError, ()))
        if not groups:
            raise ContextWindowExceededError(
                f"the request has about {self._tokens} tokens, and no target of {self._request.model!r} takes so "
                "many: shorten it, or set context_window_fallbacks"
            )
        first, *others = groups
        is_told = first[0] is plan.targets[0] or plan.special is not None
        why = plan.why if is_told else self._why(given, groups)
        return dataclasses.replace(plan, targets=first, fallbacks=others, instead=instead, why=why)

    def _able(self, groups: Groups, *, across: bool = False) -> list[Sequence[Target]]:
        left = [[row for row in group if not self._missing(row)] for group in groups]
        return _preferred(left, self._is_sure, across=across)

    def _missing(self, target: Target) -> frozenset[str]:
        return self._abilities.of(target).lacks & self._required

    def _is_sure(self, target: Target) -> bool:
        """Whether nothing speaks against it."""
        known = self._abilities.of(target)
        return self._needs.isdisjoint(known.lacks) and self._needs.isdisjoint(known.doubts)

    def _with_room(self, groups: Groups, *, across: bool = False) -> list[Sequence[Target]]:
        if not self._tokens:
            return list(groups)
        most = self._tokens / _BEYOND_DOUBT
        left = [[row for row in group if self._window(row) >= most] for group in groups]
        return _preferred(left, lambda row: self._window(row) >= self._tokens, across=across)

    def _window(self, target: Target) -> float:
        window = self._abilities.of(target).window
        return float("inf") if window is None else window

    def _why(self, given: Groups, left: Groups) -> str:
        before, after = sum(map(len, given)), sum(map(len, left))
        is_long = self._tokens and any(self._tokens > self._window(row) for row in _flat(given))
        needs = sorted(self._needs) + ["room"] * bool(is_long)
        return f"needs {' and '.join(needs)}: {after} of {before} targets" if after < before else ""

    def _incapable(self, given: Groups) -> CapabilityError:
        lacks = [
            f"{row.name} lacks {' and '.join(sorted(self._missing(row)))}" for row in _flat(given)
        ]
        shown = "; ".join(lacks[:_MOST_SHOWN])
        return CapabilityError(
            f"{self._request.model!r} is asked for {' and '.join(sorted(self._required))}, which none of its targets "
            f"supports ({shown}): ask another model, add one to fallbacks, or correct router_args['capabilities']"
        )


def _tokens(request: Request) -> int:
    """By the bytes, and loaded with the first request that is long."""
    from genai_integrations.models.tokens import rough_tokens

    return rough_tokens(request.body)


_MOST_SHOWN = 4
"""Targets that an error names."""


def _flat(groups: Groups) -> Iterator[Target]:
    for group in groups:
        yield from group


def _preferred(
    groups: Groups, is_preferred: Callable[[Target], bool], *, across: bool
) -> list[Sequence[Target]]:
    """In each group, or across all, those that are preferred, or all where none is; groups without any are left out."""
    best = [[row for row in group if is_preferred(row)] for group in groups]
    if across:
        chosen: Groups = best if any(best) else groups
    else:
        chosen = [some or group for some, group in zip(best, groups, strict=True)]
    return [group for group in chosen if group]
