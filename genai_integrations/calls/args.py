"""`router_args`: LiteLLM Router's names and shapes, and a few of our own, checked when a client is made."""

from __future__ import annotations

import dataclasses
import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from genai_integrations.errors import CallError, ConfigurationError
from genai_integrations.runtime.given import shown

StrategyName = Literal["ordered", "simple-shuffle"]
"""Orders in which the targets of one name are tried; `routing.strategies.STRATEGIES` has a function for each."""

OwnStrategy = Callable[..., Sequence[Any]]
"""A program's own: `(request, targets) -> targets`, those to try in their order; see `routing.strategies.Strategy`."""

DropParams = bool | tuple[str, ...]
"""Whether parameters may be left out; names are those that may not."""

Fallbacks = Mapping[str, tuple[str, ...]]
"""For a model name, the names to go to instead."""


@dataclass(frozen=True, slots=True)
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
        deadline: Seconds for the whole call with all attempts and waits; None means no bound.
        allowed_fails: Failures within a minute that a target may have before it is left alone.
        cooldown_time: Seconds that a failed target is left alone while others can answer.
        model_group_alias: `{"fast": "gpt-4o-mini"}`.
        max_fallbacks: Names that one call may fall back to.
        routing_strategy: Order of the connections that serve one name: by name, or a callable of the program's own.
        fallback_on: HTTP statuses and classes of our errors that lead to another target, in place of the
            usual set: everything but a refusal of the request itself.
        drop_params: Whether a parameter that a target does not take may be left out, and a schema that it cannot
            enforce be asked for otherwise. A list names parameters that may not be left out.
        cache_responses: Keep answers in memory, and give them again to the same question.
        cache_kwargs: How many are kept: `ttl` (seconds), `max_size_in_memory` (answers), `max_bytes`.
        cache: What one call wants of it: `{"no-cache": True}` asks anew, `{"no-store": True}` keeps nothing,
            `{"ttl": 60}` keeps the answer so many seconds.
    """

    fallbacks: Fallbacks = field(default_factory=dict)
    default_fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: Fallbacks = field(default_factory=dict)
    content_policy_fallbacks: Fallbacks = field(default_factory=dict)
    num_retries: int = 2
    retry_after: float = 0.0
    timeout: float = 600.0
    stream_timeout: float | None = None
    deadline: float | None = None
    allowed_fails: int = 0
    cooldown_time: float = 5.0
    model_group_alias: Mapping[str, str] = field(default_factory=dict)
    max_fallbacks: int = 5
    routing_strategy: StrategyName | OwnStrategy = "ordered"
    fallback_on: tuple[int | type[CallError], ...] | None = None
    drop_params: DropParams = True
    cache_responses: bool = False
    cache_kwargs: Mapping[str, Any] = field(default_factory=dict)
    cache: Mapping[str, Any] = field(default_factory=dict)

    def for_call(self, given: Mapping[str, Any]) -> RouterArgs:
        """These arguments with those that one call gives (`PER_CALL`) in place.

        Raises:
            ConfigurationError: One of them cannot work.
        """
        return dataclasses.replace(self, **_checked(given))


PER_CALL = frozenset(
    ("timeout", "stream_timeout", "deadline", "num_retries", "fallback_on", "drop_params", "cache")
)
"""Arguments that a single call may set for itself."""


ROUTER_ARGS = frozenset(row.name for row in dataclasses.fields(RouterArgs))
"""The name of every argument."""


def may_drop(name: str, drop_params: DropParams) -> bool:
    """Whether a parameter may be left out, by `RouterArgs.drop_params`."""
    return drop_params if isinstance(drop_params, bool) else name not in drop_params


def router_args(given: Mapping[str, Any] | None) -> RouterArgs:
    """Check what a user gave.

    Raises:
        ConfigurationError: A name is unknown or a value cannot work; the message lists what is supported.
    """
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
                f"router_args has no {shown(name)}: {hint}supported are {', '.join(_CHECKS)}"
            )
    return {name: _CHECKS[name](name, value) for name, value in given.items()}


_Check = Callable[[str, object], object]
"""Takes a name and what was given for it; gives the value to keep, or raises."""


def _wrong(name: str, value: object, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"router_args[{name!r}] must be {wanted}, not {shown(value)}")


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(name, value, "a whole number from 0 on")
    return value


def _seconds(name: str, value: object) -> float:
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 0 < value <= sys.float_info.max
    ):
        return float(value)
    raise _wrong(name, value, "a number of seconds above 0")


def _seconds_or_none(name: str, value: object) -> float | None:
    return None if value is None else _seconds(name, value)


def _seconds_or_zero(name: str, value: object) -> float:
    return 0.0 if value == 0 and not isinstance(value, bool) else _seconds(name, value)


def _names(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        names = tuple(item for item in value if isinstance(item, str) and item)
        if len(names) == len(value):
            return names
    raise _wrong(name, value, "a list of model names")


def _fallbacks(name: str, value: object) -> Fallbacks:
    rows = [value] if isinstance(value, Mapping) else value
    wanted = 'a list like [{"gpt-4o": ["gpt-4o-mini"]}]'
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise _wrong(name, value, wanted)
    merged: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise _wrong(name, value, wanted)
        for model, others in row.items():
            if model in merged:
                raise ConfigurationError(f"router_args[{name!r}] names {shown(model)} twice")
            merged[model] = _names(name, others)
    return merged


def _aliases(name: str, value: object) -> Mapping[str, str]:
    """LiteLLM's two shapes: a name, or `{"model": name, "hidden": bool}`."""
    wanted = 'a mapping like {"fast": "gpt-4o-mini"}'
    if not isinstance(value, Mapping):
        raise _wrong(name, value, wanted)
    plain = {
        alias: meant.get("model") if isinstance(meant, Mapping) else meant
        for alias, meant in value.items()
    }
    aliases = {alias: meant for alias, meant in plain.items() if isinstance(meant, str) and meant}
    if len(aliases) != len(plain):
        raise _wrong(name, value, wanted)
    return aliases


