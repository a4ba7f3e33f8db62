"""The whole of one call as a generator: it yields the step to do next and is sent how that went. It does no I/O.

The sync and the async driver (`drivers.py`) run the same generator, so each decision is written once. In order:
know the connections, recall a kept answer, try targets as the policy says, judge what they answer, keep it. What
happens is written down in the route as it happens, and told to the observers. A feature is a step here and a module of
its own; what is off yields no step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.cache_control import no_semantic_cache
from genai_integrations.calls.headers import headers_for
from genai_integrations.calls.reply import ParsedReply, Reply
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import CACHE, MISS, RESTART, Attempt
from genai_integrations.calls.wire import Times, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.errors import (
    CallError,
    GenAIError,
    LimitError,
    NotFoundError,
    RequestTimeoutError,
)
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.routing.judging import JudgeOfAnswers, judges_of
from genai_integrations.routing.observing import wants_reply
from genai_integrations.routing.parts import Parts
from genai_integrations.routing.policy import attempts
from genai_integrations.routing.record import Record
from genai_integrations.routing.retry_budget import SPENT
from genai_integrations.routing.retry_rules import is_of_request
from genai_integrations.routing.steps import (
    Admit,
    Drop,
    Ending,
    Hand,
    Judge,
    Keep,
    Load,
    NewKey,
    Opened,
    Part,
    Prepare,
    Race,
    Ready,
    Send,
    Step,
    Try,
)
from genai_integrations.transports.remedies.remedy import Remedy, applied
from genai_integrations.transports.remedies.rows import BRIDGE

if TYPE_CHECKING:
    from genai_integrations.routing.health import Health
    from genai_integrations.routing.hurry import Hurried
    from genai_integrations.routing.kept_answers import Recalled

Flow = Part[Reply | None]
"""Ends with the reply, or with None after a stream; raises when the call fails."""


def flow(request: Request, parts: Parts, is_ready: Callable[[WireCall], bool]) -> Flow:
    """Decide one call.

    Args:
        request: What the caller wants.
        parts: What the calls of the client share.
        is_ready: Whether the driver's transport has loaded all that an attempt takes.

    Raises:
        GenAIError: It cannot be answered; a `CallError` has the route.
    """
    began = 0.0
    for observer in parts.observers:
        if not observer.is_ready:
            began = began or time.monotonic()
            yield Ready(observer)
    call = _Call(request, parts, is_ready)
    if began:
        call.took(began)
    try:
        return (yield from call.steps())
    except GenAIError as error:
        if isinstance(error, (CallError, LimitError)):
            error.route = call.route
        call.ended(error=error)
        raise error from error.__cause__
    except BaseException as error:
        call.ended(error=error)
        raise


class _Call(Record):
    """One call, step by step; `steps` reads from top to bottom."""

    __slots__ = ("_ends", "_health", "_is_ready", "_plan")

    def __init__(
        self, request: Request, parts: Parts, is_ready: Callable[[WireCall], bool]
    ) -> None:
        self._is_ready = is_ready
        self._health: Health | Hurried = parts.health
        deadline = request.args.deadline
        # On the clock of `time.monotonic`, and None for never.
        self._ends = None if deadline is None else time.monotonic() + deadline
        super().__init__(request, parts)

    def steps(self) -> Flow:
        """The call."""
        self._plan = yield from self._planned()
        if self._parts.gate is not None or self._request.args.max_cost is not None:
            from genai_integrations.routing.turns import Turns

            gate = self._parts.gate
            self._turns = Turns(gate, self._request, self._plan, self.route, ends=self._ends)
        if self._parts.answers is not None:
            answers = self._parts.answers
            self._memory = answers.memory(self._request, self._plan)
            kept = yield from answers.remembered(self._memory, self.route, self._ends, self.took)
            if kept is not None:
                return (yield from self._recalled(kept))
        elif self._request.args.cache.semantic:
            raise no_semantic_cache()
        _, answer = yield from self._answered()
        if isinstance(answer, Opened):
            rest = answer.rest
            if self._memory is not None:
                rest = self._memory.opened(answer.held, rest, self.route.attempts[-1])
            return (yield from self._handed(answer.held, rest))
        if self._memory is not None:
            # Now, because how fast a caller reads a stream is nothing that others should wait for.
            memory, self._memory = self._memory, None
            try:
                yield Keep(memory, answer, self.route.attempts[-1])
            finally:
                memory.ended(answer, self.route.attempts[-1])
        if self._request.stream:
            from genai_integrations.calls.streamed import chunks_of

            return (yield from self._handed(chunks_of(answer), None))
        return self._replied(answer)

    def _planned(self) -> Part[Plan]:
        """Where the call may go; reads the connections if they are not known."""
        snapshot = self._parts.registry.peek()
        if snapshot is None:
            snapshot = _result((yield from self._ours(Load(None, self._ends))))
        plan = self._parts.planner.plan(self._request, snapshot)
        self.route.why = plan.why or plan.targets[0].why
        self.route.assignment = plan.assignment
        return plan

    def _recalled(self, kept: Recalled) -> Flow:
        """Give the answer to another call: an attempt stands for it, and nobody is asked."""
        if kept.rest is None and self._memory is not None:
            self._memory.ended()
            self._memory = None
        kept.attempt.prices = self._plan.prices_of(kept.attempt.target)
        self._added(kept.attempt)
        if self._request.stream:
            return (yield from self._handed(kept.chunks(), kept.rest))
        wire = kept.entry["reply"]
        self._attempt_answered(kept.attempt, wire.get("usage"), wire.get("model"))
        return self._replied(wire)

    def _answered(self, reason: str = "") -> Part[tuple[Any, Any]]:
        """The answer of the first target that gives one, in the order of the policy; it is the second of the two.

        Args:
            reason: Of the first attempt; empty for the policy's own.
        """
        args, parts, stream = self._request.args, self._parts, self._request.stream
        timeout = args.timeout
        if stream and args.stream_timeout is not None:
            timeout = args.stream_timeout
        limit = None
        if args.model_list:
            from genai_integrations.routing.groups import row_timeouts

            limit = row_timeouts(self._request)
        if args is not parts.args:
            from genai_integrations.routing.hurry import health_for

            self._health = health_for(self._request, self._plan, parts.args, parts.health)
        # A cascade's models come one after the other, and one on trial is to show how slow it is.
        hedges = self._plan.cascade is None and not self._plan.trial
        policy = attempts(
            self._plan, args, self._health,
            timeout=timeout, ends=self._ends, limit=limit,
            turns=self._turns, hedging=parts.hedging if hedges else None, stream=stream,
        )  # fmt: skip
        return self._followed(policy, reason)

    def _followed(self, policy: Any, reason: str = "") -> Part[tuple[Any, Any]]:
        """Do what the policy, or a part of it, asks to its end: what it returns, and the last attempt's answer."""
        answer: Wire | Opened | GenAIError | None = None
        outcome: Any = None
        try:
            while True:
                try:
                    step = policy.send(outcome)
                except StopIteration as end:
                    return end.value, answer
                if isinstance(step, Try):
                    if reason:
                        step, reason = step._replace(reason=reason), ""
                    answer = yield from self._attempted(step)
                    outcome = answer if isinstance(answer, GenAIError) else None
                elif isinstance(step, NewKey):
                    outcome = yield from self._renewed(step.target)
                elif isinstance(step, Race):
                    answer = yield from self._raced(step)
                    outcome = answer is not None
                elif isinstance(step, Admit):
                    outcome = yield from self._ours(step)
                else:
                    outcome = yield step
        finally:
            policy.close()

    def _raced(self, race: Race) -> Part[Wire | Opened | None]:
        """The first good answer of those who race; None if all have failed. Raises if the call cannot succeed."""
        from genai_integrations.routing.hedging import raced

        finish = yield from raced(race, self._followed)
        if finish.lost or finish.winner:
            self._race_over(finish)
        return _result(finish.answer)  # type: ignore[no-any-return]  # of one of them

    def _attempted(self, step: Try) -> Part[Wire | Opened | GenAIError]:
        """One attempt: the answer if it is a good one, else the error that stands for it."""
        target, learnt = step.target, self._parts.learnt
        request = self._request
        if target.deployment.defaults:
            from genai_integrations.routing.groups import with_defaults

            request = with_defaults(request, target.deployment.defaults)
        if target.said:
            body = {**request.body, **target.said}
            request = dataclasses.replace(request, body=body, spoken=None)
        if "langfuse_prompt" in request.trace:
            from genai_integrations.routing.prompting import following

            began = time.monotonic()
            request = yield from following(request, target.model)
            self.took(began)
        remedies: tuple[Remedy, ...] = ()
        if learnt.is_any or target.deployment.remedies:
            remedies = learnt.beforehand(target, request.body, request.args.drop_params)
        outcome = yield from self._sent(request, target, remedies, step.reason, step.timeout)
        if isinstance(outcome, GenAIError):
            outcome = yield from self._restated(request, step, remedies, outcome)
        return outcome

    def _restated(
        self, request: Request, step: Try, remedies: tuple[Remedy, ...], error: GenAIError
    ) -> Part[Wire | Opened | GenAIError]:
        """What comes of it if the request is said otherwise."""
        from genai_integrations.routing.restating import restated

        outcome, used = yield from restated(
            request,
            remedies,
            error,
            lambda made: self._left(step, made),
            lambda *said: self._sent(request, step.target, *said),
        )
        if used:
            self._parts.learnt.note(step.target, used)
        return outcome

    def _left(self, step: Try, made: int) -> float:
        """Seconds that are left of an attempt's time after so many requests, within the deadline."""
        asked = [row for row in self.route.attempts if row.target == step.target.name]
        left = step.timeout - sum(row.ms for row in asked[-made:]) / 1000
        return left if self._ends is None else min(left, self._ends - time.monotonic())

    def _sent(
        self,
        request: Request,
        target: Target,
        remedies: tuple[Remedy, ...],
        reason: str,
        timeout: float,
    ) -> Part[Wire | Opened | GenAIError]:
        """One request, written down."""
        cascade = self._plan.cascade
        if cascade is not None:
            request, timeout = cascade.asked(target, request, timeout, self._ends)
        call = self._call(request, target, remedies)
        outcome: Any = self._rehearsed(target) if self._parts.outages else None
        is_rehearsed = outcome is not None
        if outcome is None and not self._is_ready(call):
            outcome = yield from self._ours(Prepare(call, self._ends))
        judges = self._judges(request, target, remedies)
        attempt = self._attempt_began(target, reason, request, call.times)
        attempt.rehearsed = is_rehearsed
        if outcome is None:
            args = request.args
            send = Send(call, request.stream, timeout, args.timeout, self._ends, args.stall_timeout)
            if remedies:
                from genai_integrations.routing.restating import asked

                attempt.restated = tuple(remedy.name for remedy in remedies)
                outcome = yield from asked(send, request, remedies)
            else:
                outcome = yield send
        if judges and not isinstance(outcome, GenAIError):
            outcome = yield from self._judged(outcome, attempt, judges)
        if isinstance(outcome, GenAIError):
            if isinstance(outcome, NotFoundError):
                self._parts.planner.explain(outcome, call.model)
            attempt.hurried = self._is_hurried and isinstance(outcome, RequestTimeoutError)
            return self._attempt_failed(attempt, call, outcome)
        if not isinstance(outcome, Opened):
            self._came_whole(attempt, outcome)
        return outcome  # type: ignore[no-any-return]  # a driver's

    @property
    def _is_hurried(self) -> bool:
        """Whether it gives targets less time than the client's own settings do."""
        return self._health is not self._parts.health

    def _rehearsed(self, target: Target) -> GenAIError | None:
        """How the request fails, if it goes where an outage is rehearsed."""
        from genai_integrations.routing.outages import rehearsed

        return rehearsed(self._parts, target)

    def _call(self, request: Request, target: Target, remedies: tuple[Remedy, ...]) -> WireCall:
        connection = target.connection
        said = applied(request.body, remedies) if remedies else request.body
        body = {"model": target.model, **said}
        if remedies and BRIDGE in remedies:
            connection = self._bridged(connection)
        headers = request.headers and headers_for(
            request.headers, connection.provider.name, target.model
        )
        if connection.provider.gateway:
            headers = {**self._carried(), **headers}
        times = Times() if self._parts.wants_times else None
        drop_params = request.args.drop_params
        # What a remedy has said otherwise is not what the caller wrote.
        spoken = None if remedies else request.spoken
        return WireCall(
            connection, target.model, request.operation, body, drop_params, headers, times, spoken
        )

    def _bridged(self, connection: Connection) -> Connection:
        """The same account by OpenAI's newer API; the same object each time, so that its key is opened once."""
        known = self._parts.bridged.get(connection.name)
        if known is None or known[0] is not connection:
            known = connection, dataclasses.replace(connection, dialect="responses")
            self._parts.bridged.put(connection.name, known)
        return known[1]

    def _judges(
        self, request: Request, target: Target, remedies: tuple[Remedy, ...]
    ) -> tuple[JudgeOfAnswers, ...]:
        """Who judges the answers of a target; nobody for most."""
        judges: tuple[JudgeOfAnswers, ...] = ()
        if remedies or self._plan.instead or request.operation == "embeddings":
            judges = judges_of(request, self._plan, remedies)
        cascade = self._plan.cascade
        if cascade is not None and target.name in cascade.judged:
            return (*judges, cascade.judge(self.route))
        return judges

    def _judged(
        self, answer: Wire | Opened, attempt: Attempt, judges: tuple[JudgeOfAnswers, ...]
    ) -> Part[Wire | Opened | GenAIError]:
        """The answer, or what a judge says of it instead."""
        # Of a schema, too: what checks it loads in a second, and takes tenths of one where a caller wants it to.
        may_block = self._plan.cascade is not None or bool(attempt.restated)
        for judge in judges:
            wire = answer.held[-1] if isinstance(answer, Opened) else answer
            verdict = yield Judge(judge, self._request, wire, may_block)
            if verdict is not None:
                # It is paid for all the same.
                attempt.usage, attempt.answered = wire.get("usage"), wire.get("model")
                if isinstance(answer, Opened):
                    yield Drop(answer)
                return verdict  # type: ignore[no-any-return]
        return answer

    def _ours(self, step: Step) -> Part[Any]:
        """A step that asks no provider: its time is written down as ours."""
        began = time.monotonic()
        outcome = yield step
        self.took(began)
        return outcome

    def _renewed(self, target: Target) -> Part[Target | None]:
        """The target with its key read again, or None if that is the same key, or cannot be had."""
        old, refused = target.connection, self._parts.refused
        if (refused.get(old.name) or 0.0) > time.monotonic() or not self._is_stored(old):
            return None
        snapshot = yield from self._ours(Load(old, self._ends))
        with contextlib.suppress(GenAIError):
            new = _result(snapshot).by_name.get(old.name)
            if new is not None and new.secret.reveal() != old.secret.reveal():
                return dataclasses.replace(
                    target, deployment=dataclasses.replace(target.deployment, connection=new)
                )
        refused.put(old.name, time.monotonic() + _CALM)
        return None

    def _is_stored(self, connection: Connection) -> bool:
        """Whether the store may have a newer key of a connection; it has none of a row's own."""
        snapshot = self._parts.registry.peek()
        return snapshot is None or connection.name in snapshot.by_name

    def _handed(self, held: Iterable[Wire], rest: Any) -> Flow:
        """Give a stream, and take note of how it ends; one that breaks may begin anew."""
        attempt, memory = self._first_content(), self._memory
        is_wanted = memory is not None or any(map(wants_reply, self._observers))
        answers = self._request.body.get("n") or 1
        # A kept answer is whole; one that another call is reading just now may break as its own.
        can_break = attempt.reason != CACHE or rest is not None
        recovers = self._request.args.stream_recovery is not None and can_break
        while True:
            end: Ending = yield Hand(answers, held, rest, self.route, is_wanted, recovers)
            if end.error is None:
                break
            is_late = isinstance(end.error.__cause__, RequestTimeoutError)
            attempt.hurried = is_late and self._is_hurried
            self._stream_broke(attempt, end)
            if attempt.reason != CACHE and not is_of_request(end.error.__cause__):
                if is_late:
                    self._health.timed_out(attempt.target)
                else:
                    self._health.failed(attempt.target)
            again = (yield from self._begun_anew(end.error)) if recovers else None
            if again is None:
                break
            if memory is not None:
                memory.began_anew()
                self.route.cache = MISS if self.route.cached else self.route.cache
            attempt, held, rest = self._first_content(), again.held, again.rest
        if end.is_whole:
            attempt.tier = end.tier
            self._attempt_answered(attempt, end.usage, end.model)
            if memory is not None and end.reply is not None:
                yield Keep(memory, end.reply, attempt)
        elif end.error is None:
            self._stream_left(attempt, end)
        self.ended(end.reply, end.error)
        return None

    def _begun_anew(self, error: GenAIError) -> Part[Opened | None]:
        """Another stream in place of one that broke; None if there is to be none, which the error says then."""
        broken = [row.target for row in self.route.attempts if row.first_content_ms is not None]
        others = len(self._plan.targets) + sum(map(len, self._plan.fallbacks)) - 1
        if len(broken) > max(self._request.args.num_retries, others):
            return None
        if not self._health.retries.withdraw(time.monotonic()):
            error.add_note(SPENT)
            return None
        if self._turns is not None:
            self._turns.attempts_ended()
        self._plan = self._plan.avoiding(broken)
        try:
            _, answer = yield from self._answered(RESTART)
        except GenAIError as failed:
            error.add_note(f"it could not be started again: {failed}")
            return None
        if isinstance(answer, Opened):
            return answer
        from genai_integrations.calls.streamed import chunks_of

        return Opened(list(chunks_of(answer)), None)

    def _replied(self, wire: Wire) -> Reply:
        self.ended(wire)
        parse = self._request.parse
        return Reply(wire, self.route) if parse is None else ParsedReply(wire, self.route, parse)


_CALM = 1.0
"""Seconds after a provider refused a key that is still the stored one in which it is not read again."""


def _result(outcome: Any) -> Any:
    """What a step brought; raises the error if it brought one."""
    if isinstance(outcome, GenAIError):
        raise outcome
    return outcome
