"""The record of one call: what was tried, why, how it went, what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, cast

from genai_integrations.errors import CallError, GenAIError
from genai_integrations.models import prices
from genai_integrations.models.usage import Usage

if TYPE_CHECKING:
    from genai_integrations.calls.assignment import Assignment, Variant, VariantRecord
    from genai_integrations.calls.wire import Times

OK = "ok"
CANCELLED = "cancelled"
"""The outcome of an attempt that was given up because another one answered first."""

HEDGE = "hedge"
"""The reason of an attempt that was made beside one that was slow."""

RESTART = "restart"
"""The reason of an attempt whose stream is in place of one that broke."""

CACHE = "cache"
"""The reason of the attempt that stands for an answer kept from an earlier call: nobody was asked."""

BATCH = "batch"
"""The reason of an attempt that stands for an answer out of a provider's own batch, which has prices of its own."""


CacheStatus = Literal["HIT", "MISS", "STALE", "BYPASS"]
"""What a cache had to do with an answer. `STALE`: a kept answer whose time is over, while a newer one is fetched;
`BYPASS`: no kept answer was looked for."""


class CacheRecord(TypedDict):
    """A `CacheUse` as plain values for JSON."""

    status: CacheStatus
    age: float | None
    saved: float | None
    similar: NotRequired[bool]


class AttemptRecord(TypedDict):
    """An `Attempt` as plain values for JSON: the same words, `error` as its text."""

    target: str
    connection: str
    provider: str
    model: str
    reason: str
    outcome: str
    status: int | None
    began_ms: float
    ms: float
    first_content_ms: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None
    error: str | None
    answered: NotRequired[str]
    restated: NotRequired[list[str]]
    rehearsed: NotRequired[bool]
    estimated: NotRequired[bool]
    prompt: NotRequired[dict[str, Any]]
    tier: NotRequired[str]
    connect_ms: NotRequired[float]
    first_byte_ms: NotRequired[float]
    longest_gap_ms: NotRequired[float]


class RouteRecord(TypedDict):
    """A `Route` as plain values for JSON."""

    asked: str
    why: str
    served: str | None
    cached: bool
    cost: float | None
    limited: list[str]
    limited_ms: float
    ours_ms: float
    attempts: list[AttemptRecord]
    cache: NotRequired[CacheRecord]
    variant: NotRequired[VariantRecord]


_Priced = tuple[tuple[object, ...], dict[str, float]]
"""What a cost was reckoned from, and the cost: good as long as these are the same objects."""


