"""The whole of one call as a generator: it yields the step to do next and is sent how that went. It does no I/O.

The sync and the async driver (`drivers.py`) run the same generator, so each decision is written once. In order:
know the connections, recall a kept answer, try targets as the policy says, judge what they answer, keep it. A feature
is a step here and a module of its own; what is off yields no step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.connections.registry import ConnectionRegistry, Snapshot
from genai_integrations.errors import GenAIError
from genai_integrations.routing.args import RouterArgs
from genai_integrations.routing.caching import AnswerStore, Memory, chunks_of
from genai_integrations.routing.call_record import CallRecord
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.health import Health
from genai_integrations.routing.judging import JudgeOfAnswers, judges_of
from genai_integrations.routing.observing import Observer
from genai_integrations.routing.planning import Planner
from genai_integrations.routing.policy import AwaitProbe, NewKey, Plan, Try, Wait, attempts
from genai_integrations.routing.reply import Reply
from genai_integrations.routing.request import Request
from genai_integrations.routing.route import Attempt, Route
from genai_integrations.transports.wire import Transport, Wire, WireCall


@dataclass(frozen=True, slots=True)
class Ready:
    """Let an observer make what it makes once, which may take seconds."""

    observer: Observer


@dataclass(frozen=True, slots=True)
class Load:
    """Read the connections, and send back a snapshot.

    Attributes:
        newer_than: A snapshot that is not new enough; None if any will do.
        ends: The moment at which the call is over.
    """

    newer_than: Snapshot | None
    ends: float | None


@dataclass(frozen=True, slots=True)
class Recall:
    """Look a kept answer up, and send it back with the attempt that stands for it, or None."""

    memory: Memory


@dataclass(frozen=True, slots=True)
class Prepare:
    """Have everything loaded that the transport takes for a call: an import is not the provider's time."""

    call: WireCall
    ends: float | None


@dataclass(frozen=True, slots=True)
class Send:
    """Make one attempt, and send back the reply or, for a stream, `Opened` with its first content.

    Attributes:
        call: What to send where.
        stream: Whether chunks are wanted.
        timeout: Seconds to the reply, or to a stream's first content.
        idle: Seconds that a stream may be silent after that.
        ends: The moment at which the call is over.
    """

    call: WireCall
    stream: bool
    timeout: float
    idle: float
    ends: float | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that has shown its first content.

    Attributes:
        held: Its chunks up to that.
        rest: Those to come: an iterator that can be closed, asynchronous under the async driver.
    """

    held: Sequence[Wire]
    rest: Any


@dataclass(frozen=True, slots=True)
class Judge:
    """Ask a judge about an answer, and send back its verdict: an error, or None."""

    judge: JudgeOfAnswers
    request: Request
    wire: Wire


@dataclass(frozen=True, slots=True)
class Drop:
    """Close a stream that is not to be read."""

    stream: Opened


@dataclass(frozen=True, slots=True)
class Hand:
    """Hand a stream to the caller, and send back how it ended.

    Attributes:
        held: Its chunks up to the first content.
        rest: Those to come; None for a stream that is all in `held`.
        route: Every attempt so far.
        assemble: Whether anybody wants to know the whole reply at its end.
    """

    held: Iterable[Wire]
    rest: Any
    route: Route
    assemble: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How a stream ended.

    Attributes:
        usage: As reported.
        reply: The reply as far as it came, if it was assembled.
        error: What the caller gets, if it broke.
        is_whole: Whether it came to its end; else it broke, or the caller left it.
    """

    usage: Wire | None
    reply: Wire | None
    error: GenAIError | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep an answer for the next one who asks the same.

    Attributes:
        memory: Knows the question.
        reply: The whole answer.
        attempt: Who gave it.
    """

    memory: Memory
    reply: Wire
    attempt: Attempt


Step = Ready | Load | Recall | Prepare | Send | Judge | Drop | Hand | Keep | Wait | AwaitProbe
"""What a driver is asked to do. It sends back the outcome named at the step; an error of ours is one, too."""

Flow = Generator[Step, Any, Reply | None]
"""Ends with the reply, or with None after a stream; raises when the call fails."""


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
        refused: Connections whose stored key was refused, with the moment until which it is not read again.
    """

    registry: ConnectionRegistry
    args: RouterArgs
    planner: Planner
    health: Health
    transport: Transport
    observers: Sequence[Observer] = ()
    answers: AnswerStore | None = None
    refused: dict[str, float] = dataclasses.field(default_factory=dict)


def flow(request: Request, parts: Parts) -> Flow:
    """Decide one call.

    Raises:
        GenAIError: It cannot be answered; a `CallError` has the route.
    """
    for observer in parts.observers:
        if not observer.is_ready:
            yield Ready(observer)
    record = CallRecord(request, parts.observers)
    try:
        return (yield from _Call(request, parts, record).steps())
    except GenAIError as error:
        raise record.final(error) from error.__cause__
    except BaseException as error:
        record.ended(error=error)
        raise


