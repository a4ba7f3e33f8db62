"""The router: names, policy and transports put together, and the two loops that drive the policy."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.connections.registry import ConnectionRegistry, Snapshot
from genai_integrations.errors import (
    GenAIError,
    RequestTimeoutError,
)
from genai_integrations.routing.args import RouterArgs
from genai_integrations.routing.caching import AnswerStore, Memory, chunks_of
from genai_integrations.routing.execution import Execution
from genai_integrations.routing.health import Health
from genai_integrations.routing.names import Names, Resolution, Target
from genai_integrations.routing.observing import Observer
from genai_integrations.routing.plans import Plans
from genai_integrations.routing.policy import Outcome, Steps, Try, Wait, steps
from genai_integrations.routing.reply import Reply
from genai_integrations.routing.request import Request
from genai_integrations.routing.route import Attempt, Route
from genai_integrations.routing.streams import (
    AsyncReplyStream,
    ReplyStream,
    is_decisive,
    no_content,
)
from genai_integrations.transports.dispatch import Transports
from genai_integrations.transports.patience import Patience
from genai_integrations.transports.wire import AsyncChunks, Wire


class Router:
    """Answers requests. Safe for threads, for several event loops and after fork.

    Args:
        registry: Where connections come from.
        args: How to route.
        pins: Which hosts each key may go to.
        observer: Told of every call.
        answers: Keeps answers for those who ask the same again.
    """

    def __init__(
        self,
        registry: ConnectionRegistry,
        args: RouterArgs,
        pins: OriginPins,
        observer: Observer | None = None,
        answers: AnswerStore | None = None,
    ) -> None:
        self._observer = observer
        self._answers = answers
        self.args = args
        self.registry = registry
        self._health = Health(args.allowed_fails, args.cooldown_time)
        self._transport = Transports(pins)
        self._known: tuple[Snapshot, Plans] | None = None
        self._refused: dict[str, float] = {}

    @property
    def is_observed(self) -> bool:
        """Whether anyone is told of calls."""
        return self._observer is not None

    def plans(self) -> Plans:
        """The plans for the connections as they are now; reads those if they are not known."""
        return self._plans_for(self.registry.peek() or self.registry.load())

    def resolve(self, model: str) -> Resolution:
        """What a name means, with the targets of its fallbacks behind its own."""
        return self.plans().resolve(model)

    def complete(self, request: Request, *, follow_fallbacks: bool = True) -> Reply:
        """Answer a request.

        Raises:
            GenAIError: It cannot be answered.
        """
        execution = self._begin(request, self.plans(), follow_fallbacks=follow_fallbacks)
        if (known := execution.recalled()) is not None:
            return _replied(execution, known)
        replies: list[Wire] = []

        def attempt(step: Try) -> Outcome:
            record, call = execution.begin(step)
            self._transport.prepare(call)
            try:
                wire = self._transport.send(call, Patience(step.timeout, step.timeout))
                execution.check(wire)
            except GenAIError as error:
                return execution.failed(record, call, error)
            execution.completed(record, wire.get("usage"))
            replies.append(wire)
            return None

        self._drive(execution, attempt)
        execution.keep(replies[-1])
        return _replied(execution, replies[-1])

    def stream(self, request: Request) -> ReplyStream:
        """Answer a request in chunks; returns when the first content is there.

        Raises:
            GenAIError: It cannot be answered.
        """
        execution = self._begin(request, self.plans())
        if (known := execution.recalled()) is not None:
            return ReplyStream(execution, _replayed(execution), chunks_of(known), _nothing())
        limit = _moment(request.args.deadline)
        streams: list[ReplyStream] = []

        def attempt(step: Try) -> Outcome:
            record, call = execution.begin(step)
            self._transport.prepare(call)
            patience = Patience(step.timeout, request.args.timeout, limit)
            rest = self._transport.stream(call, patience)
            try:
                held = _hold(rest, execution)
            except GenAIError as error:
                rest.close()
                return execution.failed(record, call, error)
            patience.content_began()
            execution.streaming(record)
            streams.append(ReplyStream(execution, record, held, rest))
            return None

        self._drive(execution, attempt)
        return streams[-1]

    async def acomplete(self, request: Request) -> Reply:
        """As `complete`, without blocking the loop."""
        execution = self._begin(request, await self.aplans())
        if (known := execution.recalled()) is not None:
            return _replied(execution, known)
        replies: list[Wire] = []

        async def attempt(step: Try) -> Outcome:
            record, call = execution.begin(step)
            await self._transport.aprepare(call)
            try:
                async with _within(step.timeout):
                    wire = await self._transport.asend(call, step.timeout)
                execution.check(wire)
            except GenAIError as error:
                return execution.failed(record, call, error)
            execution.completed(record, wire.get("usage"))
            replies.append(wire)
            return None

        await self._adrive(execution, attempt)
        execution.keep(replies[-1])
        return _replied(execution, replies[-1])

    async def astream(self, request: Request) -> AsyncReplyStream:
        """As `stream`, without blocking the loop."""
        execution = self._begin(request, await self.aplans())
        if (known := execution.recalled()) is not None:
            return AsyncReplyStream(execution, _replayed(execution), chunks_of(known), _anothing())
        limit = _moment(request.args.deadline)
        streams: list[AsyncReplyStream] = []

        async def attempt(step: Try) -> Outcome:
            record, call = execution.begin(step)
            await self._transport.aprepare(call)
            rest = self._transport.astream(call, max(step.timeout, request.args.timeout))
            try:
                async with _within(step.timeout):
                    held = await _ahold(rest, execution)
            except GenAIError as error:
                await rest.aclose()
                return execution.failed(record, call, error)
            except BaseException:
                await rest.aclose()
                raise
            execution.streaming(record)
            bounded = rest if limit is None else _until(limit, rest)
            streams.append(AsyncReplyStream(execution, record, held, bounded))
            return None

        await self._adrive(execution, attempt)
        return streams[-1]

    async def aplans(self) -> Plans:
        """As `plans`; what takes time is done in a thread."""
        snapshot = self.registry.peek()
        if snapshot is None:
            snapshot = await asyncio.to_thread(self.registry.load)
        if self._observer is not None and not self._observer.is_ready:
            await asyncio.to_thread(self._observer.prepare)
        return self._plans_for(snapshot)

    def refresh(self) -> None:
        """Read the connections again, now."""
        self._plans_for(self.registry.refresh())

    def close(self) -> None:
        """Close idle connections and forget every opened key."""
        self._transport.close()

    async def aclose(self) -> None:
        """As `close`, and the running loop's connections too."""
        await self._transport.aclose()

    def _plans_for(self, snapshot: Snapshot) -> Plans:
        known = self._known
        if known is None or known[0] is not snapshot:
            names = Names(snapshot.connections, snapshot.broken, self.args.model_group_alias)
            known = self._known = (snapshot, Plans(names, self.args, snapshot.by_name))
        return known[1]

    def _begin(self, request: Request, plans: Plans, *, follow_fallbacks: bool = True) -> Execution:
        observation = self._observer.call_began(request) if self._observer else None
        try:
            plan = plans.plan(request.model)
        except GenAIError as error:
            if observation is not None:
                observation.call_ended(Route(request.model), None, error)
            raise
        if not follow_fallbacks:
            return Execution(request, plan.alone(), self._health, observation)
        memory = Memory(self._answers, request, plan) if self._answers is not None else None
        return Execution(request, plan, self._health, observation, memory)

    def _steps(self, execution: Execution) -> Steps:
        args = execution.request.args
        timeout = args.timeout
        if execution.request.stream and args.stream_timeout is not None:
            timeout = args.stream_timeout
        return steps(execution.plan, args, self._health, timeout=timeout)

    def _drive(self, execution: Execution, attempt: Callable[[Try], Outcome]) -> None:
        policy = self._steps(execution)
        outcome: Outcome = None
        try:
            while True:
                step = policy.send(outcome)
                if isinstance(step, Try):
                    outcome = attempt(step)
                elif isinstance(step, Wait):
                    time.sleep(step.seconds)
                    outcome = None
                else:
                    outcome = self._renewed(step.target)
        except StopIteration:
            return
        except GenAIError as error:
            raise execution.final(error) from error.__cause__
        except BaseException as error:
            execution.ended(error=error)
            raise

    async def _adrive(
        self, execution: Execution, attempt: Callable[[Try], Awaitable[Outcome]]
    ) -> None:
        policy = self._steps(execution)
        outcome: Outcome = None
        try:
            while True:
                step = policy.send(outcome)
                if isinstance(step, Try):
                    outcome = await attempt(step)
                elif isinstance(step, Wait):
                    await asyncio.sleep(step.seconds)
                    outcome = None
                else:
                    outcome = await asyncio.to_thread(self._renewed, step.target)
        except StopIteration:
            return
        except GenAIError as error:
            raise execution.final(error) from error.__cause__
        except BaseException as error:
            execution.ended(error=error)
            raise

    def _renewed(self, target: Target) -> Target | None:
        """The target with its key read again, or None if that is the same key, or cannot be had."""
        old = target.connection
        if self._refused.get(old.name, 0.0) > time.monotonic():
            return None
        try:
            new = self._read_again(old)
            if new is not None and new.secret.reveal() != old.secret.reveal():
                return Target(new, target.model, target.why)
        except GenAIError:
            pass
        self._refused[old.name] = time.monotonic() + _CALM
        return None

    def _read_again(self, old: Connection) -> Connection | None:
        """The connection of the same name: with another key, or as it was read after the refusal."""
        return self.registry.refresh(than=old).by_name.get(old.name)