@dataclass(slots=True)
class Attempt:
    """One request to one target.

    Attributes:
        target: `connection/model`, the name that means exactly this target.
        connection: Connection's name.
        provider: Provider's name.
        model: The provider's own model id.
        reason: Why this target: `first`, `failover`, `retry`, `fallback`, `new key`, `hedge`, `restart`; what was said
            otherwise after a refusal, such as `without temperature`; `batch` for a provider's own batch; `cache` if it answered an earlier call, whose
            answer was given again.
        outcome: `ok`, `cancelled` if another one beside it answered first, or the name of the error's class; empty
            while it runs.
        began_ms: Milliseconds from the start of the call to that of the attempt.
        ms: Milliseconds until the reply was whole, or the attempt failed.
        first_content_ms: Milliseconds to a stream's first content.
        usage: As the provider reported it, in OpenAI's shape.
        answered: The model that the answer names, None if it names none. In the record where it is another than
            `model`, as behind `openrouter/auto`.
        error: What went wrong.
        restated: What the request said otherwise than the caller, such as `max_tokens as max_completion_tokens`.
        estimated: Whether `usage`, and so the cost, is an estimate: the provider told none, because nobody waited for
            the end of its answer.
        hurried: Whether it timed out within less time than the client's own settings give: that says nothing of the
            target to calls that wait longer.
        rehearsed: Whether nothing was sent, and it failed because an outage is rehearsed.
        prompt: Name and version of the Langfuse prompt whose version for this model it was asked with; None for the one
            that the call itself names.
        messages: What was sent then in place of the call's messages.
        tier: The service tier that the answer names, such as `flex`; it has prices of its own.
        prices: What the target's row says that a token costs, in place of the price map's; None if it says nothing.
        request_id: The provider's id of a request that was answered whole; None if it told none, and for streams.
        times: What was measured on the way, for `connect_ms`, `first_byte_ms` and `longest_gap_ms`; None where nobody
            wants to know, as without a ledger.
    """

    target: str
    connection: str
    provider: str
    model: str
    reason: str
    outcome: str = ""
    began_ms: float = 0.0
    ms: float = 0.0
    first_content_ms: float | None = None
    usage: Mapping[str, Any] | None = None
    answered: str | None = None
    error: GenAIError | None = field(default=None, repr=False)
    restated: tuple[str, ...] = ()
    hurried: bool = False
    rehearsed: bool = False
    estimated: bool = False
    tier: object = None
    prices: Mapping[str, float] | None = field(default=None, repr=False)
    prompt: Mapping[str, Any] | None = None
    messages: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)
    request_id: str | None = None
    times: Times | None = field(default=None, repr=False)
    _priced: _Priced | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def connect_ms(self) -> float | None:
        """Milliseconds that its connection took; None where a kept one was used, or nothing was measured."""
        return None if self.times is None else self.times.connect_ms

    @property
    def first_byte_ms(self) -> float | None:
        """Milliseconds to the head of the answer; None where none came, or nothing was measured."""
        return None if self.times is None else self.times.first_byte_ms

    @property
    def longest_gap_ms(self) -> float | None:
        """Milliseconds of the longest silence in a stream after its first content; None without, or unmeasured."""
        return None if self.times is None else self.times.longest_gap_ms

    @property
    def status(self) -> int | None:
        """HTTP status: 200 for an answer, None where there was none."""
        if self.outcome == OK:
            return 200
        return self.error.status if isinstance(self.error, CallError) else None

    @property
    def prompt_tokens(self) -> int | None:
        """Tokens of the request, None if not reported."""
        return self.usage.get("prompt_tokens") if self.usage else None

    @property
    def completion_tokens(self) -> int | None:
        """Tokens of the answer, None if not reported."""
        return self.usage.get("completion_tokens") if self.usage else None

    @property
    def cost(self) -> float | None:
        """US dollars, None if usage or price is not known."""
        if self.reason == CACHE:
            return 0.0
        found = self._reckoned()
        return sum(found.values()) if found else None

    @property
    def costs(self) -> dict[str, float]:
        """US dollars by kind of token, as `models.prices.costs` names them; empty if usage or price is not known."""
        return {prices.TOTAL: 0.0} if self.reason == CACHE else self.listed

    @property
    def listed(self) -> dict[str, float]:
        """As `costs`, at the provider's prices also where the answer was kept and cost nothing."""
        return self._reckoned().copy()

    def _reckoned(self) -> dict[str, float]:
        # Headers, logs, traces and figures all ask for it, and it takes longer than the rest of what they do.
        of = (self.usage, self.answered, self.tier, self.prices)
        if self._priced is None or not all(map(is_, self._priced[0], of)):
            found = prices.costs(
                self.provider,
                self.model,
                cast("Usage | None", self.usage),
                self.answered,
                tier=self.tier,
                batch=self.reason == BATCH,
                own=self.prices,
            )
            self._priced = (of, found)
        return self._priced[1]

    def as_dict(self) -> AttemptRecord:
        """The attempt as plain values for JSON."""
        record: AttemptRecord = {
            "target": self.target,
            "connection": self.connection,
            "provider": self.provider,
            "model": self.model,
            "reason": self.reason,
            "outcome": self.outcome,
            "status": self.status,
            "began_ms": round(self.began_ms, 1),
            "ms": round(self.ms, 1),
            "first_content_ms": self.first_content_ms and round(self.first_content_ms, 1),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost": self.cost,
            "error": None if self.error is None else self.error.recorded(),
        }
        if self.answered and self.answered != self.model:
            record["answered"] = self.answered
        if self.restated:
            record["restated"] = list(self.restated)
        if self.rehearsed:
            record["rehearsed"] = True
        if self.estimated:
            record["estimated"] = True
        if self.prompt is not None:
            record["prompt"] = dict(self.prompt)
        if isinstance(self.tier, str) and self.tier:
            record["tier"] = self.tier
        if self.times is not None:
            _add_times(record, self.times)
        return record


