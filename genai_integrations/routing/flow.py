"""The whole of one call as a generator: it yields the step to do next and is sent how that went. It does no I/O.

The sync and the async driver (`drivers.py`) run the same generator, so each decision is written once. In order:
know the connections, recall a kept answer, try targets as the policy says, judge what they answer, keep it. A feature
is a step here and a module of its own; what is off yields no step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.headers import headers_for
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import OK, Attempt, Route
from genai_integrations.calls.wire import Wire, WireCall, located
from genai_integrations.connections.registry import ConnectionRegistry
from genai_integrations.errors import CallError, ContentFilteredError, GenAIError
from genai_integrations.routing.caching import AnswerStore, Memory, chunks_of
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.health import Health
from genai_integrations.routing.judging import (
    JudgeOfAnswers,
    not_filtered,
    one_vector_for_each_text,
)
from genai_integrations.routing.observing import CallObserver, Observer
from genai_integrations.routing.planning import Planner
from genai_integrations.routing.policy import NewKey, Plan, Try, attempts
from genai_integrations.routing.steps import (
    Drop,
    Ending,
    Hand,
    Judge,
    Keep,
    Load,
    Opened,
    Prepare,
    Ready,
    Recall,
    Send,
    Step,
)
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.runtime.network import without_frames
from genai_integrations.transports.protocol import Transport

_E = TypeVar("_E", bound=GenAIError)

Flow = Generator[Step, Any, Reply | None]
"""Ends with the reply, or with None after a stream; raises when the call fails."""


_MOST_REFUSED = 1024
"""Connections whose refused keys are remembered: names come from the store, and a store may be anybody's."""


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
    refused: BoundedMap[str, float] = dataclasses.field(
        default_factory=lambda: BoundedMap(_MOST_REFUSED)
    )


def flow(request: Request, parts: Parts, is_ready: Callable[[WireCall], bool]) -> Flow:
    """Decide one call.

    Args:
        request: What the caller wants.
        parts: What the calls of the client share.
        is_ready: Whether the transport has loaded all that an attempt takes, under the driver that runs the flow.

    Raises:
        GenAIError: It cannot be answered; a `CallError` has the route.
    """
    for observer in parts.observers:
        if not observer.is_ready:
            yield Ready(observer)
    record = CallRecord(request, parts.observers)
    try:
        return (yield from _Call(request, parts, record, is_ready).steps())
    except GenAIError as error:
        raise record.final(error) from error.__cause__
    except BaseException as error:
        record.ended(error=error)
        raise


class _Call:
    """One call, step by step; `steps` reads from top to bottom."""

    __slots__ = ("_is_ready", "_memory", "_parts", "_plan", "_record", "_request")

    def __init__(
        self,
        request: Request,
        parts: Parts,
        record: CallRecord,
        is_ready: Callable[[WireCall], bool],
    ) -> None:
        self._is_ready = is_ready
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
        headers = request.headers and headers_for(
            request.headers, target.connection.provider.name, target.model
        )
        call = WireCall(target.connection, target.model, request.operation, body, headers)
        outcome = None
        if not self._is_ready(call):
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
        if (refused.get(old.name) or 0.0) > time.monotonic():
            return None
        snapshot = yield Load(old, self._record.ends)
        with contextlib.suppress(GenAIError):
            new = _result(snapshot).by_name.get(old.name)
            if new is not None and new.secret.reveal() != old.secret.reveal():
                return Target(dataclasses.replace(target.deployment, connection=new), target.why)
        refused.put(old.name, time.monotonic() + _CALM)
        return None

    def _handed(self, attempt: Attempt, held: Iterable[Wire], rest: Any) -> Flow:
        """Give a stream, and take note of how it ends."""
        record = self._record
        record.first_content(attempt)
        remembers = self._memory is not None
        answers = self._request.body.get("n") or 1
        end: Ending = yield Hand(answers, held, rest, record.route, record.observed or remembers)
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


