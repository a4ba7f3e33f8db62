"""The whole of one call as a generator: it yields the step to do next and is sent how that went. It does no I/O.

The sync and the async driver (`drivers.py`) run the same generator, so each decision is written once. In order:
know the connections, recall a kept answer, try targets as the policy says, judge what they answer, keep it. A feature
is a step here and a module of its own; what is off yields no step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.headers import headers_for
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Attempt
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.connections.registry import ConnectionRegistry
from genai_integrations.errors import (
    ContentFilteredError,
    GenAIError,
    NotFoundError,
    RequestTimeoutError,
)
from genai_integrations.routing.caching import AnswerStore, Memory, chunks_of
from genai_integrations.routing.call_record import CallRecord
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.health import Health
from genai_integrations.routing.judging import (
    JudgeOfAnswers,
    fits_schema,
    not_filtered,
    one_vector_for_each_text,
)
from genai_integrations.routing.learnt import Learnt
from genai_integrations.routing.observing import Observer
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
from genai_integrations.transports.protocol import Transport
from genai_integrations.transports.remedies.remedy import MOST_AT_ONCE, Remedy, applied, together
from genai_integrations.transports.remedies.rows import BRIDGE, WEAKENS_SCHEMA, remedy_for

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
        learnt: What targets were found not to take.
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
    learnt: Learnt = dataclasses.field(default_factory=Learnt)


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
        self._record.attempt_answered(attempt, wire.get("usage"), wire.get("model"))
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
        request = self._request
        remedies = self._parts.learnt.beforehand(
            step.target, request.body, request.args.drop_params
        )
        outcome = yield from self._sent(step.target, remedies, step.reason, step.timeout)
        if isinstance(outcome, GenAIError):
            outcome = yield from self._restated(step, remedies, outcome)
        return outcome

    def _restated(
        self, step: Try, remedies: tuple[Remedy, ...], error: GenAIError
    ) -> Generator[Step, Any, Wire | Opened | GenAIError]:
        """The request said otherwise to the same target, as long as that says what it does not take."""
        # Loaded at the first failure: what reads refusals takes milliseconds, which most programs never need.
        from genai_integrations.transports.remedies.refusals import refusal_of

        request, drop_params = self._request, self._request.args.drop_params
        used: list[Remedy] = []
        while len(used) < MOST_AT_ONCE and (refusal := refusal_of(error)):
            body = applied(request.body, remedies)
            remedy = remedy_for(refusal, body, [*remedies, *used], drop_params)
            left = self._left(step.timeout, 1 + len(used))
            if remedy is None or left <= 0:
                break
            used.append(remedy)
            remedies = together(remedies, remedy)
            outcome = yield from self._sent(step.target, remedies, remedy.name, left)
            if not isinstance(outcome, GenAIError):
                self._parts.learnt.note(step.target, used)
                return outcome
            error = outcome
        return error

    def _left(self, timeout: float, made: int) -> float:
        """Seconds that are left of an attempt's time after so many requests, within the deadline."""
        spent = sum(attempt.ms for attempt in self._record.route.attempts[-made:]) / 1000
        ends = self._record.ends
        left = timeout - spent
        return left if ends is None else min(left, ends - time.monotonic())

    def _sent(
        self, target: Target, remedies: tuple[Remedy, ...], reason: str, timeout: float
    ) -> Generator[Step, Any, Wire | Opened | GenAIError]:
        """One request, written down."""
        record = self._record
        call = self._call(target, remedies)
        outcome = None
        if not self._is_ready(call):
            outcome = yield Prepare(call, record.ends)
        attempt = record.attempt_began(target, reason)
        if remedies:
            attempt.restated = tuple(remedy.name for remedy in remedies)
        if outcome is None and remedies:
            outcome = yield from self._asked(call, remedies, timeout)
        elif outcome is None:
            request = self._request
            outcome = yield Send(call, request.stream, timeout, request.args.timeout, record.ends)
        if not isinstance(outcome, GenAIError):
            outcome = yield from self._judged(outcome, attempt, remedies)
        if isinstance(outcome, GenAIError):
            if isinstance(outcome, NotFoundError):
                self._parts.planner.explain(outcome, target)
            return record.attempt_failed(attempt, call, outcome)
        if not isinstance(outcome, Opened):
            record.attempt_answered(attempt, outcome.get("usage"), outcome.get("model"))
        return outcome

    def _call(self, target: Target, remedies: tuple[Remedy, ...]) -> WireCall:
        request, connection = self._request, target.connection
        said = applied(request.body, remedies) if remedies else request.body
        body = {"model": target.model, **said}
        if BRIDGE in remedies:
            connection = dataclasses.replace(connection, use_responses_api=True)
        headers = request.headers and headers_for(
            request.headers, connection.provider.name, target.model
        )
        return WireCall(
            connection, target.model, request.operation, body, request.args.drop_params, headers
        )

    def _asked(
        self, call: WireCall, remedies: tuple[Remedy, ...], timeout: float
    ) -> Generator[Step, Any, Any]:
        """What the target answers to a request said otherwise; to texts that are too many for it, in several."""
        from genai_integrations.transports.remedies.answers import merged, turned_round

        request, ends = self._request, self._record.ends
        turn = turned_round(remedies, request.body, stream=request.stream)
        most = next((remedy.batch for remedy in remedies if remedy.batch), 0)
        if not most:
            return (yield Send(call, request.stream, timeout, request.args.timeout, ends, turn))
        texts, until, replies = call.body["input"], time.monotonic() + timeout, []
        for start in range(0, len(texts), most):
            left = until - time.monotonic()
            if left <= 0:
                return RequestTimeoutError("the texts took longer than the time-out, in batches")
            part = dataclasses.replace(
                call, body={**call.body, "input": texts[start : start + most]}
            )
            outcome = yield Send(part, False, left, request.args.timeout, ends)
            if isinstance(outcome, GenAIError):
                return outcome
            replies.append(outcome)
        return merged(replies)

    def _judged(
        self, answer: Wire | Opened, attempt: Attempt, remedies: Sequence[Remedy]
    ) -> Generator[Step, Any, Wire | Opened | GenAIError]:
        """The answer, or what a judge says of it instead."""
        for judge in judges_of(self._request, self._plan, remedies):
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
            record.attempt_answered(attempt, end.usage, end.model)
            if self._memory is not None and end.reply is not None:
                yield Keep(self._memory, end.reply, attempt)
        else:
            record.stream_left(attempt)
        record.ended(end.reply, end.error)
        return None

    def _replied(self, wire: Wire) -> Reply:
        self._record.ended(wire)
        return Reply(wire, self._record.route)


def judges_of(
    request: Request, plan: Plan, remedies: Sequence[Remedy] = ()
) -> tuple[JudgeOfAnswers, ...]:
    """Who judges the answers to a request; nobody for most.

    Args:
        request: What was asked.
        plan: Where it may go.
        remedies: How it was said.
    """
    if request.operation == "embeddings":
        return (one_vector_for_each_text,)
    # Without somewhere else to go a filtered answer is the answer, as it is from the provider.
    judges = (not_filtered,) if ContentFilteredError in plan.instead else ()
    if (
        remedies
        and not request.stream
        and WEAKENS_SCHEMA.intersection(row.name for row in remedies)
    ):
        return (*judges, fits_schema)
    return judges


_CALM = 1.0
"""Seconds after a provider refused a key that is still the stored one in which it is not read again."""


def _result(outcome: Any) -> Any:
    """What a step brought; raises the error if it brought one."""
    if isinstance(outcome, GenAIError):
        raise outcome
    return outcome
