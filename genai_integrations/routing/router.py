"""The router: names, policy and transports put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.registry import ConnectionRegistry
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.routing.drivers import AsyncDriver, SyncDriver
from genai_integrations.routing.health import Health
from genai_integrations.routing.names import Resolution
from genai_integrations.routing.observing import Observer, wants_times
from genai_integrations.routing.parts import Parts, measured, state
from genai_integrations.routing.planning import Planner, Plans
from genai_integrations.transports.dispatch import Transports
from genai_integrations.transports.protocol import Transport

if TYPE_CHECKING:
    from genai_integrations.limits.gate import Gate
    from genai_integrations.routing.estimating import Estimator
    from genai_integrations.routing.outages import Outage
    from genai_integrations.routing.remembering import Answers
    from genai_integrations.routing.variants.track import Track
    from genai_integrations.settings import Settings
    from genai_integrations.transports.batching import Batching
    from genai_integrations.transports.counting import Counter


class Router:
    """Answers requests. Safe for threads, for several event loops and after fork.

    Args:
        registry: Where connections come from.
        args: How to route.
        transport: Performs attempts.
        observers: Told of every call.
        answers: Keeps answers for those who ask the same again.
        gate: Limits and budgets of the calls.
        project: Tells tenants apart who share state in one place.
        langfuse: Whose scores are read; None where calls are not recorded.

    Attributes:
        answers: The same; None keeps none.
        run: Answers a request in the caller's thread: `SyncDriver.run`.
        arun: The same on the running event loop: `AsyncDriver.run`.
    """

    def __init__(
        self,
        registry: ConnectionRegistry,
        args: RouterArgs,
        transport: Transport,
        observers: Sequence[Observer] = (),
        answers: Answers | None = None,
        *,
        gate: Gate | None = None,
        project: str = "",
        langfuse: Settings | None = None,
    ) -> None:
        self.args = args
        self.registry = registry
        self.answers = answers
        health = Health(args.allowed_fails, args.cooldown_time)
        found = measured(args)
        self._state = state(args, health, found, project, langfuse)
        variants = self._variants = None if self._state is None else self._state.variants
        more = [row for row in (found, self._state) if row is not None]
        watching = (*observers, *more)
        planner = Planner(args, found, variants)
        self._parts = Parts(
            registry, args, planner, health, transport, watching, answers, found, gate
        )
        self._gates: dict[str, Gate] = {}
        self._parts.wants_times = any(map(wants_times, watching))
        if args.hedge_after is not None:
            from genai_integrations.routing.hedging import Hedging

            self._parts.hedging = Hedging(args.hedge_after, found)
        self.run = SyncDriver(self._parts).run
        self.arun = AsyncDriver(self._parts).run

    def plans(self) -> Plans:
        """The plans for the connections as they are now; reads those if they are not known."""
        return self._parts.planner.plans(self.registry.peek() or self.registry.load())

    def resolve(self, model: str) -> Resolution:
        """What a name means, with the targets of its fallbacks behind its own, and how each is asked."""
        from genai_integrations.routing.domains import domain_of, single_outages

        plans, variants = self.plans(), self._variants
        split = None if variants is None else variants.resolution(model, plans.resolve)
        found = plans.resolve(model, split)
        learnt, drop_params = self._parts.learnt, self.args.drop_params
        told = {target.name: learnt.told(target, drop_params) for target in found.targets}
        restated = {name: said for name, said in told.items() if said}
        accounts = self._parts.health.accounts
        domains = {
            target.name: domain_of(target.connection, accounts, target.deployment.region)
            for target in found.targets
        }
        outages = single_outages(list(domains.values()))
        error = None if found.targets else self._unserved(model)
        return dataclasses.replace(
            found, restated=restated, domains=domains, outages=outages, error=error
        )

    def _unserved(self, model: str) -> GenAIError | None:
        """What a call with a name that has no targets raises."""
        try:
            self.plans().plan(model)
        except GenAIError as error:
            return error.with_traceback(None)
        return None

    def rollout(self, name: str) -> Track:
        """How far a rollout is.

        Raises:
            ConfigurationError: There is none of this name.
        """
        if self._state is None:
            raise ConfigurationError(f"there is no rollout {name!r}: router_args has no rollouts")
        return self._state.rollout(name)

    def rollouts(self) -> tuple[Track, ...]:
        """Every rollout, as far as it is."""
        return () if self._state is None else tuple(self._state.latest().values())

    def observe(self, observer: Observer) -> None:
        """Tell one more of every call that begins from here on."""
        self._parts.observers = (*self._parts.observers, observer)
        self._parts.wants_times = any(map(wants_times, self._parts.observers))

    def cooldowns(self) -> dict[str, float]:
        """The targets that are left alone now, and for how many seconds more."""
        return self._parts.health.cooling()

    def exchange(self) -> None:
        """Tell other processes what is new here, and hear what is new there, now."""
        if self._state is not None:
            self._state.exchange()

    def batched_call(self, request: Request) -> WireCall | None:
        """How a request stands in a provider's own batch; None if it must be asked on its own.

        Raises:
            GenAIError: Nobody serves it.
        """
        from genai_integrations.routing.batched import batched_call

        snapshot = self.registry.peek() or self.registry.load()
        return batched_call(request, self._parts, snapshot)

    def tell(self, request: Request, route: Route, wire: Wire) -> None:
        """Tell the observers of an answer that came out of a batch: traces and ledgers have it as any other's."""
        for observer in self._parts.observers:
            if not observer.is_ready:
                observer.prepare()
            watching = observer.call_began(request)
            if watching is not None:
                for attempt in route.attempts:
                    watching.attempt_began(attempt)
                    watching.attempt_ended(attempt)
                watching.call_ended(route, wire, None)

    def prices(self, name: str, target: str) -> Mapping[str, float] | None:
        """What the row of a name says that a target's tokens cost; None if it says nothing."""
        return self.plans().plan(name).prices_of(target)

    def connection(self, name: str) -> Connection | None:
        """A connection by its name, None if there is none."""
        return (self.registry.peek() or self.registry.load()).by_name.get(name)

    def renewed(self, connection: Connection) -> Connection:
        """A connection whose key was refused, as it is stored now."""
        return self.registry.refresh(connection).by_name.get(connection.name, connection)

    @property
    def batching(self) -> Batching | None:
        """Who asks providers for batches; None where a transport of the program's own performs the attempts."""
        transport = self._parts.transport
        return transport.batching if isinstance(transport, Transports) else None

    def outage(self, name: str, **how: Any) -> Outage:
        """An outage to rehearse; see `GenAIClient.outage`."""
        from genai_integrations.routing.outages import Outage

        return Outage(self._parts, name, **how)

    def begin_outages(self, text: str) -> None:
        """Begin those of `GENAI_OUTAGES`, which do not end."""
        from genai_integrations.routing.outages import read

        self._parts.outages += read(text, self._parts)

    def estimator(self, request: Request, counter: Counter | None, *, batch: bool) -> Estimator:
        """What says what a request would cost."""
        from genai_integrations.routing.estimating import Estimator

        return Estimator(self._parts, request, counter, batch=batch)

    def warm_up(self, models: Sequence[str]) -> None:
        """Load and read all that calls to these names take, and send nothing."""
        from genai_integrations.routing.warming import warm_up

        warm_up(self._parts, models)

    async def awarm_up(self, models: Sequence[str]) -> None:
        """As `warm_up`, for calls from event loops."""
        from genai_integrations.routing.warming import awarm_up

        await awarm_up(self._parts, models)

    def gate(self, new: Callable[[], Gate]) -> Gate:
        """What keeps limits and budgets, from now on where there was none before."""
        gate = self._parts.gate
        if gate is None:
            # Two threads may make one at once, and both get the first.
            gate = self._parts.gate = self._gates.setdefault("added", new())
        return gate

    def refresh(self) -> None:
        """Read the connections again, now."""
        self.registry.refresh()

    def close(self) -> None:
        """Close idle connections and forget every opened key."""
        self._parts.transport.close()

    async def aclose(self) -> None:
        """As `close`, and the running loop's connections too."""
        await self._parts.transport.aclose()
