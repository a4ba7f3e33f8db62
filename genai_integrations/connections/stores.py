"""Which store a client reads when its user names none, and the one for connections given in code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from genai_integrations.connections.connection import (
    BrokenConnection,
    Connection,
    ConnectionStore,
)
from genai_integrations.connections.environment import EnvironmentStore, connection_in
from genai_integrations.connections.langfuse.project import fetch_project_id
from genai_integrations.connections.langfuse.store import LangfuseStore
from genai_integrations.connections.providers import GENAI_GATEWAY, PROVIDERS
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.settings import Settings


def store_from_settings(settings: Settings) -> ConnectionStore:
    """A gateway if one is named, else Langfuse's database if one is configured, else the providers' own variables."""
    if settings.gateway_url:
        return GivenConnections((gateway_connection(settings),))
    if not settings.database_url:
        return EnvironmentStore(settings.environ)
    public_key, secret_key = settings.public_key or "", MaskedText(settings.secret_key or "")
    return LangfuseStore(
        settings.database_url,
        settings.encryption_keys,
        project_id=partial(fetch_project_id, settings.host, public_key, secret_key),
    )


def gateway_connection(settings: Settings) -> Connection:
    """The connection to the gateway of `GENAI_GATEWAY_URL`, with the key pair that the client was given.

    Raises:
        ConfigurationError: There is only half of a pair.
    """
    pair = {
        "LANGFUSE_PUBLIC_KEY": settings.public_key or "",
        "LANGFUSE_SECRET_KEY": settings.secret_key or "",
    }
    variables = {**settings.environ, "GENAI_GATEWAY_URL": settings.gateway_url or "", **pair}
    told = {name: value for name, value in variables.items() if value}
    made = connection_in(PROVIDERS[GENAI_GATEWAY], told)
    if made is None:
        raise ConfigurationError("GENAI_GATEWAY_URL must be like http://gateway:4000")
    return made


class GivenConnections:
    """Connections that a program made itself."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        for row in connections:
            if not isinstance(row, Connection):
                raise ConfigurationError(
                    f"connections takes a ConnectionStore or Connection objects, not {type(row).__name__}"
                )
        self._connections = {row.name: row for row in connections}

    def __str__(self) -> str:
        return "the list of connections"

    def load(self, names: Sequence[str] | None) -> list[Connection | BrokenConnection]:
        """As `ConnectionStore.load`."""
        wanted = self._connections if names is None else names
        return [self._connections[name] for name in wanted if name in self._connections]

    async def aload(self, names: Sequence[str] | None) -> list[Connection | BrokenConnection]:
        """As `load`: what is in memory needs no thread."""
        return self.load(names)