def _replied(execution: Execution, wire: Wire) -> Reply:
    execution.ended(wire)
    return Reply(wire, execution.route)


def _replayed(execution: Execution) -> Attempt:
    """The attempt that stands for a kept answer, whose first content is here at once."""
    attempt = execution.route.attempts[-1]
    execution.streaming(attempt)
    return attempt


def _nothing() -> Generator[Wire]:
    yield from ()


async def _anothing() -> AsyncGenerator[Wire]:
    for chunk in _nothing():
        yield chunk


_CALM = 1.0
"""Seconds after a provider refused a key that is still the stored one in which it is not read again."""


def _hold(chunks: Generator[Wire], execution: Execution) -> list[Wire]:
    """Chunks up to the first decisive one."""
    held = []
    for chunk in chunks:
        held.append(chunk)
        if is_decisive(chunk):
            execution.check_filter(chunk)
            return held
    raise no_content()


async def _ahold(chunks: AsyncChunks, execution: Execution) -> list[Wire]:
    held = []
    async for chunk in chunks:
        held.append(chunk)
        if is_decisive(chunk):
            execution.check_filter(chunk)
            return held
    raise no_content()


@contextlib.asynccontextmanager
async def _within(seconds: float) -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise RequestTimeoutError(f"no answer within {seconds:g} s") from None


async def _until(limit: float, chunks: AsyncChunks) -> AsyncGenerator[Wire]:
    """The chunks, with each wait bounded by the call's deadline."""
    async with contextlib.aclosing(chunks):
        while True:
            async with _within(max(limit - time.monotonic(), 0.0)):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk


def _moment(deadline: float | None) -> float | None:
    return None if deadline is None else time.monotonic() + deadline
