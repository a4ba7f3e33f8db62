"""Groups of `model_list`: who answers to their names, and what their rows say of how."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.calls.groups import Groups, Row
from genai_integrations.calls.request import Request
from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.routing.deployments import Deployment, Plan, Target, by_order


def own_connections(groups: Groups) -> dict[str, Connection]:
    """The connections that rows bring along, by name."""
    rows = (row.connection for group in groups.values() for row in group)
    return {row.name: row for row in rows if isinstance(row, Connection)}


def rows_by_pattern(groups: Groups, name: str) -> Sequence[Row]:
    """The rows of the pattern that a name fits, with what its `*` stands for filled in; of several, the longest."""
    fitting = (
        pattern for pattern in groups if "*" in pattern and _filling(pattern, name) is not None
    )
    pattern = max(fitting, key=len, default=None)
    if pattern is None:
        return ()
    filling = _filling(pattern, name) or ""
    return [
        dataclasses.replace(row, model=row.model.replace("*", filling)) for row in groups[pattern]
    ]


def _filling(pattern: str, name: str) -> str | None:
    """What the `*` of a pattern stands for in a name that fits; None if it does not."""
    before, _, after = pattern.partition("*")
    fits = len(name) > len(before) + len(after) and name.startswith(before) and name.endswith(after)
    return name[len(before) : len(name) - len(after)] if fits else None


def targets_of(
    rows: Sequence[Row],
    found: Callable[[str], Iterable[Target]],
    own_id: Callable[[Connection, str], str],
    stored: Container[str],
) -> tuple[list[Target], list[str]]:
    """The targets of a group, those of a smaller `order` first, and why other rows have none.

    Args:
        rows: The group's.
        found: The targets of any other name.
        own_id: The provider's id of a model at a connection.
        stored: Names of the connections that no row brings along.
    """
    weights = _weights(rows)
    targets: dict[str, Target] = {}
    missing: list[str] = []
    for row in rows:
        meant = () if _is_taken(row, stored) else tuple(_meant(row, found, own_id))
        new = [target for target in meant if target.name not in targets]
        if not new:
            missing.append(f"{_place(row)}: {_why_not(row, stored, bool(meant))}")
        for target in new:
            # A name that several connections serve is one row, and has one row's share.
            targets[target.name] = _target(row, target, weights[row.number] / len(new))
    return list(by_order(targets.values())), missing


def with_defaults(request: Request, defaults: Mapping[str, Any]) -> Request:
    """The request as it goes to a target whose row has parameters of its own: what the call says leads."""
    if not defaults:
        return request
    body = request.body
    # They are two names of one limit, and providers refuse both at once.
    said = _LIMITS if not _LIMITS.isdisjoint(body) else ()
    kept = {name: value for name, value in defaults.items() if name not in said}
    return dataclasses.replace(request, body={**kept, **body})


_LIMITS = frozenset(("max_tokens", "max_completion_tokens"))


def row_timeouts(request: Request) -> Callable[[Target], float | None] | None:
    """What gives the time-out that a target's row has for a request; None if the call itself has one."""
    if sets_timeout(request):
        return None
    return _of_stream if request.stream else _of_reply


def sets_timeout(request: Request) -> bool:
    """Whether a call has a time-out of its own, which holds in place of those of rows."""
    return not _TIMEOUTS.isdisjoint(request.own)


def longest_timeout(plan: Plan, request: Request) -> float:
    """The longest time-out that a row has among the targets of a plan; 0 if none has one."""
    of = _of_stream if request.stream else _of_reply
    return max(
        (of(row) or 0.0 for group in (plan.targets, *plan.fallbacks) for row in group), default=0.0
    )


_TIMEOUTS = frozenset(("timeout", "stream_timeout"))


def _of_reply(target: Target) -> float | None:
    return target.deployment.timeout


def _of_stream(target: Target) -> float | None:
    return target.deployment.stream_timeout or target.deployment.timeout


def _meant(
    row: Row,
    found: Callable[[str], Iterable[Target]],
    own_id: Callable[[Connection, str], str],
) -> Iterable[Target]:
    if isinstance(row.connection, BrokenConnection):
        return ()
    if row.connection is None:
        return found(row.model)
    return (Target(Deployment(row.connection, own_id(row.connection, row.model))),)


def _target(row: Row, target: Target, weight: float) -> Target:
    deployment = dataclasses.replace(
        target.deployment,
        weight=weight,
        order=row.order,
        rpm=row.rpm,
        tpm=row.tpm,
        tags=row.tags,
        timeout=row.timeout,
        stream_timeout=row.stream_timeout,
        region=row.region or target.deployment.region,
        prices=row.prices or None,
        defaults=row.defaults,
    )
    how = f": {target.why}" if target.why else ""
    return Target(deployment, f"{_named(row)}{how}", row.group)


def _named(row: Row) -> str:
    weight = "" if row.weight is None else f", weight {row.weight:g}"
    order = f", order {row.order}" if row.order else ""
    return f"{_place(row)}{order}{weight}"


def _place(row: Row) -> str:
    return f"row {row.number} of {row.group!r}"


def _is_taken(row: Row, stored: Container[str]) -> bool:
    """Whether the row's own connection has the name of another: keys are read anew, and failures counted, by names."""
    return row.connection is not None and row.connection.name in stored


def _why_not(row: Row, stored: Container[str], is_known: bool) -> str:
    if isinstance(row.connection, BrokenConnection):
        return str(row.connection.error)
    if row.connection is not None and _is_taken(row, stored):
        return (
            f"another connection is named {row.connection.name!r}: give its model_info another id"
        )
    return (
        "the same target as a row before it" if is_known else f"no connection serves {row.model!r}"
    )


def _weights(rows: Sequence[Row]) -> dict[int, float]:
    """The weight of each row by its number.

    As in LiteLLM's simple shuffle (`litellm/router_strategy/simple_shuffle.py`): among the rows of one order `weight`
    counts if any row has one, else `rpm`, else `tpm`, and then a row without has no share; with none all are equal.
    """
    found: dict[int, float] = {}
    ranked = sorted(rows, key=lambda row: row.order)
    for _, level in itertools.groupby(ranked, key=lambda row: row.order):
        found |= _of_level(list(level))
    return found


def _of_level(rows: Sequence[Row]) -> Mapping[int, float]:
    kinds: Iterator[dict[int, float]] = (
        {row.number: float(getattr(row, kind) or 0.0) for row in rows}
        for kind in ("weight", "rpm", "tpm")
    )
    equal = dict.fromkeys((row.number for row in rows), 1.0)
    return next((weights for weights in kinds if any(weights.values())), equal)