def _strategy(name: str, value: object) -> StrategyName | OwnStrategy:
    if callable(value):
        return value
    known = get_args(StrategyName)
    if value not in known:
        raise _wrong(name, value, f"one of {', '.join(known)}")
    return cast("StrategyName", value)


def _fallback_on(name: str, value: object) -> tuple[int | type[CallError], ...] | None:
    if value is None:
        return None
    items = tuple(value) if isinstance(value, (Sequence, set, frozenset)) else ()
    if not items or not all(_is_status(item) or _is_error(item) for item in items):
        raise _wrong(name, value, "a list of HTTP statuses and error classes of genai_integrations")
    return items


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "True or False")
    return value


def _flag_or_names(name: str, value: object) -> DropParams:
    return value if isinstance(value, bool) else _names(name, value)


def _above_zero(name: str, value: object) -> int:
    count = _count(name, value)
    if count == 0:
        raise _wrong(name, value, "a whole number above 0")
    return count


def _options(**checks: _Check) -> _Check:
    """The check of a mapping that may have these keys, each with a check of its own."""

    def check(name: str, value: object) -> Mapping[str, Any]:
        if not isinstance(value, Mapping) or not checks.keys() >= value.keys():
            raise _wrong(name, value, f"a mapping with no other keys than {', '.join(checks)}")
        return {key: checks[key](f"{name}.{key}", item) for key, item in value.items()}

    return check


def _is_status(item: object) -> bool:
    return isinstance(item, int) and item in range(100, 600)


def _is_error(item: object) -> bool:
    return isinstance(item, type) and issubclass(item, CallError)


_CHECKS: Mapping[str, _Check] = {
    "fallbacks": _fallbacks,
    "default_fallbacks": _names,
    "context_window_fallbacks": _fallbacks,
    "content_policy_fallbacks": _fallbacks,
    "num_retries": _count,
    "retry_after": _seconds_or_zero,
    "timeout": _seconds,
    "stream_timeout": _seconds_or_none,
    "deadline": _seconds_or_none,
    "allowed_fails": _count,
    "cooldown_time": _seconds_or_zero,
    "model_group_alias": _aliases,
    "max_fallbacks": _count,
    "routing_strategy": _strategy,
    "fallback_on": _fallback_on,
    "drop_params": _flag_or_names,
    "cache_responses": _flag,
    "cache_kwargs": _options(ttl=_seconds, max_size_in_memory=_above_zero, max_bytes=_above_zero),
    "cache": _options(**{"no-cache": _flag, "no-store": _flag, "ttl": _seconds}),
}
