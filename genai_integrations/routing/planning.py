"""Where a call may go: the targets of its name, its fallbacks, and those for particular errors.

What depends on the name alone is worked out once for each set of connections; what depends on the request, anew.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from genai_integrations.calls.args import Fallbacks, RouterArgs
from genai_integrations.calls.request import Request
from genai_integrations.connections.registry import Snapshot
from genai_integrations.errors import (
    CallError,
    ConfigurationError,
    ContentFilteredError,
    ContextWindowExceededError,
    GenAIError,
    NotFoundError,
)
from genai_integrations.routing.capable import Abilities, able
from genai_integrations.routing.deployments import Plan, Target, by_order
from genai_integrations.routing.names import Names, Resolution, without_provider

if TYPE_CHECKING:
    from genai_integrations.calls.conditions import Rule
    from genai_integrations.calls.fallbacks import CallFallbacks, Fallback
    from genai_integrations.routing.measured import Measured
    from genai_integrations.routing.special import SpecialName
    from genai_integrations.routing.strategies.balancer import Balancer
    from genai_integrations.routing.variants.giving import Variants

_log = logging.getLogger("genai_integrations")

ANY_NAME = "*"
"""In `fallbacks`, the name that stands for every other."""


_MOST_PLANS = 2048
"""Plans remembered; a program that makes names up cannot fill the memory."""


class Planner:
    """Makes plans, and remembers what it made of the connections as they are.

    Args:
        args: Has the aliases, the groups, the fallbacks and the strategy.
        measured: What was measured of the targets, where the strategy wants to know.
        variants: The experiments and rollouts; None for none.
    """

    def __init__(
        self,
        args: RouterArgs,
        measured: Measured | None = None,
        variants: Variants | None = None,
    ) -> None:
        self._args = args
        self._measured = measured
        self._variants = variants
        self._balancer = _balancer(args, measured)
        self._abilities = Abilities(args.capabilities)
        self._known: tuple[Snapshot, Plans] | None = None

    def plans(self, snapshot: Snapshot) -> Plans:
        """The plans for these connections."""
        # Two threads may make them at once; they are the same, and the later ones stay.
        known = self._known
        if known is None or known[0] is not snapshot:
            args = self._args
            aliases, groups = args.model_group_alias, args.model_list
            names = Names(snapshot.connections, snapshot.broken, aliases, groups)
            plans = Plans(names, args, snapshot.by_name, self._abilities, self._measured)
            known = self._known = (snapshot, plans)
        return known[1]

    @property
    def latest(self) -> tuple[Snapshot, Plans] | None:
        """The connections that were last planned with, and the plans for them."""
        return self._known

    def explain(self, error: NotFoundError, model: str) -> None:
        """Name what the caller may have meant, if a target says that it does not have the model."""
        if self._known is None or model not in error.message:
            return
        if near := self._known[1].names.near(model):
            error.message = f"{error.message.rstrip('.')}; {near}"

    def plan(self, request: Request, snapshot: Snapshot) -> Plan:
        """Where a request may go.

        Raises:
            UnknownModelError: Nobody serves the name itself.
            CapabilityError: No target can do what the request needs.
            ContextWindowExceededError: The request is too long for every target, beyond doubt.
        """
        plans = self.plans(snapshot)
        rule = _rule_for(request, self._args.conditions) if self._args.conditions else None
        if rule is not None:
            request = dataclasses.replace(request, model=rule[0])
        given = self._variants and self._variants.given(request)
        plan = plans.plan(request.model) if not given else given.plan(plans.plan)
        if given:
            plan = plans.behind(request.model, plan)
        if request.fallbacks is not None:
            plan = plans.falling_back(request.model, plan, request.fallbacks)
        if request.disable_fallbacks:
            # First, lest a fallback take the place of targets that cannot do what is asked.
            plan = dataclasses.replace(plan, fallbacks=(), instead={}, special=None)
        if request.args.allowed_models is not None:
            from genai_integrations.routing.allowed import allowed

            plan = allowed(plan, request, plans.names, self._args)
        if (plan.lacks or plan.room) and not _is_light(request, plan.room):
            plan = able(plan, request, self._abilities)
        if plan.special is not None:
            plan = plan.special.finished(plan, request)
        if self._balancer is not None:
            plan = self._balancer.arranged(plan, request)
        if given:
            plan = _led(plan, given.variant, given.why)
        return plan if rule is None else _led(plan, plan.led_to or rule[0], rule[1])


def _is_light(request: Request, room: int | None) -> bool:
    """Whether every target takes it, as most requests: one for embeddings, or a chat of texts that have room anywhere."""
    body = request.body
    if request.operation != "chat/completions":
        return True
    if "tools" in body or "response_format" in body:
        return False
    # In C, for conversations may be long.
    try:
        contents = list(map(_CONTENT, body["messages"]))
    except KeyError:
        return False
    return set(map(type, contents)) == _TEXTS and (room is None or sum(map(len, contents)) <= room)


_CONTENT = itemgetter("content")
_TEXTS = {str}


def _balancer(args: RouterArgs, measured: Measured | None) -> Balancer | None:
    """What orders the targets of a client's names; None where they stay as they are listed, and nothing is loaded."""
    is_listed = args.routing_strategy in (None, "ordered") and not args.model_list
    if is_listed and not args.sticky_by and not args.region_preference:
        return None
    from genai_integrations.routing.strategies.balancer import Balancer

    return Balancer(args, measured)


