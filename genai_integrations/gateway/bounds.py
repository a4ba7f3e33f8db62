"""What a caller may not raise: one request takes as much time, money and attempts as the operator allows, or less."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

from genai_integrations.cache.kept import TTL
from genai_integrations.calls.args import CALL_FALLBACKS, RouterArgs
from genai_integrations.gateway.refusals import Refused
from genai_integrations.limits.purse import Purse

_BOUNDS: Mapping[str, Callable[[RouterArgs], float | Purse | None]] = {
    "num_retries": lambda args: args.num_retries,
    "timeout": lambda args: args.timeout,
    # Without one of its own, `timeout` is what holds.
    "stream_timeout": lambda args: args.stream_timeout or args.timeout,
    "stall_timeout": lambda args: args.stall_timeout or args.timeout,
    "deadline": lambda args: args.deadline,
    "max_cost": lambda args: args.max_cost,
}
"""By the argument of a call, the operator's own; None where it has no bound."""

_CACHE = "cache"

_BOUNDED = frozenset((*_BOUNDS, *CALL_FALLBACKS, _CACHE))


LONGEST_NAME = 512
"""Letters of a model's name: it goes into a header of the answer, and whoever looks it up goes through its parts."""


def check_length(model: str, param: str) -> None:
    """Refuse a name that no model has.

    Args:
        model: The name.
        param: Which part of the request has it.

    Raises:
        Refused: It is too long.
    """
    if len(model) > LONGEST_NAME:
        raise Refused(
            400, "invalid_request", f"no model's name is longer than {LONGEST_NAME}", param=param
        )


def keep_within(params: dict[str, Any], args: RouterArgs) -> None:
    """Take out of a call's parameters what is more than the operator allows, so that the operator's own holds.

    Args:
        params: Of the call; they are changed.
        args: The operator's.

    Raises:
        Refused: It names more fallbacks than the operator's `max_fallbacks`.
        ConfigurationError: What it says of them cannot be meant.
    """
    if _BOUNDED.isdisjoint(params):
        return
    for name in _BOUNDED.intersection(params):
        if name in CALL_FALLBACKS:
            _check_fallbacks(name, params, args.max_fallbacks)
        elif name == _CACHE:
            params[name] = _not_longer(params[name], args)
        elif _raises(params[name], _BOUNDS[name](args)):
            del params[name]


def _check_fallbacks(name: str, params: Mapping[str, Any], most: int) -> None:
    from genai_integrations.calls.fallbacks import names_in

    if len(set(names_in({name: params[name]}))) > most:
        raise Refused(
            400,
            "invalid_request",
            f"{name} names more models than the {most} that one request may fall back to here",
            param=name,
        )


def _not_longer(asked: object, args: RouterArgs) -> object:
    """What is asked of the kept answers, which all keys of a project share, without a longer time than they have."""
    if not isinstance(asked, Mapping) or "ttl" not in asked:
        return asked
    bound = args.cache.ttl or args.cache_kwargs.get("ttl", TTL)
    if not _raises(asked["ttl"], bound):
        return asked
    return {name: value for name, value in asked.items() if name != "ttl"}


def _raises(asked: object, bound: float | Purse | None) -> bool:
    """Whether it is more than the bound, or none; a purse is shared by calls. What is no number the client refuses."""
    if bound is None or isinstance(asked, bool) or not isinstance(asked, (float, int, NoneType)):
        return False
    return asked is None or isinstance(bound, Purse) or asked > bound
