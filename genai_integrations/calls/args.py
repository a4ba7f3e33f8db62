"""`router_args`: LiteLLM Router's names and shapes, and a few of our own, checked when a client is made."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args
from urllib.parse import quote

from genai_integrations.calls import checks
from genai_integrations.calls.cache_control import CacheControl, cache_control
from genai_integrations.errors import CallError, ConfigurationError
from genai_integrations.runtime.given import shown

if TYPE_CHECKING:
    from genai_integrations.calls.capabilities import Capabilities
    from genai_integrations.calls.choices import Auto, CascadeOf
    from genai_integrations.calls.conditions import Rule
    from genai_integrations.calls.groups import Groups
    from genai_integrations.calls.variants import Experiment, Rollout
    from genai_integrations.limits.purse import Purse

StrategyName = Literal[
    "ordered",
    "simple-shuffle",
    "latency-based-routing",
    "least-busy",
    "usage-based-routing-v2",
    "cost-based-routing",
]
"""Orders in which the targets of one name are tried; `routing.strategies.STRATEGIES` has a function for each."""

AUTO = "auto"
"""The name that asks for a choice, by `RouterArgs.auto`."""

OwnStrategy = Callable[..., Sequence[Any]]
"""A program's own: `(request, targets) -> targets`, those to try in their order; see `routing.strategies.Strategy`."""

StickyBy = Literal["user", "session"]
"""Whose calls stay together."""

DropParams = bool | tuple[str, ...]
"""Whether parameters may be left out; names are those that may not."""

Fallbacks = Mapping[str, tuple[str, ...]]
"""For a model name, the names to go to instead."""


