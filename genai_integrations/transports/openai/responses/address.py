"""Where the Responses API of a connection lives."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.opening import api_key, base_url, endpoint_at
from genai_integrations.transports.openai.address import authorization, azure_prefix

_FIRST_WITH_RESPONSES = "2025-03-01-preview"
"""Azure's oldest version that has it. Source: learn.microsoft.com, "Azure OpenAI Responses API"."""

_VERSIONLESS = "/v1"
"""Azure's newer address has no date in it. Source: learn.microsoft.com, "Azure OpenAI API version lifecycle"."""


def open_endpoint(connection: Connection, model: str, pins: OriginPins) -> Endpoint:
    """Decrypt a connection's key and say where it goes. Raises as `openai.address.open_endpoint`."""
    url = _url(connection, model)
    key = api_key(connection)
    return endpoint_at(connection, url, pins, key=key, headers=authorization(connection, key))


def _url(connection: Connection, model: str) -> str:
    parts = urlsplit(base_url(connection, model))
    path, query = parts.path.rstrip("/"), parts.query
    if connection.provider.dialect == "azure":
        path, query = _azure(azure_prefix(path, parts.hostname), query, connection.api_version)
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/responses", query, ""))


def _azure(path: str, query: str, version: str | None) -> tuple[str, str]:
    """Azure's path and query: by date where one was chosen that has the API, else the address without a date."""
    if path.endswith(_VERSIONLESS):
        return path, query
    chosen = parse_qs(query).get("api-version", [version or ""])[0]
    if chosen[:1].isdigit() and chosen >= _FIRST_WITH_RESPONSES:
        return path, query or f"api-version={quote(chosen, safe='')}"
    return path + _VERSIONLESS, ""
