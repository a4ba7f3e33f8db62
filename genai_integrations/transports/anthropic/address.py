"""Where a Claude lives, and with which headers."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.runtime.loading import loading
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.opening import api_key, base_url, endpoint_at

VERSION = "2023-06-01"
"""Of the API. Source: platform.claude.com, "Versions"."""

_OAUTH = "sk-ant-oat"
"""How the tokens begin that Anthropic's own programs log in with; they go where a bearer goes."""

_OAUTH_BETA = "oauth-2025-04-20"
_PATHS = ("/v1/messages", "/v1")


def open_endpoint(
    connection: Connection, model: str, pins: OriginPins, *, streamed: bool, beyond: str = ""
) -> Endpoint:
    """Decrypt a connection's key and say where it goes.

    Args:
        connection: Whose key it is.
        model: The provider's own id.
        pins: Which hosts the key may go to.
        streamed: Whether a stream is asked for; on Vertex it has an address of its own.
        beyond: What follows the path of the messages; nothing on Vertex.

    Raises:
        CredentialError: The key cannot be opened, its host is not trusted with it, or there is no base URL.
        ConfigurationError: On Vertex, google-auth is not installed, or the model cannot be part of an address.
    """
    if is_on_vertex(connection):
        with loading():
            from genai_integrations.transports.http.vertex import vertex_endpoint
        # Source: platform.claude.com, "Claude on Vertex AI".
        method = "streamRawPredict" if streamed else "rawPredict"
        return vertex_endpoint(connection, "anthropic", model, method, pins)
    key = api_key(connection)
    url = messages_url(base_url(connection, model), beyond)
    headers = {"anthropic-version": VERSION, **_proof(connection, key)}
    return endpoint_at(connection, url, pins, key=key, headers=headers)


def is_on_vertex(connection: Connection) -> bool:
    """Whether Google serves the model: at its own addresses, to its own accounts."""
    return connection.provider.name == "vertex"


def messages_url(base: str, beyond: str = "") -> str:
    """The address of the messages: base URLs are stored with `/v1/messages`, with `/v1`, and without either."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    for known in _PATHS:
        path = path.removesuffix(known)
    return urlunsplit((parts.scheme, parts.netloc, f"{path}{_PATHS[0]}{beyond}", parts.query, ""))


def _proof(connection: Connection, key: str) -> dict[str, str]:
    if not key:
        return {}
    if key.startswith(_OAUTH):
        return {"authorization": MaskedText(f"Bearer {key}"), "anthropic-beta": _OAUTH_BETA}
    if connection.provider.name == "azure":
        # Foundry takes both names; this one is in all of its examples.
        return {"api-key": MaskedText(key)}
    return {"x-api-key": MaskedText(key)}
