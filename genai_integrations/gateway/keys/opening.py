"""The gateway's keys as its environment and its configuration say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genai_integrations.calls.args import router_args
from genai_integrations.client import GenAIClient
from genai_integrations.connections.connection import ConnectionStore
from genai_integrations.connections.environment import EnvironmentStore
from genai_integrations.connections.langfuse.project import check_address
from genai_integrations.connections.langfuse.store import LangfuseStore
from genai_integrations.connections.stores import GivenConnections
from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway.keys.langfuse import LangfuseKeys
from genai_integrations.gateway.keys.shown import Pair
from genai_integrations.gateway.keys.stores import key_store
from genai_integrations.gateway.tenants import OfProject, Project
from genai_integrations.routing.observing import Observer
from genai_integrations.settings import GatewaySettings, read_gateway_settings


def langfuse_keys(path: str | None = None, *, observers: Sequence[Observer] = ()) -> LangfuseKeys:
    """Keys that Langfuse confirms, as the environment says.

    Args:
        path: A configuration, which holds for the client of every project; None for none.
        observers: Told of every call of every project.

    Raises:
        ConfigurationError: Something in either cannot work.
    """
    settings = read_gateway_settings()
    check_address(settings.host)
    clients = Clients(settings, _arguments(path), observers)
    store = key_store(settings.key_store) if settings.key_store else None
    only = None
    if clients.are_shared:
        # Their keys are the operator's, and on Langfuse's own servers everybody can have a project.
        only = Pair(*_own_pair(settings))
    return LangfuseKeys(settings.host, clients.make, store=store, away=settings.away, only=only)


def _own_pair(settings: GatewaySettings) -> tuple[str, str]:
    if settings.pair is None:
        raise ConfigurationError(
            "the connections are not in Langfuse's database, so one project is served: set LANGFUSE_PUBLIC_KEY and "
            "LANGFUSE_SECRET_KEY to its pair, or LANGFUSE_DATABASE_URL to serve every project its own connections"
        )
    return settings.pair


def _arguments(path: str | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    from genai_integrations.config.reading import read_config

    return read_config(Path(path)).arguments


class Clients:
    """Makes the clients of projects, which share all that is not a project's own.

    Args:
        settings: Of the gateway.
        arguments: Of every client.
        observers: Told of every call.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        arguments: Mapping[str, Any],
        observers: Sequence[Observer] = (),
    ) -> None:
        self._settings = settings
        args = router_args(self._with_redis(arguments.get("router_args") or {}))
        watching = (*arguments.get("observers", ()), *observers)
        self._arguments = {**arguments, "router_args": args, "observers": watching}
        self._shared = self._shared_store(self._arguments.pop("connections", None))

    @property
    def are_shared(self) -> bool:
        """Whether all projects would have the same connections."""
        return self._shared is not None

    def make(self, project: Project) -> GenAIClient:
        """The client of a project."""
        public, secret = project.pair.public, project.pair.secret
        return GenAIClient(
            public,
            secret,
            self._settings.host,
            connections=self._store(project.id),
            **self._arguments,
        )

    def _store(self, project_id: str) -> ConnectionStore:
        if self._shared is not None:
            return OfProject(self._shared, project_id)
        settings = self._settings
        # Its database is there: without one, all projects have the same connections.
        url = settings.database_url or ""
        return LangfuseStore(
            url,
            settings.encryption_keys,
            project_id=project_id,
            may_be_machine=settings.machine_credentials,
        )

    def _shared_store(self, given: object) -> ConnectionStore | None:
        """Connections that every project has; None where each has its own."""
        if given is None:
            return None if self._settings.database_url else EnvironmentStore(self._settings.environ)
        return given if hasattr(given, "load") else GivenConnections(tuple(given))  # type: ignore[arg-type]  # as GenAIClient takes them

    def _with_redis(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where keys are on a Redis server, their budgets are too, unless the configuration names another one."""
        address = self._settings.key_store
        if address.startswith("sqlite:") or not address or given.get("redis_url"):
            return given
        return {"redis_url": address, **given}
