"""Which requests a provider can be given in a batch of its own, and how they stand there."""

from __future__ import annotations

from genai_integrations.calls.headers import headers_for
from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import WireCall
from genai_integrations.connections.registry import Snapshot
from genai_integrations.routing.groups import with_defaults
from genai_integrations.routing.parts import Parts
from genai_integrations.transports.dispatch import batches_of
from genai_integrations.transports.remedies.remedy import Kind, applied

_BY_ITSELF: frozenset[Kind] = frozenset(("drop", "rename"))
"""Remedies after which an answer is what it would have been; the others look at it, or ask elsewhere."""


def batched_call(request: Request, parts: Parts, snapshot: Snapshot) -> WireCall | None:
    """The request as its first target gets it; None if that has no batches, or it must be asked on its own.

    Raises:
        GenAIError: Nobody serves it.
    """
    if parts.outages or _is_budgeted(request, parts):
        # What is rehearsed befalls live calls, and what may be spent is counted for them.
        return None
    plan = parts.planner.plan(request, snapshot)
    if plan.cascade is not None or plan.assignment is not None:
        # Whose answers are judged, or counted for an experiment, is asked as all of them are.
        return None
    target = plan.targets[0]
    connection = target.connection
    batches = batches_of(connection, target.model)
    if batches is None or not batches.takes(request.operation):
        return None
    request = with_defaults(request, target.deployment.defaults)
    remedies = parts.learnt.beforehand(target, request.body, request.args.drop_params)
    if not all(row.kind in _BY_ITSELF and not row.batch for row in remedies):
        return None
    body = {"model": target.model, **applied(request.body, remedies)}
    headers = headers_for(request.headers, connection.provider.name, target.model)
    drop_params = request.args.drop_params
    return WireCall(connection, target.model, request.operation, body, drop_params, headers)


def _is_budgeted(request: Request, parts: Parts) -> bool:
    return request.args.max_cost is not None or bool(parts.gate and parts.gate.budgets)
