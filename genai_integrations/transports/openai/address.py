"""Where a target of the OpenAI dialect lives, and with which headers."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from genai_integrations.calls.wire import Operation
from genai_integrations.connections.connection import AZURE_API_VERSION, Connection
from genai_integrations.connections.credentials import ApiKey, open_credential, open_headers
from genai_integrations.connections.origins import OriginPins, origin_of, refuse_unsafe_host
from genai_integrations.errors import ConfigurationError, CredentialError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.runtime.network import proxy_for
from genai_integrations.transports.http.endpoint import Endpoint


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
    key = _key(connection)
    extra = _extra_headers(connection)
    if key:
        pins.check(connection, url, key)
    else:
        refuse_unsafe_host(connection.name, urlsplit(url).hostname or "")
    headers = {**_own_headers(), **_authorization(connection, key), **extra}
    parts = urlsplit(url)
    origin = origin_of(url, connection.name)
    return Endpoint(
        origin=origin,
        url=url,
        path=urlunsplit(("", "", parts.path or "/", parts.query, "")),
        proxy=proxy_for(origin),
        headers=headers,
        latin_headers={
            name: MaskedText(value.encode().decode("latin-1")) for name, value in headers.items()
        },
        secrets=tuple(MaskedText(text) for text in (key, *extra.values()) if _may_be_secret(text)),
    )


def _key(connection: Connection) -> str:
    credential = open_credential(connection)
    if not isinstance(credential, ApiKey):
        raise CredentialError(f"connection {connection.name!r} holds no API key")
    return credential.key.reveal()


def _extra_headers(connection: Connection) -> dict[str, str]:
    stored = open_headers(connection).items()
    return {name.lower(): value.reveal() for name, value in stored if name.lower() not in _FRAMING}


_FRAMING = frozenset(("connection", "content-length", "host", "transfer-encoding"))
"""Headers that belong to HTTP itself; a stored one would garble the request."""


@cache
def _own_headers() -> dict[str, str]:
    return {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"genai-integrations/{version('genai-integrations')}",
    }


_SHORTEST = 6


def _may_be_secret(text: str) -> bool:
    """Short texts and plain words such as a header's `openai` are none, and messages need their words."""
    return len(text) >= _SHORTEST and not text.isalpha()


def _authorization(connection: Connection, key: str) -> dict[str, str]:
    if not key:
        return {}
    if connection.provider.dialect == "azure":
        return {"api-key": MaskedText(key)}
    return {"authorization": MaskedText(f"Bearer {key}")}


def _url(connection: Connection, model: str, operation: Operation) -> str:
    base = connection.base_url or connection.provider.base_url
    if not base:
        raise CredentialError(
            f"connection {connection.name!r} has no base URL, and {connection.provider.name} "
            "has no common one: enter it in Langfuse (Settings, LLM Connections)"
        )
    base = _with_model(connection, base, model)
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    if connection.provider.dialect == "azure":
        path = f"{_azure_prefix(path, parts.hostname)}/deployments/{_segment(model)}"
        query = _azure_query(parts.query, connection.api_version or AZURE_API_VERSION)
    else:
        query = parts.query
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/{operation}", query, ""))


def _azure_query(query: str, version: str) -> str:
    if "api-version" in parse_qs(query):
        return query
    wanted = f"api-version={quote(version, safe='')}"
    return f"{query}&{wanted}" if query else wanted


def _azure_prefix(path: str, host: str | None) -> str:
    """All four stored shapes lead to the same place: cut from the segment `deployments` on."""
    segments = path.split("/")
    if "deployments" in segments:
        return "/".join(segments[: segments.index("deployments")])
    if not path and (host or "").endswith(".azure.com"):
        return "/openai"
    return path


def _with_model(connection: Connection, base: str, model: str) -> str:
    """Fill in `{model}`, once; in a host name only for models that the connection's owner listed."""
    if "{model}" not in base:
        return base
    if (
        "{model}" in base.partition("://")[2].partition("/")[0]
        and model not in connection.custom_models
    ):
        raise CredentialError(
            f"connection {connection.name!r} has the model in its host name, so only its custom models "
            f"can be called; {model!r} is none of them"
        )
    return base.replace("{model}", _segment(model), 1)


def _segment(model: str) -> str:
    """The model as one segment of a path.

    Raises:
        ConfigurationError: It cannot be one; percent-encoding leaves dots, which servers take for directories.
    """
    try:
        segment = quote(model, safe="")
    except UnicodeEncodeError:
        segment = ""
    if segment.strip(".") == "":
        raise ConfigurationError(
            f"{model!r} cannot be part of an address, so it is no model's name there"
        )
    return segment