def judges_of(request: Request, plan: Plan) -> tuple[JudgeOfAnswers, ...]:
    """Who judges the answers to a request; nobody for most."""
    if request.operation == "embeddings":
        return (one_vector_for_each_text,)
    # Without somewhere else to go a filtered answer is the answer, as it is from the provider.
    return (not_filtered,) if ContentFilteredError in plan.instead else ()


_CALM = 1.0
"""Seconds after a provider refused a key that is still the stored one in which it is not read again."""


def _result(outcome: Any) -> Any:
    """What a step brought; raises the error if it brought one."""
    if isinstance(outcome, GenAIError):
        raise outcome
    return outcome


class CallRecord:
    """Writes down what happens to one request, and tells the observers.

    Args:
        request: What the caller wants.
        observers: Who is told.

    Attributes:
        route: Every attempt so far.
        ends: The moment of `time.monotonic` at which the whole call is over; None for never.
    """

    def __init__(self, request: Request, observers: Iterable[Observer]) -> None:
        self.request = request
        self.route = Route(request.model)
        self._began = self._started = time.monotonic()
        deadline = request.args.deadline
        self.ends = None if deadline is None else self._began + deadline
        self._observers: list[CallObserver] = [
            watching for one in observers if (watching := one.call_began(request)) is not None
        ]

    @property
    def observed(self) -> bool:
        """Whether anyone wants to know what the call brings."""
        return bool(self._observers)

    def attempt_began(self, target: Target, reason: str) -> Attempt:
        """Open the record of an attempt; its clock starts now."""
        connection = target.connection
        attempt = Attempt(
            target.name, connection.name, connection.provider.name, target.model, reason
        )
        self.route.attempts.append(attempt)
        self._started = time.monotonic()
        attempt.began_ms = (self._started - self._began) * 1000
        for observer in self._observers:
            observer.attempt_began(attempt)
        return attempt

    def recalled(self, attempt: Attempt) -> None:
        """Nobody is asked: the attempt stands for an answer that was kept."""
        self.route.attempts.append(attempt)
        self._started = time.monotonic()

    def first_content(self, attempt: Attempt) -> None:
        """The first content of a stream is there."""
        attempt.first_content_ms = self._elapsed()
        attempt.outcome = OK
        for observer in self._observers:
            observer.first_content(self.route)

    def attempt_answered(self, attempt: Attempt, usage: Mapping[str, Any] | None) -> None:
        """The reply is whole."""
        attempt.outcome = OK
        attempt.usage = usage
        self._attempt_ended(attempt)

    def attempt_failed(self, attempt: Attempt, call: WireCall, error: _E) -> _E:
        """The attempt failed. What hangs on the error loses its frames, whose locals may quote an answer."""
        without_frames(error)
        attempt.outcome = type(error).__name__
        attempt.error = located(error, call) if isinstance(error, CallError) else error
        self._attempt_ended(attempt)
        return error

    def stream_broke(self, attempt: Attempt, error: GenAIError) -> None:
        """The stream broke after its first content."""
        attempt.outcome = type(error).__name__
        attempt.error = error
        if isinstance(error, CallError):
            error.connection, error.model = attempt.connection, attempt.model
            error.provider, error.route = attempt.provider, self.route
        self._attempt_ended(attempt)

    def stream_left(self, attempt: Attempt) -> None:
        """The caller is done with a stream before its end."""
        self._attempt_ended(attempt)

    def final(self, error: _E) -> _E:
        """The error as it leaves the router."""
        if isinstance(error, CallError):
            error.route = self.route
        self.ended(error=error)
        return error

    def ended(self, wire: Wire | None = None, error: BaseException | None = None) -> None:
        """The call is over, with a reply or an error; what is told later is not heard."""
        observers, self._observers = self._observers, []
        for observer in observers:
            observer.call_ended(self.route, wire, error)

    def _attempt_ended(self, attempt: Attempt) -> None:
        attempt.ms = self._elapsed()
        for observer in self._observers:
            observer.attempt_ended(attempt)

    def _elapsed(self) -> float:
        return (time.monotonic() - self._started) * 1000