def _add_times(record: AttemptRecord, times: Times) -> None:
    if times.connect_ms is not None:
        record["connect_ms"] = round(times.connect_ms, 1)
    if times.first_byte_ms is not None:
        record["first_byte_ms"] = round(times.first_byte_ms, 1)
    if times.longest_gap_ms is not None:
        record["longest_gap_ms"] = round(times.longest_gap_ms, 1)


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What a cache had to do with an answer.

    Attributes:
        status: `HIT` and `STALE` for a kept answer.
        age: Seconds since that was kept; None for any other.
        attempt: What stands for it in the route; None for any other.
        is_similar: Whether it was given to the same question in other words.
    """

    status: CacheStatus
    age: float | None = None
    attempt: Attempt | None = field(default=None, repr=False)
    is_similar: bool = False

    @property
    def saved(self) -> float | None:
        """US dollars that were not paid: 0.0 where somebody was asked, None where the price is not known."""
        if self.attempt is None:
            return 0.0
        found = self.attempt.listed
        return sum(found.values()) if found else None

    def as_dict(self) -> CacheRecord:
        """The same as plain values for JSON."""
        age = None if self.age is None else round(self.age, 3)
        record: CacheRecord = {"status": self.status, "age": age, "saved": self.saved}
        if self.is_similar:
            record["similar"] = True
        return record


BYPASS = CacheUse("BYPASS")
MISS = CacheUse("MISS")


@dataclass(slots=True)
class Route:
    """Every attempt of one call, in order.

    Attributes:
        asked: The model name as the caller wrote it.
        attempts: In the order in which they ended; the last one answered if the call succeeded.
        why: Why its first target was to be asked first.
        limited: Which limits and budgets kept it from a target, or made it wait.
        limited_ms: Milliseconds that it waited for them.
        ours_ms: Milliseconds beside the attempts that this library and its own parts took, mostly in a process's first
            calls: loading, reading keys and prompts, asking a cache or Redis. No attempt's `ms` has any of it.
        cache: What a cache had to do with it; `BYPASS` where there is none.
        assignment: Which model an experiment or a rollout gave the call to; None where the name is none of those.
        trace_id: Of its trace in Langfuse, in hex; None where it is not recorded.
    """

    asked: str
    attempts: list[Attempt] = field(default_factory=list)
    why: str = ""
    limited: list[str] = field(default_factory=list)
    limited_ms: float = 0.0
    ours_ms: float = 0.0
    cache: CacheUse = BYPASS
    assignment: Assignment | None = None
    trace_id: str | None = None

    @property
    def variant(self) -> Variant | None:
        """The model that an experiment or a rollout gave the call to, and the one that answered; None for neither."""
        return None if self.assignment is None else self.assignment.told(self.served)

    @property
    def served(self) -> str | None:
        """The target that answered, None if none did."""
        last = self.attempts[-1] if self.attempts else None
        return last.target if last and last.outcome == OK else None

    @property
    def cached(self) -> bool:
        """Whether the answer was kept from an earlier call: `cache.status` is `HIT` or `STALE`."""
        return self.cache.attempt is not None

    @property
    def cost(self) -> float | None:
        """US dollars of all attempts whose cost is known; None if none is."""
        if len(self.attempts) == 1:
            return self.attempts[0].cost
        return _together(attempt.cost for attempt in self.attempts)

    def as_dict(self) -> RouteRecord:
        """The route as plain values for JSON."""
        attempts = [attempt.as_dict() for attempt in self.attempts]
        record: RouteRecord = {
            "asked": self.asked,
            "why": self.why,
            "served": self.served,
            "cached": self.cached,
            "cost": _together(row["cost"] for row in attempts),
            "limited": list(self.limited),
            "limited_ms": round(self.limited_ms, 1),
            "ours_ms": round(self.ours_ms, 1),
            "attempts": attempts,
        }
        if self.cache is not BYPASS:
            record["cache"] = self.cache.as_dict()
        if variant := self.variant:
            record["variant"] = variant.as_dict()
        return record

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from genai_integrations.calls.views import route_bundle

        return route_bundle(self)

    def __str__(self) -> str:
        """One line: `seoul/gpt-4o ServerError 12 ms -> usa/gpt-4o ok 230 ms`, or `usa/gpt-4o cached 0 ms`."""
        return " -> ".join(map(_told, self.attempts))


def _together(costs: Iterable[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


def _told(attempt: Attempt) -> str:
    outcome = "cached" if attempt.reason == CACHE else attempt.outcome
    rehearsed = " (rehearsed)" if attempt.rehearsed else ""
    return f"{attempt.target} {outcome}{rehearsed} {attempt.ms:.0f} ms"
