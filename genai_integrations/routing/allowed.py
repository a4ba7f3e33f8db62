"""The part of a plan that a call may use, where it may use some models only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.calls.allowed import may_use, naming
from genai_integrations.calls.args import Fallbacks, RouterArgs
from genai_integrations.calls.request import Request
from genai_integrations.errors import ConfigurationError, UnknownModelError
from genai_integrations.routing.deployments import Plan, Target
from genai_integrations.routing.names import Names


def allowed(plan: Plan, request: Request, names: Names, args: RouterArgs) -> Plan:
    """The plan without the targets that `allowed_models` does not let the call use, its fallbacks among them.

    A target may be used if a pattern fits itself, its group, or a name that means it: the one that is asked for, or one
    that is fallen back to or chosen from.

    Raises:
        UnknownModelError: The name that is asked for has no target left.
        ConfigurationError: The request names models that are looked at by nobody here.
    """
    _check_names(request)
    patterns = request.args.allowed_models or ()
    meant = {
        target.name
        for name in {request.model, *_configured(args), *_own(request)}
        if may_use(name, patterns)
        for target in names.resolve(name).targets
    }

    def kept(targets: Sequence[Target]) -> list[Target]:
        return [row for row in targets if row.name in meant or _fits(row, patterns)]

    own, *others = map(kept, (plan.targets, *plan.fallbacks))
    left = [group for group in (own, *others) if group]
    # Of a name that stands for several, whichever of them is left will do.
    if not left or not (own or plan.special):
        raise UnknownModelError(
            f"this call may not use {request.model!r}: it may use {', '.join(patterns) or 'nothing'}"
        )
    instead = {
        kind: rows
        for kind, groups in plan.instead.items()
        if (rows := [row for row in map(kept, groups) if row])
    }
    return dataclasses.replace(plan, targets=left[0], fallbacks=left[1:], instead=instead)


def _check_names(request: Request) -> None:
    """Refuse what would have the provider ask another model than the one that was looked at."""
    said: list[Mapping[str, Any]] = [request.body]
    if request.spoken is not None:
        # Of its other fields only what stands in the request itself is sent, or what says nothing of models.
        said.append({"tools": request.spoken.body.get("tools")})
    if request.fallbacks is not None:
        said += request.fallbacks.params()
    for params in said:
        if name := naming(params):
            raise ConfigurationError(
                f"{name} names other models to the provider, and this call may use some models only: leave it out"
            )


def _fits(target: Target, patterns: Sequence[str]) -> bool:
    own = (target.name, target.model, target.group)
    return any(may_use(name, patterns) for name in own if name)


def _own(request: Request) -> Iterator[str]:
    if request.fallbacks is not None:
        yield from request.fallbacks.names()


def _configured(args: RouterArgs) -> Iterator[str]:
    """Every name that a call may be led to beside the one that it asks for."""
    tables: tuple[Fallbacks, ...] = (
        args.fallbacks,
        args.context_window_fallbacks,
        args.content_policy_fallbacks,
        {"": args.default_fallbacks},
    )
    for table in tables:
        for others in table.values():
            yield from others
    if args.auto is not None:
        yield from args.auto.models
    for cascade in args.cascades.values():
        yield from cascade.models
