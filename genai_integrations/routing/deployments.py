"""Where a call can go: a deployment, a target, which is a deployment with the reason why a name means it, and a plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from genai_integrations.connections.connection import Connection
from genai_integrations.errors import CallError
from genai_integrations.transports.remedies.known import known
from genai_integrations.transports.remedies.remedy import Remedy

if TYPE_CHECKING:
    from genai_integrations.calls.assignment import Assignment
    from genai_integrations.calls.request import Request
    from genai_integrations.routing.cascades import Cascade


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model at a connection, with what routing needs to know of it.

    Attributes:
        connection: Whose key and address to use.
        model: The provider's own model id there.
        weight: Share of the calls that it gets where calls are shuffled, relative to its neighbours' weights.
        order: Deployments of a smaller order are tried before those of a larger one, whatever the strategy.
        rpm: Requests a minute that it allows; None if that is not said.
        tpm: Tokens a minute that it allows, in the same way.
        tags: Words for conditions.
        timeout: Seconds for one attempt, unless the call itself says.
        stream_timeout: Seconds to the first content of a stream, in the same way.
        region: Where it is; empty if that is not known.
        prices: US dollars by LiteLLM's names, such as `input_cost_per_token`, in place of the price map's; None if not said.
        defaults: Parameters of a request, for calls that do not give them.
        name: `connection/model`, the name that means exactly this deployment.
        remedies: What is known beforehand of what it does not take.
    """

    connection: Connection
    model: str
    weight: float = 1.0
    order: int = 0
    rpm: int | None = None
    tpm: int | None = None
    tags: tuple[str, ...] = ()
    timeout: float | None = None
    stream_timeout: float | None = None
    region: str = ""
    prices: Mapping[str, float] | None = field(default=None, hash=False)
    defaults: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    name: str = field(init=False)
    remedies: tuple[Remedy, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Written once: every call reads them.
        object.__setattr__(self, "name", f"{self.connection.name}/{self.model}")
        object.__setattr__(self, "remedies", known(self.connection, self.model))
        object.__setattr__(self, "region", self.region or self.connection.region or "")


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A deployment that serves a name, and why it does.

    Attributes:
        deployment: Where the call goes.
        why: The reason, for people.
        group: The group of `model_list` by whose name it is meant; empty for other names.
        said: What the request says there in place of what it says elsewhere, as a call's own fallbacks may want.
        connection: The deployment's.
        model: The deployment's.
        name: The deployment's.
    """

    deployment: Deployment
    why: str = ""
    group: str = ""
    said: Mapping[str, Any] = field(default_factory=dict, repr=False)
    connection: Connection = field(init=False)
    model: str = field(init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        # As above: these are read for every attempt, and targets are made once for each name.
        object.__setattr__(self, "connection", self.deployment.connection)
        object.__setattr__(self, "model", self.deployment.model)
        object.__setattr__(self, "name", self.deployment.name)


def by_order(targets: Iterable[Target]) -> Sequence[Target]:
    """Targets of a smaller `order` first; equal ones stay as they are."""
    return sorted(targets, key=lambda target: target.deployment.order)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where one call may go.

    Attributes:
        targets: Of the name itself, in order.
        fallbacks: Of each name to fall back to, in order.
        instead: For an error that has fallbacks of its own, their targets in the same way.
        why: Why these in this order, for people; empty where the first target's own reason says it.
        led_to: The name that a condition, an experiment or a rollout led to; empty where it is the call's own.
        lacks: What any of these targets is known not to do, by the names of `models.abilities.FLAGS`.
        room: Characters that surely have room with all of them: half as many as the smallest context window has tokens,
            for no text has more tokens than characters by the estimate, and tools are seldom the larger half. None where
            no window is known.
        special: What the name means beside its targets: a choice, or a cascade.
        cascade: Whose answers the program judges, and how; None where it does not.
        assignment: Which model an experiment or a rollout gave the call to.
        trial: Names of targets on trial: whatever fails there, the request's own faults too, goes to the others.
    """

    targets: Sequence[Target]
    fallbacks: Sequence[Sequence[Target]] = ()
    instead: Mapping[type[CallError], Sequence[Sequence[Target]]] = field(default_factory=dict)
    why: str = ""
    led_to: str = ""
    lacks: frozenset[str] = frozenset()
    room: int | None = None
    special: Special | None = None
    cascade: Cascade | None = None
    assignment: Assignment | None = None
    trial: frozenset[str] = frozenset()

    def prices_of(self, name: str) -> Mapping[str, float] | None:
        """What the row of a target says that a token costs; None if it says nothing, or is not in the plan."""
        for group in (self.targets, *self.fallbacks):
            for target in group:
                if target.name == name:
                    return target.deployment.prices
        return None

    def avoiding(self, names: Sequence[str]) -> Plan:
        """The plan with the targets of these names after all others; the one that is named last comes last.

        Those whose answers are judged are left out: of a cascade only the last model streams, when all others have had
        their turn.
        """
        named = {name: at for at, name in enumerate(names)}
        groups = [self.targets, *self.fallbacks]
        if self.cascade is not None:
            judged = self.cascade.judged
            groups = [[row for row in group if row.name not in judged] for group in groups]
        others = [[row for row in group if row.name not in named] for group in groups]
        avoided = [row for group in groups for row in group if row.name in named]
        avoided.sort(key=lambda row: named[row.name])
        return dataclasses.replace(self, targets=others[0], fallbacks=[*others[1:], avoided])


class Special(Protocol):
    """A name that stands for several models: it has its own way with their targets."""

    is_one_choice: bool
    """Whether any of its models will do, so that those which fit a request better are preferred across all."""

    def groups(self) -> list[Sequence[Target]]:
        """The targets of its models, in groups of equals, as far as they can be ordered without a request."""
        ...

    def finished(self, plan: Plan, request: Request) -> Plan:
        """Its plan for one request, of the targets that can do what the request needs."""
        ...