@dataclass(frozen=True)
class RouterArgs:
    """How calls are routed.

    Attributes:
        fallbacks: `[{"gpt-4o": ["gpt-4o-mini"]}]`; the name `*` stands for every other name.
        default_fallbacks: For names that `fallbacks` does not have.
        context_window_fallbacks: Where to go when the request is too long. Without, the error is raised.
        content_policy_fallbacks: Where to go when a content filter stops the request or the answer.
        num_retries: A call makes up to `1 + num_retries` attempts, and one at each target at least.
        retry_after: Seconds to wait at least before a target is tried again.
        timeout: Seconds for one attempt; in a stream, also for each silence after the first content.
        stream_timeout: Seconds to the first content of a stream; None means `timeout`.
        stall_timeout: Seconds to each further chunk of a stream after its first content; None means that only silences
            count, by `timeout`.
        stream_recovery: `restart` begins a stream that breaks anew, at another target if it can be; None raises.
        hedge_after: Seconds without an answer, of a stream without content, after which a second target is asked beside
            the first; `p95` for the time in which the target gives 95 of 100 answers; None for never.
        deadline: Seconds for the whole call with all attempts and waits; None means no bound.
        allowed_fails: Failures within a minute that a target may have before it is left alone.
        cooldown_time: Seconds that a failed target is left alone while others can answer.
        model_group_alias: `{"fast": "gpt-4o-mini"}`.
        max_fallbacks: Names that one call may fall back to.
        routing_strategy: Order of the targets of one name: by name, or a callable of the program's own. None shuffles
            groups by their weights, and leaves the connections of other names as they are listed.
        fallback_on: HTTP statuses and classes of our errors that lead to another target, in place of the
            usual set: everything but a refusal of the request itself.
        drop_params: Whether a parameter that a target does not take may be left out, and a schema that it cannot
            enforce be asked for otherwise. A list names parameters that may not be left out.
        cache_responses: Keep answers in memory, and give them again to the same question: as
            `GenAIClient(cache="memory")`.
        cache_kwargs: How many are kept, and for how long: `ttl` and `stale` (seconds), `max_size_in_memory` (answers),
            `max_bytes`.
        cache: What one call wants of it: `{"refresh": True}` asks anew, `{"no_store": True}` keeps nothing,
            `{"ttl": 60}` keeps the answer so many seconds, `{"semantic": True}` takes an answer to the same question in
            other words.
        max_cost: Most US dollars that a call may cost at worst, all attempts together, or a `Purse` that several
            calls share. A target that may cost more is passed over; without another one the call raises.
        allowed_models: Patterns of the models that calls may use, `["gpt-4o*"]`; they bind fallbacks too. None for all.
        model_list: Groups of targets behind names of your own, in LiteLLM's rows.
        sticky_by: `user` or `session`: calls of one go to the same target, where a provider's prompt cache is warm.
        region_preference: `["ap-northeast-2", "eu"]`: targets in an earlier region are tried before the others.
        conditions: Rules that lead a call to another name, `[{"if": {"language": "ko"}, "then": "gpt-4o"}]`; the
            first that holds counts. See `calls.conditions`.
        capabilities: What models can do where the tables do not know it or are wrong:
            `{"llama3.2": {"vision": False, "max_input_tokens": 8192}}`, by a model's id or a target's name.
        auto: What `model="auto"` chooses from, `{"models": ["gpt-4o", "gpt-4o-mini"], "prefer": "cheapest"}`.
        cascades: Names of models that are asked one after the other until an answer is accepted,
            `{"thrifty": {"models": ["gpt-4o-mini", "gpt-4o"], "accept": accept}}`.
        experiments: Names whose calls are split over models: `Experiment`, or mappings with its names.
        rollouts: Names whose calls move from an old model to a new one: `Rollout`, or mappings with its names.
        redis_url: `redis://host:6379/0`: processes that name the same server share cooldowns, usage and rollouts.
        redis_host: Its host, where `redis_url` is not given.
        redis_port: Its port.
        redis_password: Its password.
        state_file: A file in which that is kept instead, for one machine.
    """

    fallbacks: Fallbacks = field(default_factory=dict)
    default_fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: Fallbacks = field(default_factory=dict)
    content_policy_fallbacks: Fallbacks = field(default_factory=dict)
    num_retries: int = 2
    retry_after: float = 0.0
    timeout: float = 600.0
    stream_timeout: float | None = None
    stall_timeout: float | None = None
    stream_recovery: Literal["restart"] | None = None
    hedge_after: float | Literal["p95"] | None = None
    deadline: float | None = None
    allowed_fails: int = 0
    cooldown_time: float = 5.0
    model_group_alias: Mapping[str, str] = field(default_factory=dict)
    max_fallbacks: int = 5
    routing_strategy: StrategyName | OwnStrategy | None = None
    fallback_on: tuple[int | type[CallError], ...] | None = None
    drop_params: DropParams = True
    cache_responses: bool = False
    cache_kwargs: Mapping[str, Any] = field(default_factory=dict)
    cache: CacheControl = field(default_factory=CacheControl)
    max_cost: float | Purse | None = None
    allowed_models: tuple[str, ...] | None = None
    model_list: Groups = field(default_factory=dict)
    sticky_by: StickyBy | None = None
    region_preference: tuple[str, ...] = ()
    conditions: tuple[Rule, ...] = ()
    capabilities: Capabilities = field(default_factory=dict)
    auto: Auto | None = None
    cascades: Mapping[str, CascadeOf] = field(default_factory=dict)
    experiments: tuple[Experiment, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    redis_url: str | None = None
    redis_host: str | None = None
    redis_port: int = 6379
    redis_password: str | None = None
    state_file: str | None = None

    @property
    def redis_address(self) -> str:
        """The Redis server that processes share; empty for none."""
        if self.redis_url or not self.redis_host:
            return self.redis_url or ""
        password = self.redis_password
        user = f":{quote(password, safe='')}@" if password else ""
        return f"redis://{user}{self.redis_host}:{self.redis_port}/0"

    def for_call(self, given: Mapping[str, Any]) -> RouterArgs:
        """These arguments with those that one call gives (`PER_CALL`) in place.

        Raises:
            ConfigurationError: One of them cannot work.
        """
        try:
            own = _checked(given)
        except ConfigurationError as error:
            raise checks.by_itself(error) from None
        # `dataclasses.replace` sets all of forty fields, one by one, and many calls have a time-out of their own.
        made = object.__new__(RouterArgs)
        vars(made).update(vars(self), **own)
        return made


PER_CALL = frozenset(
    (
        *("timeout", "stream_timeout", "stall_timeout", "stream_recovery", "deadline"),
        *("num_retries", "fallback_on", "drop_params", "cache", "max_cost"),
        "allowed_models",
    )
)
"""Arguments that a single call may set for itself."""

CALL_FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
"""Arguments that a call may have, too, in shapes of its own: see `calls.fallbacks`."""

DISABLE_FALLBACKS = "disable_fallbacks"
"""A call's argument for none of those."""


ROUTER_ARGS = frozenset(row.name for row in dataclasses.fields(RouterArgs))
"""The name of every argument."""


def may_drop(name: str, drop_params: DropParams) -> bool:
    """Whether a parameter may be left out, by `RouterArgs.drop_params`."""
    return drop_params if isinstance(drop_params, bool) else name not in drop_params


def router_args(given: Mapping[str, Any] | RouterArgs | None) -> RouterArgs:
    """Check what a user gave; what was checked before is taken as it is, so that many clients can share it.

    Raises:
        ConfigurationError: A name is unknown or a value cannot work; the message lists what is supported.
    """
    if isinstance(given, RouterArgs):
        return given
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError(
            f'router_args must be a mapping like {{"num_retries": 2}}, not {type(given).__name__}'
        )
    return RouterArgs(**_checked(given or {}))


def _checked(given: Mapping[str, object]) -> dict[str, Any]:
    for name in given:
        if name not in ROUTER_ARGS:
            near = difflib.get_close_matches(shown(name).strip("'"), ROUTER_ARGS, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigurationError(
                f"router_args has no {shown(name)}: {hint}the supported ones are {', '.join(_CHECKS)}"
            )
    return {name: _CHECKS[name](name, value) for name, value in given.items()}


def fallback_table(name: str, value: object) -> Fallbacks:
    """The names to go to, by a model's name."""
    rows = [value] if isinstance(value, Mapping) else value
    wanted = 'a list like [{"gpt-4o": ["gpt-4o-mini"]}]'
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise checks.wrong(name, value, wanted)
    merged: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise checks.wrong(name, value, wanted)
        for model, others in row.items():
            if model in merged:
                raise ConfigurationError(f"router_args[{name!r}] names {shown(model)} twice")
            merged[model] = checks.names(name, others)
    return merged


def _aliases(name: str, value: object) -> Mapping[str, str]:
    """LiteLLM's two shapes: a name, or `{"model": name, "hidden": bool}`."""
    wanted = 'a mapping like {"fast": "gpt-4o-mini"}'
    if not isinstance(value, Mapping):
        raise checks.wrong(name, value, wanted)
    plain = {
        alias: meant.get("model") if isinstance(meant, Mapping) else meant
        for alias, meant in value.items()
    }
    aliases = {alias: meant for alias, meant in plain.items() if isinstance(meant, str) and meant}
    if len(aliases) != len(plain):
        raise checks.wrong(name, value, wanted)
    return aliases


def _strategy(name: str, value: object) -> StrategyName | OwnStrategy | None:
    if value is None or callable(value):
        return value
    known = get_args(StrategyName)
    if value not in known:
        raise checks.wrong(name, value, f"one of {', '.join(known)}")
    return cast("StrategyName", value)


def _hedge_after(name: str, value: object) -> float | Literal["p95"] | None:
    if value is None or value == "p95":
        return value
    if isinstance(value, str):
        raise checks.wrong(name, value, "a number of seconds above 0, 'p95' or None")
    return checks.seconds(name, value)


def _recovery(name: str, value: object) -> Literal["restart"] | None:
    if value is None or value == "restart":
        return value
    raise checks.wrong(name, value, "'restart' or None")


def _model_list(name: str, value: object) -> Groups:
    # Rows know providers and prices: who has none does not load that.
    from genai_integrations.calls.groups import model_list

    return model_list(name, value)


def _experiments(name: str, value: object) -> tuple[Experiment, ...]:
    from genai_integrations.calls.variants import experiments

    return experiments(name, value)


def _rollouts(name: str, value: object) -> tuple[Rollout, ...]:
    from genai_integrations.calls.variants import rollouts

    return rollouts(name, value)


def _sticky_by(name: str, value: object) -> StickyBy | None:
    if value is None or value in get_args(StickyBy):
        return cast("StickyBy | None", value)
    raise checks.wrong(name, value, f"one of {', '.join(get_args(StickyBy))}")


def _fallback_on(name: str, value: object) -> tuple[int | type[CallError], ...] | None:
    if value is None:
        return None
    items = tuple(value) if isinstance(value, (Sequence, set, frozenset)) else ()
    if not items or not all(_is_status(item) or _is_error(item) for item in items):
        raise checks.wrong(
            name, value, "a list of HTTP statuses and error classes of genai_integrations"
        )
    return items


def _max_cost(name: str, value: object) -> object:
    if value is None:
        return None
    # Most programs have no caps, and load nothing for them.
    from genai_integrations.limits.purse import Purse
    from genai_integrations.limits.rules import is_amount

    if isinstance(value, Purse):
        return value
    if not is_amount(value):
        raise checks.wrong(name, value, "US dollars, 0 or more, or a Purse")
    return float(value)  # type: ignore[arg-type]  # just checked


def _is_status(item: object) -> bool:
    return isinstance(item, int) and item in range(100, 600)


def _is_error(item: object) -> bool:
    return isinstance(item, type) and issubclass(item, CallError)


_CHECKS: Mapping[str, checks.Check] = {
    "fallbacks": fallback_table,
    "default_fallbacks": checks.names,
    "context_window_fallbacks": fallback_table,
    "content_policy_fallbacks": fallback_table,
    "num_retries": checks.count,
    "retry_after": checks.seconds_or_zero,
    "timeout": checks.seconds,
    "stream_timeout": checks.seconds_or_none,
    "stall_timeout": checks.seconds_or_none,
    "stream_recovery": _recovery,
    "hedge_after": _hedge_after,
    "deadline": checks.seconds_or_none,
    "allowed_fails": checks.count,
    "cooldown_time": checks.seconds_or_zero,
    "model_group_alias": _aliases,
    "max_fallbacks": checks.count,
    "routing_strategy": _strategy,
    "fallback_on": _fallback_on,
    "drop_params": checks.flag_or_names,
    "cache_responses": checks.flag,
    "cache_kwargs": checks.options(
        ttl=checks.seconds,
        stale=checks.seconds_or_zero,
        max_size_in_memory=checks.above_zero,
        max_bytes=checks.above_zero,
    ),
    "max_cost": _max_cost,
    "experiments": _experiments,
    "rollouts": _rollouts,
    "redis_url": checks.secret_text,
    "redis_host": checks.text_or_none,
    "redis_port": checks.above_zero,
    "redis_password": checks.secret_text,
    "state_file": checks.text_or_none,
    "cache": cache_control,
    "allowed_models": checks.names_or_none,
    "model_list": _model_list,
    "sticky_by": _sticky_by,
    "region_preference": checks.names,
    "conditions": checks.of_module("conditions"),
    "capabilities": checks.of_module("capabilities"),
    "auto": checks.of_module("choices"),
    "cascades": checks.of_module("choices"),
}