class _Call:
    """One call, step by step; `steps` reads from top to bottom."""

    __slots__ = ("_memory", "_parts", "_plan", "_record", "_request")

    def __init__(self, request: Request, parts: Parts, record: CallRecord) -> None:
        self._request = request
        self._parts = parts
        self._record = record
        self._memory: Memory | None = None

    def steps(self) -> Flow:
        """The call."""
        self._plan = yield from self._planned()
        if self._parts.answers is not None:
            self._memory = Memory(self._parts.answers, self._request, self._plan)
            kept = yield Recall(self._memory)
            if kept is not None:
                return (yield from self._recalled(*kept))
        answer = yield from self._answered()
        attempt = self._record.route.attempts[-1]
        if isinstance(answer, Opened):
            return (yield from self._handed(attempt, answer.held, answer.rest))
        if self._memory is not None:
            yield Keep(self._memory, answer, attempt)
        return self._replied(answer)

    def _planned(self) -> Generator[Step, Any, Plan]:
        """Where the call may go; reads the connections if they are not known."""
        snapshot = self._parts.registry.peek()
        if snapshot is None:
            snapshot = _result((yield Load(None, self._record.ends)))
        return self._parts.planner.plan(self._request, snapshot)

    def _recalled(self, wire: Wire, attempt: Attempt) -> Flow:
        """Give an answer that was kept."""
        self._memory = None
        self._record.recalled(attempt)
        if self._request.stream:
            return (yield from self._handed(attempt, chunks_of(wire), None))
        self._record.attempt_answered(attempt, wire.get("usage"))
        return self._replied(wire)

    def _answered(self) -> Generator[Step, Any, Wire | Opened]:
        """The answer of the first target that gives one, in the order of the policy."""
        answer: Any = None
        outcome: Any = None
        with contextlib.closing(self._policy()) as policy:
            while True:
                try:
                    step = policy.send(outcome)
                except StopIteration:
                    return answer  # type: ignore[no-any-return]
                if isinstance(step, Try):
                    answer = yield from self._attempted(step)
                    outcome = answer if isinstance(answer, GenAIError) else None
                elif isinstance(step, NewKey):
                    outcome = yield from self._renewed(step.target)
                else:
                    outcome = yield step

    def _policy(self) -> Generator[Any, Any, None]:
        args = self._request.args
        timeout = args.timeout
        if self._request.stream and args.stream_timeout is not None:
            timeout = args.stream_timeout
        return attempts(
            self._plan, args, self._parts.health, timeout=timeout, ends=self._record.ends
        )

    def _attempted(self, step: Try) -> Generator[Step, Any, Wire | Opened | GenAIError]:
        """One attempt: the answer if it is a good one, else the error that stands for it."""
        request, record, ends = self._request, self._record, self._record.ends
        target = step.target
        body = {"model": target.model, **request.body}
        call = WireCall(target.connection, target.model, request.operation, body)
        outcome = None
        if not self._parts.transport.is_ready(call):
            outcome = yield Prepare(call, ends)
        attempt = record.attempt_began(target, step.reason)
        if outcome is None:
            outcome = yield Send(call, request.stream, step.timeout, request.args.timeout, ends)
        if not isinstance(outcome, GenAIError):
            outcome = yield from self._judged(outcome, attempt)
        if isinstance(outcome, GenAIError):
            return record.attempt_failed(attempt, call, outcome)
        if not isinstance(outcome, Opened):
            record.attempt_answered(attempt, outcome.get("usage"))
        return outcome

    def _judged(
        self, answer: Wire | Opened, attempt: Attempt
    ) -> Generator[Step, Any, Wire | Opened | GenAIError]:
        """The answer, or what a judge says of it instead."""
        for judge in judges_of(self._request, self._plan):
            wire = answer.held[-1] if isinstance(answer, Opened) else answer
            verdict = yield Judge(judge, self._request, wire)
            if verdict is not None:
                attempt.usage = wire.get("usage")  # it is paid for all the same
                if isinstance(answer, Opened):
                    yield Drop(answer)
                return verdict  # type: ignore[no-any-return]
        return answer

    def _renewed(self, target: Target) -> Generator[Step, Any, Target | None]:
        """The target with its key read again, or None if that is the same key, or cannot be had."""
        old, refused = target.connection, self._parts.refused
        if refused.get(old.name, 0.0) > time.monotonic():
            return None
        snapshot = self._parts.registry.peek()
        if snapshot is None or snapshot.by_name.get(old.name) is old:
            snapshot = yield Load(snapshot, self._record.ends)
        with contextlib.suppress(GenAIError):
            new = _result(snapshot).by_name.get(old.name)
            if new is not None and new.secret.reveal() != old.secret.reveal():
                return Target(dataclasses.replace(target.deployment, connection=new), target.why)
        refused[old.name] = time.monotonic() + _CALM
        return None

    def _handed(self, attempt: Attempt, held: Iterable[Wire], rest: Any) -> Flow:
        """Give a stream, and take note of how it ends."""
        record = self._record
        record.first_content(attempt)
        remembers = self._memory is not None
        end: Ending = yield Hand(held, rest, record.route, record.observed or remembers)
        if end.error is not None:
            record.stream_broke(attempt, end.error)
            self._parts.health.failed(attempt.target)
        elif end.is_whole:
            record.attempt_answered(attempt, end.usage)
            if self._memory is not None and end.reply is not None:
                yield Keep(self._memory, end.reply, attempt)
        else:
            record.stream_left(attempt)
        record.ended(end.reply, end.error)
        return None

    def _replied(self, wire: Wire) -> Reply:
        self._record.ended(wire)
        return Reply(wire, self._record.route)


_CALM = 1.0
"""Seconds after a provider refused a key that is still the stored one in which it is not read again."""


def _result(outcome: Any) -> Any:
    """What a step brought; raises the error if it brought one."""
    if isinstance(outcome, GenAIError):
        raise outcome
    return outcome
