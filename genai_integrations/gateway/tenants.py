"""The clients of the projects that are served: one for each, made when somebody asks, closed when nobody does."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from genai_integrations.client import GenAIClient
from genai_integrations.connections.connection import (
    BrokenConnection,
    Connection,
    ConnectionStore,
)
from genai_integrations.gateway.keys.narrow import Terms
from genai_integrations.gateway.keys.shown import Pair
from genai_integrations.limits.rules import own_budget

MOST = 10_000
"""Clients at once; one that is in use has about 20 KB."""

IDLE = 3600.0
"""Seconds after which a client that nobody used is closed."""


class Project(NamedTuple):
    """A project with a pair that Langfuse has confirmed.

    Attributes:
        id: Its id.
        pair: What its client asks Langfuse with.
        mark: What stands for the pair; see `KeyPairs.mark`.
    """

    id: str
    pair: Pair
    mark: bytes


@dataclass(slots=True)
class _Tenant:
    client: GenAIClient
    mark: bytes
    used_at: float
    budgets: dict[str, Terms] = field(default_factory=dict)


class Tenants:
    """Has a client for each project. For one event loop.

    Whatever a client holds (connections, prompts, limits, budgets, kept answers, circuits, traces) is its project's
    alone. A project whose pair is replaced gets a new client. Calls under way go on, whatever becomes of their client.

    Args:
        make: Makes the client of a project.
        is_fresh: Whether a pair was confirmed within the minute, by its mark.
        most: See `MOST`.
        idle: See `IDLE`.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        make: Callable[[Project], GenAIClient],
        is_fresh: Callable[[bytes], bool],
        *,
        most: int = MOST,
        idle: float = IDLE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._is_fresh = is_fresh
        self._most = most
        self._idle = idle
        self._clock = clock
        # Those used last at the end.
        self._tenants: OrderedDict[str, _Tenant] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tenants)

    def client_of(self, project: Project, terms: Terms | None = None) -> GenAIClient:
        """The client of a project, with the budget of a narrow key."""
        now, tenant = self._clock(), self._tenants.get(project.id)
        if tenant is None or not (tenant.mark == project.mark or self._is_fresh(tenant.mark)):
            # Another pair of the project may have been revoked since: prompts and traces need one that is not.
            if tenant is not None:
                tenant.client.close()
            tenant = self._tenants[project.id] = _Tenant(self._make(project), project.mark, now)
            self._close_unused(now)
        tenant.used_at = now
        self._tenants.move_to_end(project.id)
        if terms is not None and tenant.budgets.get(terms.name) != terms:
            _follow_budget(tenant, terms)
        return tenant.client

    def drop(self, mark: bytes) -> None:
        """Let go of the client that was made with a pair which Langfuse now refuses."""
        for project, tenant in list(self._tenants.items()):
            if tenant.mark == mark:
                del self._tenants[project]
                tenant.client.close()

    async def aclose(self) -> None:
        """Close all of them."""
        tenants, self._tenants = self._tenants, OrderedDict()
        for tenant in tenants.values():
            await tenant.client.aclose()

    def _close_unused(self, now: float) -> None:
        while self._tenants:
            project, oldest = next(iter(self._tenants.items()))
            if len(self._tenants) <= self._most and now - oldest.used_at < self._idle:
                return
            del self._tenants[project]
            oldest.client.close()


def _follow_budget(tenant: _Tenant, terms: Terms) -> None:
    """Have the key's budget. A key of that name before it may have had another one, and this one none."""
    if terms.usd is not None or terms.name in tenant.budgets:
        tenant.client.set_budget(own_budget(terms.name), terms.usd, terms.per)
    tenant.budgets[terms.name] = terms


class OfProject:
    """Connections that all projects have, such as those of a file: what is kept beside them is a project's own.

    Args:
        store: Where they are.
        project_id: Whose calls are made with them.
    """

    def __init__(self, store: ConnectionStore, project_id: str) -> None:
        self._store = store
        self.project_id = project_id

    def __str__(self) -> str:
        return str(self._store)

    def load(self, names: Sequence[str] | None) -> Sequence[Connection | BrokenConnection]:
        """As `ConnectionStore.load`."""
        return self._store.load(names)
