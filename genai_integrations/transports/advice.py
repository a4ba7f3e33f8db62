"""What to do about a failed attempt, where its error and its connection together tell: the end of the error's line."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from genai_integrations.connections.connection import Connection
from genai_integrations.errors import (
    APIConnectionError,
    AuthenticationError,
    CallError,
    InvalidReplyError,
    NotFoundError,
)
from genai_integrations.runtime.network import proxy_for

_VERSION = re.compile(r"/v\d|/openai\b|/api/")
"""How the path of an address looks that leads to a copy of OpenAI's API."""

_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
_ISSUER = re.compile("self-signed|issuer")
"""OpenSSL's words for a certificate that nobody vouches for, and for one whose issuer is not known."""

_WITHOUT_DIALECT = ("openai", "responses")

ASKS_FOR_ADDRESS = ": is the base URL right?"
"""The end of what is said of a page where an answer should be."""


def next_step(error: CallError, connection: Connection, model: str) -> str | None:
    """What to do next; None where nobody knows more than the error says.

    Args:
        error: Of an attempt.
        connection: Whom it asked.
        model: The provider's id of the model.
    """
    if isinstance(error, AuthenticationError):
        return _about_key(connection)
    if isinstance(error, APIConnectionError) and error.address:
        if _UNTRUSTED in error.message:
            return _about_certificate(error)
        return _about_host(error.address, connection)
    if isinstance(error, (NotFoundError, InvalidReplyError)):
        return _about_path(error, connection, model)
    return None


def _about_key(connection: Connection) -> str:
    return f"correct {connection.key_from or f'the key of connection {connection.name!r}'}"


def _about_host(address: str, connection: Connection) -> str:
    url = connection.base_url or connection.provider.base_url or ""
    proxy = proxy_for(url)
    # Only if it is the proxy that was not reached: the environment may have changed since.
    if proxy and urlsplit(proxy).netloc.rpartition("@")[2] == address:
        variable = f"{urlsplit(url).scheme.upper()}_PROXY"
        return f"that is the proxy: correct {variable} or ALL_PROXY, or name the host in NO_PROXY"
    if connection.base_url is None:
        return "check the network, and HTTPS_PROXY if there is a proxy"
    return f"is a server running there? Its address is in {_address_of(connection)}"


def _about_certificate(error: CallError) -> str | None:
    """Of one that has expired, or is another host's, nobody here can do anything."""
    if not _ISSUER.search(error.message):
        return None
    return "to trust a certificate of your own or of your company, name its file in SSL_CERT_FILE"


def _about_path(error: CallError, connection: Connection, model: str) -> str | None:
    """A server of one's own that has the API, but not there: it answers with a page, or with JSON of another kind."""
    kind = connection.dialect or connection.provider.dialect
    url = connection.base_url
    if kind not in _WITHOUT_DIALECT or url is None or _VERSION.search(urlsplit(url).path):
        return None
    if isinstance(error, NotFoundError) and model in error.message:
        return None
    # Instead of what is asked where nobody can tell more.
    error.message = error.message.removesuffix(ASKS_FOR_ADDRESS)
    return f"is /v1 missing at the end of {_address_of(connection)}?"


def _address_of(connection: Connection) -> str:
    return connection.address_from or f"the base URL of connection {connection.name!r}"