def _rule_for(request: Request, rules: Sequence[Rule]) -> tuple[str, str] | None:
    from genai_integrations.routing.conditions import rule_for

    return rule_for(request, rules)


def _check_new(groups: Sequence[Sequence[Target]]) -> None:
    """Raise for a fallback that would have no effect: each target is asked once, in the words of its first group."""
    seen: set[str] = set()
    for group in groups:
        names = {target.name for target in group}
        if any(target.said for target in group) and names <= seen:
            raise ConfigurationError(
                f"a fallback to {', '.join(sorted(names))} with parameters of its own has no effect: "
                "the call asks it earlier, without them"
            )
        seen |= names


def _led(plan: Plan, name: str, reason: str) -> Plan:
    """The plan of a name that the call was led to, with the reason before its own."""
    why = f"{reason}; {plan.why}" if plan.why else reason
    return dataclasses.replace(plan, led_to=name, why=why)


class Plans:
    """Makes the plan of a name, once for each set of connections.

    Args:
        names: Resolves names.
        args: Has the fallbacks.
        known: Connections by name.
        abilities: What targets are known not to do.
        measured: What was measured of them; None where nothing is.
    """

    def __init__(
        self,
        names: Names,
        args: RouterArgs,
        known: Container[str],
        abilities: Abilities | None = None,
        measured: Measured | None = None,
    ) -> None:
        self.names = names
        self._args = args
        self._known = known
        self._abilities = abilities or Abilities(args.capabilities)
        self._measured = measured
        self._plans: dict[str, Plan] = {}
        # Of experiments and rollouts, which are few.
        self._behind: dict[str, Plan] = {}

    def plan(self, model: str) -> Plan:
        """The plan of a name.

        Raises:
            UnknownModelError: Nobody serves the name itself.
        """
        plan = self._plans.get(model)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[model] = self._make(model)
        return plan

    def behind(self, name: str, plan: Plan) -> Plan:
        """A variant's plan, with what the name of its experiment or rollout falls back to behind its own."""
        more = self._behind.get(name)
        if more is None:
            groups = self._groups(self._own_fallbacks(name))
            more = Plan((), groups, self._instead(name))
            more = self._behind[name] = self._abilities.noted(more)
        if not (more.fallbacks or more.instead):
            return plan
        rooms = [row.room for row in (plan, more) if row.room is not None]
        return dataclasses.replace(
            plan,
            fallbacks=[*plan.fallbacks, *more.fallbacks],
            instead={**more.instead, **plan.instead},
            lacks=plan.lacks | more.lacks,
            room=min(rooms, default=None),
        )

    def falling_back(self, model: str, plan: Plan, wanted: CallFallbacks) -> Plan:
        """A plan with the fallbacks that a call names for itself, in place of those of the client.

        Raises:
            UnknownModelError: Nobody serves one of them.
        """
        usual, instead = plan.fallbacks, dict(plan.instead)
        if wanted.usual is not None:
            # What a special name stands for beside its first model is no fallback of it.
            own = plan.special.groups()[1:] if plan.special is not None else []
            usual = [*own, *self._wanted(model, wanted.usual)]
            _check_new([plan.targets, *usual])
        for kind, row in (
            (ContextWindowExceededError, wanted.window),
            (ContentFilteredError, wanted.filtered),
        ):
            if row is not None:
                instead.pop(kind, None)
                if groups := self._wanted(model, row):
                    instead[kind] = groups
        new = dataclasses.replace(
            plan, fallbacks=usual, instead=instead, lacks=frozenset(), room=None
        )
        return self._abilities.noted(new)

    def _wanted(self, model: str, row: Sequence[Fallback] | Fallbacks) -> list[Sequence[Target]]:
        if isinstance(row, Mapping):
            return self._groups(self._follow(model, row))
        groups = []
        for name, said in row:
            special = self._special(name)
            found = special.groups() if special else [self._in_order(self.names.targets(name))]
            groups += [
                [dataclasses.replace(target, said=said) for target in group] if said else group
                for group in found
            ]
        return groups

    def resolve(self, model: str, split: Resolution | None = None) -> Resolution:
        """What a name means, with the targets of its fallbacks behind its own.

        Args:
            model: The name.
            split: What it means, if it is an experiment's or a rollout's.
        """
        own = split or self._resolved(model)
        targets = {target.name: target for target in own.targets}
        missing = list(own.missing)
        for name in self._own_fallbacks(model) if split else self.fallback_names(model):
            other = self.names.resolve(name)
            for target in self._in_order(other.targets):
                why = f"fallback {name!r}: {target.why}"
                targets.setdefault(target.name, dataclasses.replace(target, why=why))
            if not other.targets:
                missing.append(f"fallback {name!r}: no connection serves it")
        return dataclasses.replace(own, targets=tuple(targets.values()), missing=tuple(missing))

    def fallback_names(self, model: str) -> list[str]:
        """The names that a call for this one may fall back to, in order."""
        return self._follow(model, self._args.fallbacks, self._args.default_fallbacks)

    def _own_fallbacks(self, name: str) -> list[str]:
        """Those of a row of its own; the rows for any name are its variants' already."""
        table = self._args.fallbacks
        return self._follow(name, table) if name in table else []

    def _instead(self, model: str) -> dict[type[CallError], Sequence[Sequence[Target]]]:
        args = self._args
        instead: dict[type[CallError], Sequence[Sequence[Target]]] = {}
        for kind, table in (
            (ContextWindowExceededError, args.context_window_fallbacks),
            (ContentFilteredError, args.content_policy_fallbacks),
        ):
            groups = self._groups(self._follow(model, table))
            if groups:
                instead[kind] = groups
        return instead

    def _make(self, model: str) -> Plan:
        special = self._special(model)
        own, *others = special.groups() if special else [self._in_order(self.names.targets(model))]
        fallbacks = [*others, *self._groups(self.fallback_names(model))]
        return self._abilities.noted(Plan(own, fallbacks, self._instead(model), special=special))

    def _special(self, model: str) -> SpecialName | None:
        """What a name stands for, if it stands for several models; few clients have such names."""
        if self._args.auto is None and not self._args.cascades:
            return None
        from genai_integrations.routing.special import special_name

        return special_name(model, self._args, self.names, self._measured)

    def _resolved(self, model: str) -> Resolution:
        special = self._special(model)
        if special is None:
            found = self.names.resolve(model)
            return dataclasses.replace(found, targets=tuple(self._in_order(found.targets)))
        from genai_integrations.routing.special import resolved

        return resolved(special, model)

    def _in_order(self, targets: Sequence[Target]) -> Sequence[Target]:
        """As they are asked where no strategy says otherwise."""
        preference = self._args.region_preference
        if not preference:
            return by_order(targets)
        from genai_integrations.routing.strategies.regions import place

        return sorted(targets, key=lambda target: place(target, preference))

    def _follow(self, model: str, table: Fallbacks, default: Sequence[str] = ()) -> list[str]:
        """Fallbacks of the name, then fallbacks of those, each name once."""
        found: list[str] = []
        waiting = [(model, tuple(default))]
        while waiting:
            name, otherwise = waiting.pop(0)
            for other in self._look_up(name, table) or otherwise:
                if other != model and other not in found and len(found) < self._args.max_fallbacks:
                    found.append(other)
                    waiting.append((other, ()))
        return found

    def _look_up(self, name: str, table: Fallbacks) -> Sequence[str]:
        """As in LiteLLM: the exact name leads, then the name without a provider, then `*`."""
        bare = without_provider(name, self._known)
        return table.get(name) or table.get(bare) or table.get(ANY_NAME) or ()

    def _groups(self, names: Iterable[str]) -> list[Sequence[Target]]:
        groups: list[Sequence[Target]] = []
        for name in names:
            try:
                special = self._special(name)
                groups += (
                    special.groups() if special else [self._in_order(self.names.targets(name))]
                )
            except GenAIError as error:
                # A fallback that is gone must not stop a call that does not need it.
                _log.warning("the fallback %r is left out: %s", name, error)
        return groups
