"""How an address becomes an `Endpoint`: its host checked, the connection's own headers added."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.credentials import ApiKey, open_credential, open_headers
from genai_integrations.connections.origins import OriginPins, origin_of, refuse_unsafe_host
from genai_integrations.errors import ConfigurationError, CredentialError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.runtime.network import proxy_for
from genai_integrations.transports.http.endpoint import Endpoint, Signer
from genai_integrations.version import VERSION


def endpoint_at(
    connection: Connection,
    url: str,
    pins: OriginPins,
    *,
    key: str = "",
    headers: Mapping[str, str] | None = None,
    signer: Signer | None = None,
) -> Endpoint:
    """The endpoint at an address.

    Args:
        connection: Its own headers are sent too, and win.
        url: The whole address, percent-encoded.
        pins: Which hosts the key may go to.
        key: What is secret about the connection; empty if nothing is. Taken out of whatever the server says.
        headers: What proves the request, and what the dialect wants beside; in lower case.
        signer: Proves each request, if no header does.

    Raises:
        CredentialError: The host is not trusted with the key, or the connection's headers cannot be opened.
    """
    extra = _extra_headers(connection)
    if key:
        pins.check(connection, url, key)
    else:
        refuse_unsafe_host(connection.name, urlsplit(url).hostname or "")
    sent = {**_OWN_HEADERS, **(headers or {}), **extra}
    parts = urlsplit(url)
    origin = origin_of(url, connection.name, connection.address_from)
    return Endpoint(
        origin=origin,
        url=url,
        path=urlunsplit(("", "", parts.path or "/", parts.query, "")),
        proxy=proxy_for(origin),
        headers=sent,
        secrets=tuple(MaskedText(text) for text in (key, *extra.values()) if _may_be_secret(text)),
        signer=signer,
    )


def api_key(connection: Connection) -> str:
    """The connection's key in the clear; empty for a provider that takes none.

    Raises:
        CredentialError: It cannot be opened, or is no key.
    """
    credential = open_credential(connection)
    if not isinstance(credential, ApiKey):
        raise CredentialError(f"connection {connection.name!r} holds no API key")
    return credential.key.reveal()


def base_url(connection: Connection, model: str) -> str:
    """The connection's base URL, else its provider's, with `{model}` filled in.

    Raises:
        CredentialError: There is none, or it is damaged, or the model may not be in its host name.
    """
    base = connection.base_url or connection.provider.base_url
    if not base:
        raise CredentialError(
            f"connection {connection.name!r} has no base URL, and {connection.provider.name} "
            f"has no common one: enter it in {connection.address_from or 'its base_url'}"
        )
    filled = _with_model(connection, base, model)
    # Whatever takes it apart may rely on it.
    origin_of(filled, connection.name, connection.address_from)
    return filled


def _extra_headers(connection: Connection) -> dict[str, str]:
    stored = open_headers(connection).items()
    return {name.lower(): value.reveal() for name, value in stored if name.lower() not in _FRAMING}


_FRAMING = frozenset(("connection", "content-length", "host", "transfer-encoding"))
"""Headers that belong to HTTP itself; a stored one would garble the request."""


_OWN_HEADERS = {
    "content-type": "application/json",
    "accept-encoding": "identity",
    "user-agent": f"genai-integrations/{VERSION}",
}


_SHORTEST = 6


def _may_be_secret(text: str) -> bool:
    """Short texts and plain words such as a header's `openai` are none, and messages need their words."""
    return len(text) >= _SHORTEST and not text.isalpha()


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
            f"can be called; {model!r} is not one of them"
        )
    return base.replace("{model}", segment(model), 1)


def segment(model: str) -> str:
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
            f"{model!r} cannot be part of an address, so it is not a model's id there"
        )
    return segment
