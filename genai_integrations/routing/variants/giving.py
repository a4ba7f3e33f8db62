"""Which model a call for an experiment's or a rollout's name gets, and where it may go then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.assignment import Assignment
from genai_integrations.calls.identity import identity
from genai_integrations.calls.request import Request
from genai_integrations.calls.variants import Experiment, Rollout
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.routing.names import Resolution
from genai_integrations.routing.variants import assignment
from genai_integrations.routing.variants.track import Track

AT_RANDOM = "random"
"""What a caller was told apart by who does not say who it is."""

PlanOf = Callable[[str], Plan]
"""The plan of a plain name."""


@dataclass(frozen=True, slots=True)
class Given:
    """A variant that a call was given.

    Attributes:
        of: The experiment or the rollout.
        variant: The model's name.
        by: What the caller was told apart by.
        share: Of the calls that get it.
    """

    of: Experiment | Rollout
    variant: str
    by: str
    share: float

    def plan(self, plan_of: PlanOf) -> Plan:
        """Where the call may go.

        Raises:
            UnknownModelError: Nobody serves the variant; where a rollout's new model is not served, the old one is.
        """
        if isinstance(self.of, Rollout) and self.variant == self.of.new:
            return self._on_trial(self.of, plan_of)
        plan = plan_of(self.variant)
        given = self._assignment(frozenset(_named(plan, self.variant)))
        return dataclasses.replace(plan, assignment=given)

    def _on_trial(self, rollout: Rollout, plan_of: PlanOf) -> Plan:
        """The new model's targets, with the old one's way behind them."""
        old = plan_of(rollout.old)
        others = _named(old, rollout.old)
        try:
            new = plan_of(rollout.new)
        except GenAIError:
            why = f"no connection serves {rollout.new!r}"
            given = self._assignment(frozenset(), others)
            return dataclasses.replace(old, why=why, assignment=given)
        names = frozenset(_named(new, rollout.new))
        rooms = [row.room for row in (new, old) if row.room is not None]
        return Plan(
            new.targets,
            (*(new.fallbacks if new.special else ()), old.targets, *old.fallbacks),
            old.instead,
            lacks=new.lacks | old.lacks,
            room=min(rooms, default=None),
            special=new.special,
            assignment=self._assignment(names, others),
            trial=names.difference(others),
        )

    def _assignment(
        self, targets: frozenset[str], others: Mapping[str, str] | None = None
    ) -> Assignment:
        return Assignment(self.of.name, self.variant, self.by, targets, others or {})

    @property
    def why(self) -> str:
        """Why this variant, for people."""
        kind = type(self.of).__name__.lower()
        by = (
            f"by {self.by}"
            if self.by != AT_RANDOM
            else f"at random, because no {self.of.by} is given"
        )
        return f"{kind} {self.of.name!r}: {self.variant!r}, which gets {self.share * 100:g} %, {by}"


def _named(plan: Plan, model: str) -> Mapping[str, str]:
    """The targets of a name; a name that stands for several models has those of all of them."""
    groups = (plan.targets, *plan.fallbacks) if plan.special else (plan.targets,)
    return {target.name: model for group in groups for target in group}


class Variants:
    """The experiments and rollouts of a client.

    Args:
        args: Has the experiments, and other names that calls may come to.
        tracks: How far each rollout is.

    Raises:
        ConfigurationError: Two have one name, or something else than a call's own name leads to one.
    """

    def __init__(self, args: RouterArgs, tracks: Mapping[str, Track]) -> None:
        self._experiments = {row.name: row for row in args.experiments}
        self._tracks = tracks
        rows: list[Experiment | Rollout] = [*self._experiments.values()]
        rows += [track.rollout for track in tracks.values()]
        for row in rows:
            if row.name in self._experiments and row.name in tracks:
                raise ConfigurationError(
                    f"{row.name!r} is the name of an experiment and of a rollout: choose one"
                )
            for model in row.models:
                if model != row.name and (model in self._experiments or model in tracks):
                    raise ConfigurationError(
                        f"{row.name!r} gives calls to {model!r}, which is an experiment or a rollout: name a model"
                    )
        for argument, name in _led_to(args):
            if self.models(name) and name not in self.models(name):
                raise ConfigurationError(
                    f"router_args[{argument!r}] leads to {name!r}, which is an experiment or a rollout: name a model"
                )

    def models(self, name: str) -> tuple[str, ...]:
        """The names that calls for this one may go to; none for a name that is no experiment's and no rollout's."""
        track = self._tracks.get(name)
        if track is not None:
            return track.models()
        row = self._experiments.get(name)
        return () if row is None else row.models

    def resolution(self, name: str, resolve: Callable[[str], Resolution]) -> Resolution | None:
        """What the name of an experiment or a rollout means: the targets of all models that may answer.

        Args:
            name: Of anything.
            resolve: Says what a plain name means.

        Returns:
            None for a name that is no experiment's and no rollout's.
        """
        found = [resolve(model) for model in self.models(name)]
        if not found:
            return None
        targets: dict[str, Target] = {}
        for row in found:
            for target in row.targets:
                why = f"variant {row.name!r}: {target.why}"
                targets.setdefault(target.name, dataclasses.replace(target, why=why))
        missing = [f"variant {row.name!r}: {why}" for row in found for why in row.missing]
        return Resolution(name, name, tuple(targets.values()), tuple(missing))

    def given(self, request: Request) -> Given | None:
        """The variant of a call; None for a name that is no experiment's and no rollout's."""
        track = self._tracks.get(request.model)
        if track is not None:
            rollout = track.rollout
            share = track.share
            return _given(rollout, request, {rollout.new: share, rollout.old: 1.0 - share})
        row = self._experiments.get(request.model)
        return None if row is None else _given(row, request, row.variants)


def _led_to(args: RouterArgs) -> Iterator[tuple[str, str]]:
    """The names that fallbacks and aliases lead to, with the argument that does."""
    tables = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
    for argument in tables:
        for names in getattr(args, argument).values():
            yield from ((argument, name) for name in names)
    yield from (("default_fallbacks", name) for name in args.default_fallbacks)
    yield from (("model_group_alias", name) for name in args.model_group_alias.values())


def _given(row: Experiment | Rollout, request: Request, shares: Mapping[str, float]) -> Given:
    who = identity(request, row.by)
    if who is None:
        variant, by = assignment.at_random(shares), AT_RANDOM
    else:
        variant, by = assignment.assigned(row.name, who, shares), row.by
    return Given(row, variant, by, shares[variant] / sum(shares.values()))
