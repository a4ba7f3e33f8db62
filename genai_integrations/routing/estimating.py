"""What a call would cost, before it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import WireCall
from genai_integrations.errors import ConfigurationError
from genai_integrations.models import prices, vocabularies
from genai_integrations.models.lengths import Length, length_of
from genai_integrations.models.tokens import request_tokens
from genai_integrations.models.usage import Usage
from genai_integrations.models.worst import answer_bound, has_sound, longest_answer, worst_cost
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.runtime.dollars import dollars
from genai_integrations.transports.http.patience import Patience

if TYPE_CHECKING:
    from genai_integrations.routing.parts import Parts
    from genai_integrations.transports.counting import Counter


@dataclass(frozen=True, slots=True)
class TargetEstimate:
    """What one attempt at one target would cost. Dollars are None where price or length is not known, never 0.

    Attributes:
        target: `connection/model`.
        prompt_tokens: Counted offline, or by the provider.
        error: Share by which they may be wrong either way; 0 where the provider counted.
        answer_tokens: Expected.
        longest_answer: By `max_tokens`, else by the model's limit; None if nobody knows.
        seen: Of how many answers the expected one is the mean; 0 for a guess.
        low: US dollars if prompt and answer are short, and the prompt was kept in a cache of the provider's.
        expected: US dollars.
        worst: US dollars if the answer is the longest, and the prompt is written to a cache.
    """

    target: str
    prompt_tokens: int
    error: float
    answer_tokens: int
    longest_answer: int | None
    seen: int
    low: float | None
    expected: float | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call would cost in US dollars; None where it is not known, never 0.

    Attributes:
        low: The cheapest target of the name answers at once, and briefly.
        expected: The first target answers at once.
        worst: Every attempt that may be made is billed to its longest answer: each target and fallback once, and the
            dearest of them again as often as is retried.
        targets: By target, in the order of the plan, fallbacks behind.
        attempts: Most attempts that the call would make.
    """

    low: float | None
    expected: float | None
    worst: float | None
    targets: tuple[TargetEstimate, ...]
    attempts: int

    def __str__(self) -> str:
        """One line."""
        return f"{_told(self.expected)} expected, {_told(self.low)} at least, {_told(self.worst)} at worst ({self.attempts} attempts)"  # fmt: skip

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from genai_integrations.routing.views import estimate_bundle

        return estimate_bundle(self)


def _told(usd: float | None) -> str:
    return "an unknown sum" if usd is None else dollars(usd)


class Estimator:
    """Estimates one request.

    Args:
        parts: What calls of the client share.
        request: What would be asked.
        counter: Asks the providers for their counts; None counts offline.
        batch: Whether it would be asked in a provider's batch.
    """

    def __init__(self, parts: Parts, request: Request, counter: Counter | None, *, batch: bool) -> None:  # fmt: skip
        self._parts = parts
        self._request = request
        self._counter = counter
        self._batch = batch

    def run(self) -> Estimate:
        """The estimate.

        Raises:
            UnknownModelError: Nobody serves the name.
            CallError: A provider that was asked for its count does not say.
        """
        registry = self._parts.registry
        plan = self._plan(registry.peek() or registry.load())
        return self._together(
            plan, [self._of(target, self._count(target)) for target in _all(plan)]
        )

    async def arun(self) -> Estimate:
        """As `run`, without blocking the loop."""
        registry = self._parts.registry
        plan = self._plan(registry.peek() or await registry.aload())
        rows = [self._of(target, await self._acount(target)) for target in _all(plan)]
        return self._together(plan, rows)

    def _plan(self, snapshot: Any) -> Plan:
        return self._parts.planner.plan(self._request, snapshot)

    def _count(self, target: Target) -> tuple[int, float]:
        counter, call = self._counter, self._call(target)
        if counter is not None and counter.can(call):
            self._parts.transport.prepare(call, None)
            timeout = self._request.args.timeout
            return counter.count(call, Patience(timeout, timeout, None)), 0.0
        return self._offline(target)

    async def _acount(self, target: Target) -> tuple[int, float]:
        counter, call = self._counter, self._call(target)
        if counter is not None and counter.can(call):
            await self._parts.transport.aprepare(call, None)
            return await counter.acount(call, self._request.args.timeout), 0.0
        await vocabularies.aload(target.model)
        return await asyncio.to_thread(self._offline, target)

    def _offline(self, target: Target) -> tuple[int, float]:
        error = vocabularies.vocabulary_of(target.model).error
        return request_tokens(self._request.body, target.model), error

    def _call(self, target: Target) -> WireCall:
        request = self._request
        body = {"model": target.model, **request.body}
        return WireCall(
            target.connection, target.model, request.operation, body, request.args.drop_params
        )

    def _of(self, target: Target, counted: tuple[int, float]) -> TargetEstimate:
        prompt, error = counted
        request, provider, model = self._request, target.connection.provider.name, target.model
        body = request.body
        length = self._length(provider, model)
        longest = longest_answer(body, provider, model)
        options: Any = {"tier": body.get("service_tier"), "batch": self._batch}
        options["own"] = target.deployment.prices
        least = round(prompt * (1 - error))
        low: dict[str, Any] = {"prompt_tokens": least, "completion_tokens": length.low}
        low["prompt_tokens_details"] = {"cached_tokens": least}
        usual = {"prompt_tokens": prompt, "completion_tokens": length.expected}
        return TargetEstimate(
            target.name,
            prompt,
            error,
            length.expected,
            longest,
            length.seen,
            prices.cost(provider, model, cast("Usage", low), **options),
            prices.cost(provider, model, cast("Usage", usual), **options),
            worst_cost(
                provider,
                model,
                round(prompt * (1 + error)),
                longest,
                sound=has_sound(body),
                **options,
            ),
        )

    def _length(self, provider: str, model: str) -> Length:
        """Of all answers together, within what was asked for."""
        request = self._request
        if request.operation == "embeddings":
            return Length(0, 0, 0)
        prompt = request.trace.get("langfuse_prompt")
        found = length_of(self._parts.lengths, provider, model, request.body, prompt)
        most = answer_bound(request.body)
        if most is None:
            return found
        return Length(min(found.low, most), min(found.expected, most), found.seen)

    def _together(self, plan: Plan, rows: Sequence[TargetEstimate]) -> Estimate:
        attempts = max(len(rows), 1 + self._request.args.num_retries)
        own = rows[: len(plan.targets)]
        worst = _all_known(row.worst for row in rows)
        return Estimate(
            low=min(_all_known(row.low for row in own), default=None),
            expected=own[0].expected,
            worst=sum(worst) + max(worst) * (attempts - len(rows)) if worst else None,
            targets=tuple(rows),
            attempts=attempts,
        )


def _all(plan: Plan) -> list[Target]:
    """Targets and fallbacks, each once."""
    found = {target.name: target for group in (plan.targets, *plan.fallbacks) for target in group}
    return list(found.values())


def _all_known(dollars: Iterable[float | None]) -> list[float]:
    """The sums, if all are known; else none."""
    rows = list(dollars)
    return [row for row in rows if row is not None] if None not in rows else []


def require_messages(messages: object, texts: object) -> None:
    """Check that there is one of the two to estimate.

    Raises:
        ConfigurationError: There are both, or none.
    """
    if (messages is None) == (texts is None):
        raise ConfigurationError("estimate() takes messages, or input= for embeddings")
