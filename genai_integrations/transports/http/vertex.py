"""Where a Vertex AI connection's models live: one host for each location, one path for each vendor's models."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins, vertex_host
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.google_tokens import google_project, google_signer
from genai_integrations.transports.http.opening import endpoint_at, segment


def vertex_endpoint(
    connection: Connection, publisher: str, model: str, method: str, pins: OriginPins
) -> Endpoint:
    """The endpoint of a method of a vendor's model, with an access token as its proof.

    Args:
        connection: Its region is the location, `global` without one.
        publisher: Vendor, as in the path: `google`, `anthropic`.
        model: Model id, as in `gemini-2.5-flash` or `claude-sonnet-4-5@20250929`.
        method: As in `generateContent`, with the query if there is one.
        pins: Which hosts the credential may go to. Google's own are trusted with it.

    Raises:
        ConfigurationError: google-auth is not installed, or the model cannot be part of an address.
        CredentialError: The credential is none of Google's, or may not go there.
    """
    signer = google_signer(connection)
    location = connection.region or "global"
    base = _versioned(connection.base_url or vertex_host(location))
    if not _is_googles(base):
        pins.check(connection, base, connection.secret.reveal())
    project = google_project(connection)
    # A version of a model stands behind an `@`, which Google writes as it is.
    name = segment(model.removeprefix("models/")).replace("%40", "@")
    path = f"/projects/{project}/locations/{location}/publishers/{publisher}/models/{name}"
    return endpoint_at(connection, f"{base}{path}:{method}", pins, signer=signer)


_VERSIONS = ("/v1", "/v1beta1")


def _versioned(base: str) -> str:
    """A stored base URL with its version; without one it is `v1`."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/").partition("/projects/")[0]
    if parts.query:
        raise ConfigurationError("the base URL of a Vertex AI connection has no query")
    if not path.endswith(_VERSIONS):
        path += _VERSIONS[0]
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _is_googles(base: str) -> bool:
    parts = urlsplit(base)
    return parts.scheme == "https" and (parts.hostname or "").endswith(".googleapis.com")
