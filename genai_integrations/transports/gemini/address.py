"""Where Google's models live: AI Studio, by a key, and Vertex AI, by an access token."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from genai_integrations.calls.wire import Operation
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.transports.gemini.abilities import embeds_by_predict
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.opening import api_key, base_url, endpoint_at, segment
from genai_integrations.transports.http.vertex import vertex_endpoint

_VERSIONS = ("v1", "v1beta", "v1alpha")


def open_endpoint(
    connection: Connection, model: str, operation: Operation, pins: OriginPins, *, streamed: bool
) -> Endpoint:
    """Where such calls go.

    Raises:
        CredentialError: The key cannot be opened, or its host is not trusted with it.
        ConfigurationError: The model's name cannot be part of an address, or google-auth is missing.
    """
    method = _method(model, operation, streamed=streamed, vertex=is_vertex(connection))
    if is_vertex(connection):
        return vertex_endpoint(connection, "google", model, method, pins)
    key = api_key(connection)
    headers = {"x-goog-api-key": MaskedText(key)} if key else {}
    url = f"{versioned(base_url(connection, model))}/{place(model)}:{method}"
    return endpoint_at(connection, url, pins, key=key, headers=headers)


def is_vertex(connection: Connection) -> bool:
    """Whether it is Vertex AI that is asked."""
    return connection.provider.name == "vertex"


def _method(model: str, operation: Operation, *, streamed: bool, vertex: bool) -> str:
    if operation == "embeddings":
        if not vertex:
            return "batchEmbedContents"
        return "predict" if embeds_by_predict(model) else "embedContent"
    # Without `alt=sse` a stream is one long JSON array.
    return "streamGenerateContent?alt=sse" if streamed else "generateContent"


def versioned(base: str) -> str:
    """A base URL with its version; without one it is `v1beta`, which has what `v1` lacks, tools among it."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    if path.rpartition("/")[2] not in _VERSIONS:
        path += "/v1beta"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def place(model: str) -> str:
    """`models/gemini-2.5-flash`; a tuned model says its own folder."""
    folder, slash, name = model.partition("/")
    if slash and folder in ("models", "tunedModels"):
        return f"{folder}/{segment(name)}"
    return f"models/{segment(model)}"
