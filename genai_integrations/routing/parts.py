"""What all calls of one client share: the router makes it, flows and drivers use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genai_integrations.calls.args import RouterArgs
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.registry import ConnectionRegistry
from genai_integrations.routing.health import Health
from genai_integrations.routing.learnt import Learnt
from genai_integrations.routing.observing import Observer
from genai_integrations.routing.planning import Planner
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.transports.protocol import Transport

if TYPE_CHECKING:
    from genai_integrations.limits.gate import Gate
    from genai_integrations.models.lengths import Seen
    from genai_integrations.routing.hedging import Hedging
    from genai_integrations.routing.measured import Measured
    from genai_integrations.routing.outages import Outage
    from genai_integrations.routing.remembering import Answers
    from genai_integrations.routing.state import State
    from genai_integrations.settings import Settings

_MEASURING = ("latency-based-routing", "least-busy", "usage-based-routing-v2")

MEASURED_FOR: tuple[Callable[[RouterArgs], bool], ...] = (
    lambda args: isinstance(args.routing_strategy, str) and args.routing_strategy in _MEASURING,
    lambda args: args.hedge_after == "p95",
    lambda args: args.auto is not None and args.auto.prefer == "fastest",
)
"""A row for each feature that reads what is measured: whether the arguments of a client turn it on."""

_MOST_REFUSED = 1024
"""Connections whose refused keys are remembered: names come from the store, and a store may be anybody's."""

_MOST_BRIDGED = 256

MOST_LENGTHS = 2048
"""Lengths of answers that are remembered, the latest; up to twice as many between two clearings."""


@dataclass(slots=True)
class Parts:
    """What the calls of one client share.

    Attributes:
        registry: Where connections come from.
        args: How to route, where the request does not say.
        planner: Makes plans.
        health: What is known of the targets.
        transport: Performs attempts.
        observers: Told of every call.
        answers: Keeps answers; None keeps none.
        gate: Limits and budgets; None where there are none.
        measured: What was measured of the targets; None where nobody asks. It is one of the observers.
        lengths: How long the latest answers were, as `models.lengths` reads them.
        refused: Connections whose stored key was refused, with the moment until which it is not read again.
        learnt: What targets were found not to take.
        hedging: When a second target is asked beside a slow one; None for never.
        outages: Those that are rehearsed now, the inner ones last.
        bridged: By name, connections and what they are when OpenAI's newer API is spoken.
        wants_times: Whether an observer wants attempts to be measured more closely.
    """

    registry: ConnectionRegistry
    args: RouterArgs
    planner: Planner
    health: Health
    transport: Transport
    observers: Sequence[Observer] = ()
    answers: Answers | None = None
    measured: Measured | None = None
    gate: Gate | None = None
    # A list and no deque, which takes as much when it is empty as ten of them: clients are many.
    lengths: list[Seen] = field(default_factory=list)
    hedging: Hedging | None = None
    refused: BoundedMap[str, float] = field(default_factory=lambda: BoundedMap(_MOST_REFUSED))
    learnt: Learnt = field(default_factory=Learnt)
    outages: list[Outage] = field(default_factory=list)
    bridged: BoundedMap[str, tuple[Connection, Connection]] = field(
        default_factory=lambda: BoundedMap(_MOST_BRIDGED)
    )
    wants_times: bool = False


def state(
    args: RouterArgs,
    health: Health,
    measured: Measured | None,
    project: str,
    langfuse: Settings | None,
) -> State | None:
    """What a client with these arguments knows beyond a call; None if nothing asks for that. See `State`.

    Raises:
        ConfigurationError: An argument cannot work.
    """
    shared = args.redis_url or args.redis_host or args.state_file
    if not (args.experiments or args.rollouts or shared):
        return None
    from genai_integrations.routing.state import State

    return State(args, health, measured, project, langfuse)


def measured(args: RouterArgs) -> Measured | None:
    """What is measured in a client with these arguments; None if nobody wants to know."""
    if not any(asks(args) for asks in MEASURED_FOR):
        return None
    from genai_integrations.routing.measured import Measured

    return Measured()
