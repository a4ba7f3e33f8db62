"""What there is to say about each connection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.connections.credentials import open_credential, open_headers
from genai_integrations.connections.origins import origin_of, refuse_unsafe_host
from genai_integrations.errors import GenAIError

_USUAL_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One connection, without anything secret.

    Attributes:
        name: Its name.
        provider: Whom it speaks to; None where the stored row does not get that far.
        models: The models that it lists.
        default_models: Whether it also serves its provider's own models.
        host: Where its key goes; None where the provider's region decides.
        region: AWS region or Google Cloud location.
        error: Why it cannot be used.
    """

    name: str
    provider: str | None = None
    models: tuple[str, ...] = ()
    default_models: bool = False
    host: str | None = None
    region: str | None = None
    error: GenAIError | None = None

    @property
    def state(self) -> str:
        """`ok` or `broken`."""
        return "broken" if self.error else "ok"

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "provider": self.provider,
            "models": list(self.models),
            "default_models": self.default_models,
            "host": self.host,
            "region": self.region,
            "state": self.state,
            "reason": self.error and f"{type(self.error).__name__}: {self.error}",
        }


def overview(entries: Iterable[Connection | BrokenConnection]) -> list[ConnectionRow]:
    """A row for each connection. Every secret is opened once, to see whether that works."""
    return [_row(entry) for entry in entries]


def _row(entry: Connection | BrokenConnection) -> ConnectionRow:
    if isinstance(entry, BrokenConnection):
        return ConnectionRow(entry.name, error=entry.error)
    host, error = None, None
    try:
        host = _host(entry)
        open_credential(entry)
        open_headers(entry)
    except GenAIError as problem:
        error = problem
    return ConnectionRow(
        entry.name,
        entry.provider.name,
        entry.custom_models,
        entry.with_default_models,
        host,
        entry.region,
        error,
    )


def _host(connection: Connection) -> str | None:
    """Host and port of the address, whose other parts might hold a credential."""
    address = connection.base_url or connection.provider.base_url
    if address is None:
        return None
    parts = urlsplit(origin_of(address, connection.name, connection.address_from))
    refuse_unsafe_host(connection.name, parts.hostname or "")
    return parts.netloc.removesuffix(_USUAL_PORTS[parts.scheme])
