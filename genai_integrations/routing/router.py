"""The router: names, policy and transports put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.request import Request
from genai_integrations.connections.registry import ConnectionRegistry
from genai_integrations.routing.caching import AnswerStore
from genai_integrations.routing.drivers import AsyncDriver, SyncDriver
from genai_integrations.routing.health import Health
from genai_integrations.routing.names import Resolution
from genai_integrations.routing.observing import Observer
from genai_integrations.routing.parts import Parts, measured
from genai_integrations.routing.planning import Planner, Plans
from genai_integrations.routing.streams import AsyncReplyStream, ReplyStream
from genai_integrations.runtime.surroundings import last_words, require_event_loop
from genai_integrations.transports.protocol import Transport

if TYPE_CHECKING:
    from genai_integrations.routing.outages import Outage


class Router:
    """Answers requests. Safe for threads, for several event loops and after fork.

    Args:
        registry: Where connections come from.
        args: How to route.
        transport: Performs attempts.
        observers: Told of every call.
        answers: Keeps answers for those who ask the same again.
    """

    def __init__(
        self,
        registry: ConnectionRegistry,
        args: RouterArgs,
        transport: Transport,
        observers: Sequence[Observer] = (),
        answers: AnswerStore | None = None,
    ) -> None:
        self.args = args
        self.registry = registry
        health = Health(args.allowed_fails, args.cooldown_time)
        found = measured(args)
        watching = (*observers, found) if found else tuple(observers)
        self._parts = Parts(
            registry, args, Planner(args, found), health, transport, watching, answers, found
        )
        if args.hedge_after is not None:
            from genai_integrations.routing.hedging import Hedging

            self._parts.hedging = Hedging(args.hedge_after, found)
        self._sync = SyncDriver(self._parts)
        self._async = AsyncDriver(self._parts)

    def plans(self) -> Plans:
        """The plans for the connections as they are now; reads those if they are not known."""
        return self._parts.planner.plans(self.registry.peek() or self.registry.load())

    def resolve(self, model: str) -> Resolution:
        """What a name means, with the targets of its fallbacks behind its own, and how each is asked."""
        found = self.plans().resolve(model)
        learnt, drop_params = self._parts.learnt, self.args.drop_params
        told = {target.name: learnt.told(target, drop_params) for target in found.targets}
        restated = {name: said for name, said in told.items() if said}
        return dataclasses.replace(found, restated=restated)

    def outage(self, name: str, **how: Any) -> Outage:
        """An outage to rehearse; see `GenAIClient.outage`."""
        from genai_integrations.routing.outages import Outage

        return Outage(self._parts, name, **how)

    def begin_outages(self, text: str) -> None:
        """Begin those of `GENAI_OUTAGES`, which do not end."""
        from genai_integrations.routing.outages import read

        self._parts.outages += read(text, self._parts)

    def run(self, request: Request) -> Reply | ReplyStream:
        """Answer a request; a stream when its first content is there.

        Raises:
            GenAIError: It cannot be answered.
        """
        try:
            return self._sync.run(request)
        except (ImportError, RuntimeError) as error:
            raise last_words(error) or error from None

    async def arun(self, request: Request) -> Reply | AsyncReplyStream:
        """As `run`, without blocking the loop."""
        require_event_loop()
        try:
            return await self._async.run(request)
        except (ImportError, RuntimeError) as error:
            raise last_words(error) or error from None

    def refresh(self) -> None:
        """Read the connections again, now."""
        self.registry.refresh()

    def close(self) -> None:
        """Close idle connections and forget every opened key."""
        self._parts.transport.close()

    async def aclose(self) -> None:
        """As `close`, and the running loop's connections too."""
        await self._parts.transport.aclose()
