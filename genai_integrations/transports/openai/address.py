"""Where a target of the OpenAI dialect lives, and with which headers."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from genai_integrations.calls.wire import Operation
from genai_integrations.connections.connection import AZURE_API_VERSION, Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.opening import api_key, base_url, endpoint_at, segment


def open_endpoint(
    connection: Connection, model: str, operation: Operation, pins: OriginPins
) -> Endpoint:
    """Decrypt a connection's key and say where it goes.

    Raises:
        CredentialError: The key cannot be opened, its host is not trusted with it, or the connection
            has no usable base URL.
        ConfigurationError: The model's name cannot be part of an address.
    """
    url = _url(connection, model, operation)
    key = api_key(connection)
    return endpoint_at(connection, url, pins, key=key, headers=authorization(connection, key))


def authorization(connection: Connection, key: str) -> dict[str, str]:
    """The header that a key goes in."""
    if not key:
        return {}
    if connection.provider.dialect == "azure":
        return {"api-key": MaskedText(key)}
    return {"authorization": MaskedText(f"Bearer {key}")}


def _url(connection: Connection, model: str, operation: Operation) -> str:
    parts = urlsplit(base_url(connection, model))
    path = parts.path.rstrip("/")
    if connection.provider.dialect == "azure":
        path = f"{azure_prefix(path, parts.hostname)}/deployments/{segment(model)}"
        query = _azure_query(parts.query, connection.api_version or AZURE_API_VERSION)
    else:
        query = parts.query
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/{operation}", query, ""))


def _azure_query(query: str, version: str) -> str:
    if "api-version" in parse_qs(query):
        return query
    wanted = f"api-version={quote(version, safe='')}"
    return f"{query}&{wanted}" if query else wanted


def azure_prefix(path: str, host: str | None) -> str:
    """The path that Azure's addresses begin with. All four stored shapes lead to the same place: cut from the segment `deployments` on."""
    segments = path.split("/")
    if "deployments" in segments:
        return "/".join(segments[: segments.index("deployments")])
    if not path and (host or "").endswith(".azure.com"):
        return "/openai"
    return path
