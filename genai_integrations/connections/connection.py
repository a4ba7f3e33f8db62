"""A connection: one provider account as a program sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, get_args, runtime_checkable
from urllib.parse import urlsplit

from genai_integrations.connections.providers import (
    Dialect,
    Provider,
    every_provider,
    provider_named,
)
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.runtime import given
from genai_integrations.runtime.secret import Secret

AZURE_API_VERSION = "2025-02-01-preview"
"""What Langfuse 4.16.0 uses for its own calls, so what works in its UI works here."""

_REGION = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Connection:
    """One account of one provider.

    Two connections are equal only when they are the same object: a changed row is a new connection.

    Attributes:
        name: The name its owner gave it, as in `seoul/gpt-4o`.
        provider: Whom it speaks to.
        secret: The credential as stored: a key, or the JSON text that `open_credential()` reads.
        base_url: As stored; None means the provider's own address.
        custom_models: Model ids its owner listed, in the provider's own spelling.
        with_default_models: Serves the provider's usual models too, not only the listed ones.
        extra_headers: A JSON object of header names and values, encrypted like the secret.
        region: AWS region or Google Cloud location.
        api_version: Azure's `api-version`; None means the default of the transport.
        dialect: How to speak to it, where that is not the provider's own way: `responses` is OpenAI's Responses API,
            `litellm` has LiteLLM translate.
        use_responses_api: Whether `dialect` is `responses`; set, it means the same, by LiteLLM's and LangChain's name.
        key_from: Where its key is corrected, such as `OPENAI_API_KEY`, for errors; None where that is not known.
        address_from: Where its base URL is corrected.
    """

    name: str
    provider: Provider
    secret: Secret
    base_url: str | None = None
    custom_models: tuple[str, ...] = ()
    with_default_models: bool = True
    extra_headers: Secret | None = None
    region: str | None = None
    use_responses_api: bool = False
    api_version: str | None = field(default=None, kw_only=True)
    dialect: Dialect | None = field(default=None, kw_only=True)
    key_from: str | None = field(default=None, kw_only=True)
    address_from: str | None = field(default=None, kw_only=True)

    @classmethod
    def of(
        cls,
        name: str,
        provider: str,
        secret: str,
        base_url: str | None = None,
        *,
        custom_models: Sequence[str] = (),
        region: str | None = None,
        extra_headers: Mapping[str, str] | None = None,
        dialect: Dialect | None = None,
    ) -> Connection:
        """A connection from plain values, for a program that has the key already.

        Args:
            name: As in `seoul/gpt-4o`.
            provider: As in `azure/gpt-4o-mini`; LiteLLM's names count too.
            secret: The key.
            base_url: None means the provider's own address.
            custom_models: Models it serves; where there are any, it serves no others by their bare names.
            region: AWS region or Google Cloud location.
            extra_headers: Sent with each request, such as a gateway's own; kept as secret as the key.
            dialect: How to speak to it, where that is not the provider's own way: `responses` is OpenAI's Responses
                API, `litellm` has LiteLLM translate.

        Raises:
            ConfigurationError: There is no such provider or dialect, or the region cannot be one.
        """
        owner = f"connection {given.shown(name)}"
        known = provider_named(given.text(f"{owner}: provider", provider, "openai"))
        if known is None:
            raise ConfigurationError(
                f"{owner}: no provider is named {given.shown(provider)}; there are {', '.join(row.name for row in every_provider())}"
            )
        models = given.texts(f"{owner}: custom_models", custom_models, "gpt-4o")
        headers = _headers(owner, extra_headers) if extra_headers is not None else None
        if not isinstance(secret, str):
            raise given.wrong(f"{owner}: the secret", secret, "a string")
        return cls(
            name,
            known,
            Secret(secret),
            base_url,
            models,
            not models,
            extra_headers=headers,
            region=region,
            dialect=dialect,
        )

    def __post_init__(self) -> None:
        """Settle the two ways to ask for the Responses API; refuse what is no value, and a region that could escape.

        A region becomes part of a host's name.
        """
        if self.use_responses_api and self.dialect is None:
            object.__setattr__(self, "dialect", "responses")
        object.__setattr__(self, "use_responses_api", self.dialect == "responses")
        given.text("a connection's name", self.name, "seoul")
        given.text_or_none(
            f"connection {self.name!r}: base_url", self.base_url, "https://llm.example/v1"
        )
        given.text_or_none(f"connection {self.name!r}: region", self.region, "eu-west-1")
        if self.dialect is not None and self.dialect not in get_args(Dialect):
            raise ConfigurationError(
                f"connection {self.name!r}: no dialect is named {given.shown(self.dialect)}; "
                f"there are {', '.join(get_args(Dialect))}"
            )
        if self.region is not None and not _REGION.fullmatch(self.region):
            raise ConfigurationError(
                f"connection {self.name!r} has the region {given.shown(self.region)}; "
                "a region is made of a-z, 0-9 and '-' only"
            )

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        return Connections((self,))._repr_mimebundle_()


def _headers(owner: str, extra_headers: object) -> Secret | None:
    like = '{"x-team": "search"}'
    headers = given.mapping(f"{owner}: extra_headers", extra_headers, like)
    given.texts(f"{owner}: the values of extra_headers", tuple(headers.values()), "search")
    return Secret(json.dumps(dict(headers))) if headers else None


def host_in(base_url: str | None) -> str:
    """The host's name; empty if there is none, or the address is damaged, which its first call tells."""
    try:
        return urlsplit(base_url or "").hostname or ""
    except ValueError:
        return ""


def is_openais_own(base_url: str | None) -> bool:
    """Whether a connection to `openai` leads to OpenAI itself, not to a server that copied its dialect."""
    # Its regional addresses, such as `eu.api.openai.com`, end so.
    return not base_url or f".{host_in(base_url)}".endswith(".api.openai.com")


IN_LANGFUSE = "Langfuse (Settings, LLM Connections)"
"""Where a stored connection is corrected."""


@dataclass(frozen=True, slots=True)
class BrokenConnection:
    """A stored connection that cannot be used, and why; the others are not affected."""

    name: str
    error: GenAIError

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        return Connections((self,))._repr_mimebundle_()


class Connections(tuple[Connection | BrokenConnection, ...]):
    """Connections in the order to prefer; a notebook shows them as a table."""

    __slots__ = ()

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from genai_integrations.connections.views import connections_bundle

        return connections_bundle(self)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        # IPython has a printer for tuples, which it asks before the bundle.
        printer.text(self._repr_mimebundle_()["text/plain"])


class ConnectionStore(Protocol):
    """Where connections come from. Implement it to keep them in Vault, AWS Secrets Manager or elsewhere."""

    def load(self, names: Sequence[str] | None) -> Sequence[Connection | BrokenConnection]:
        """Read the connections of these names, or all of them for None, in the order to prefer.

        Called at most once in a few minutes and from any thread, never on an event loop. A name that
        does not exist is left out. Whatever it raises counts as `CredentialStoreError`: the store cannot be read,
        and what was read before is used for a while longer.
        """
        ...


@runtime_checkable
class AsyncConnectionStore(ConnectionStore, Protocol):
    """A store that event loops await; threads, and renewals in the background, call its `load`."""

    async def aload(self, names: Sequence[str] | None) -> Sequence[Connection | BrokenConnection]:
        """As `load`."""
        ...
