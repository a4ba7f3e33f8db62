"""Connections from the providers' own environment variables."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.connections.credentials import GOOGLE_DEFAULT
from genai_integrations.connections.providers import (
    GENAI_GATEWAY,
    OWN,
    PROVIDERS,
    Provider,
    every_provider,
    provider_named,
)
from genai_integrations.errors import ConfigurationError, CredentialError
from genai_integrations.runtime.secret import Secret

_AZURE_VERSIONS = ("AZURE_API_VERSION", "OPENAI_API_VERSION")
_GOOGLE_PROJECTS = ("VERTEXAI_PROJECT", "GOOGLE_CLOUD_PROJECT")
_AWS_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_PORTKEY_HEADERS = {
    "PORTKEY_API_KEY": "x-portkey-api-key",
    "PORTKEY_PROVIDER": "x-portkey-provider",
    "PORTKEY_VIRTUAL_KEY": "x-portkey-virtual-key",
    "PORTKEY_CONFIG": "x-portkey-config",
}
_LANGFUSE_PAIR = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")
_OLLAMA_PORT = 11434
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here


def _of(rows: Iterable[Provider]) -> frozenset[str]:
    return frozenset(
        variable
        for row in rows
        for variable in (*row.key_variables, *row.url_variables, *row.region_variables)
    )


_VARIABLES = _of(PROVIDERS.values()).union(
    _AZURE_VERSIONS, _GOOGLE_PROJECTS, _AWS_SECRETS, _PORTKEY_HEADERS, _LANGFUSE_PAIR
)


def _variables() -> frozenset[str]:
    return _VARIABLES | _of(tuple(OWN.values())) if OWN else _VARIABLES


class EnvironmentStore:
    """Connections from environment variables, each named for its provider.

    Args:
        environ: The variables; read anew at each load.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._seen: dict[str, Secret] = {}
        self._connections: list[Connection | BrokenConnection] = []

    def __str__(self) -> str:
        return "the environment (variables such as OPENAI_API_KEY)"

    def load(self, names: Sequence[str] | None) -> list[Connection | BrokenConnection]:
        """The connections of these names, or all of them in the order of the table of providers.

        As long as no variable changes, the connections are the same objects.
        """
        seen = {name: Secret(value) for name, value in self._relevant().items()}
        # Opened keys are kept for a connection as an object, so a reload must not make new ones for nothing.
        if not self._is_unchanged(seen):
            self._connections = environment_connections(self._environ)
            self._seen = seen
        if names is None:
            return list(self._connections)
        by_name = {connection.name: connection for connection in self._connections}
        return [by_name[name] for name in names if name in by_name]

    def _relevant(self) -> dict[str, str]:
        return {name: value for name in _variables() if (value := self._environ.get(name))}

    def _is_unchanged(self, seen: Mapping[str, Secret]) -> bool:
        return self._seen.keys() == seen.keys() and all(
            self._seen[name].reveal() == secret.reveal() for name, secret in seen.items()
        )


def environment_connections(environ: Mapping[str, str]) -> list[Connection | BrokenConnection]:
    """One connection for each provider whose variables are set.

    A provider whose variables are set only in part is a `BrokenConnection` that says which one is missing.

    Args:
        environ: Variables by name; a blank one counts as unset.
    """
    variables = {name: value for name in _variables() if (value := environ.get(name, "").strip())}
    found: list[Connection | BrokenConnection] = []
    for provider in every_provider():
        try:
            connection = connection_in(provider, variables)
        except (ConfigurationError, CredentialError) as error:
            # Without its traceback, because that holds the variables.
            found.append(BrokenConnection(provider.name, error.with_traceback(None)))
        else:
            if connection is not None:
                found.append(connection)
    return found


def connection_in(provider: Provider, variables: Mapping[str, str]) -> Connection | None:
    """The connection of a provider, named for it, that variables describe; None where its own are not set.

    Raises:
        ConfigurationError: They are set only in part.
        CredentialError: So are those of the key.
    """
    found = _READERS.get(provider.name, _simple)(provider, variables)
    if found is None:
        return None
    return dataclasses.replace(
        found,
        key_from=_set(variables, provider.key_variables),
        address_from=_set(variables, provider.url_variables),
    )


def _simple(provider: Provider, variables: Mapping[str, str]) -> Connection | None:
    key = _first(variables, provider.key_variables)
    url = _first(variables, provider.url_variables)
    if key is None and not (provider.keyless and url):
        return None
    if url is None and provider.base_url is None:
        raise ConfigurationError(
            f"the key of {provider.name} is in the environment, but not its address: "
            f"set {provider.url_variables[0]} to its base URL"
        )
    return Connection(provider.name, provider, Secret(key or ""), url and url.rstrip("/"))


def _portkey(provider: Provider, variables: Mapping[str, str]) -> Connection | None:
    """Portkey's service, or its gateway on a machine of one's own, which has no key but the provider's behind it."""
    key = variables.get("PORTKEY_API_KEY")
    url = _first(variables, provider.url_variables)
    behind = provider_named(variables.get("PORTKEY_PROVIDER", ""))
    secret = _first(variables, behind.key_variables) if behind else key
    if key is None and (url is None or "PORTKEY_PROVIDER" not in variables):
        return None
    # Portkey's own key goes in a header of its own; the bearer token is for a provider's key behind it.
    headers = {
        header: variables[name] for name, header in _PORTKEY_HEADERS.items() if name in variables
    }
    return Connection(
        provider.name,
        provider,
        Secret(secret or key or ""),
        url and url.rstrip("/"),
        extra_headers=Secret(json.dumps(headers)),
    )


def _genai_gateway(provider: Provider, variables: Mapping[str, str]) -> Connection | None:
    """A gateway of this package, whose key is the project's pair, or a narrower one."""
    url = _first(variables, provider.url_variables)
    if url is None:
        return None
    pair = [variables[name] for name in _LANGFUSE_PAIR if name in variables]
    key = _first(variables, provider.key_variables) or ":".join(pair)
    if len(pair) == 1 and key == pair[0]:
        raise ConfigurationError(
            f"{provider.url_variables[0]} is set, but only one of LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY is: "
            "set both"
        )
    # Without a key: one that serves everybody, on this machine.
    base = url.rstrip("/").removesuffix("/v1")
    return Connection(provider.name, provider, Secret(key), f"{base}/v1")


def _ollama(provider: Provider, variables: Mapping[str, str]) -> Connection | None:
    url = _first(variables, provider.url_variables)
    if url is None:
        return None
    key = _first(variables, provider.key_variables) or ""
    return Connection(provider.name, provider, Secret(key), _ollama_url(url))


def _ollama_url(address: str) -> str:
    """Ollama's `/v1` for what its server and command line accept: a host, `host:port`, or an address."""
    has_scheme = "://" in address
    parts = urlsplit(address if has_scheme else f"http://{address}")
    try:
        # As in Ollama: only an address without a scheme gets Ollama's own port.
        port = parts.port or (None if has_scheme else _OLLAMA_PORT)
    except ValueError:
        raise ConfigurationError(
            f"OLLAMA_HOST has an impossible port: {address!r}; write host:port"
        ) from None
    host = parts.hostname or "127.0.0.1"
    host = _ANY_ADDRESS.get(host, host)
    authority = f"[{host}]" if ":" in host else host
    if port:
        authority = f"{authority}:{port}"
    return f"{parts.scheme}://{authority}{parts.path.rstrip('/').removesuffix('/v1')}/v1"


def _azure(provider: Provider, variables: Mapping[str, str]) -> Connection | None:
    key = _first(variables, provider.key_variables)
    if key is None:
        return None
    url = _first(variables, provider.url_variables)
    if url is None:
        raise ConfigurationError(
            "Azure's key is in the environment, but not its address: "
            f"set {provider.url_variables[0]} to https://<resource>.openai.azure.com"
        )
    url = url.rstrip("/")
    if not {"openai", "deployments"} & set(urlsplit(url).path.split("/")):
        # Azure's own tools take the resource's address; what Langfuse stores goes on to the API.
        url = f"{url}/openai"
    version = _first(variables, _AZURE_VERSIONS)
    return Connection(provider.name, provider, Secret(key), url, api_version=version)


def _bedrock(provider: Provider, variables: Mapping[str, str]) -> Connection | None:
    fields = _aws_fields(variables)
    if fields is None:
        return None
    region = _first(variables, provider.region_variables)
    if region is None and "profile" not in fields:
        raise ConfigurationError(
            "AWS credentials are in the environment, but no region: "
            f"set {provider.region_variables[0]} to use Bedrock"
        )
    url = _first(variables, provider.url_variables)
    return Connection(provider.name, provider, Secret(json.dumps(fields)), url, region=region)


def _aws_fields(variables: Mapping[str, str]) -> dict[str, str] | None:
    """The JSON object of the credential, in the order in which AWS's own tools look."""
    match variables:
        case {"AWS_BEARER_TOKEN_BEDROCK": token}:
            return {"apiKey": token}
        case {"AWS_ACCESS_KEY_ID": access_key_id, "AWS_SECRET_ACCESS_KEY": key}:
            fields = {"accessKeyId": access_key_id, "secretAccessKey": key}
            if "AWS_SESSION_TOKEN" in variables:
                fields["sessionToken"] = variables["AWS_SESSION_TOKEN"]
            return fields
        case {"AWS_PROFILE": profile}:
            return {"profile": profile}
        case {"AWS_ACCESS_KEY_ID": _}:
            raise CredentialError(
                "AWS_ACCESS_KEY_ID is set, but not AWS_SECRET_ACCESS_KEY: set both, or unset both"
            )
    return None


def _vertex(provider: Provider, variables: Mapping[str, str]) -> Connection | None:
    project = _first(variables, _GOOGLE_PROJECTS)
    path = _first(variables, provider.key_variables)
    if path is not None:
        secret = Secret.lazy(partial(_google_text, path, project))
    elif project is not None:
        secret = Secret(_google_default(project))
    else:
        return None
    region = _first(variables, provider.region_variables) or "global"
    return Connection(provider.name, provider, secret, region=region)


def google_secret(given: str, project: str | None) -> Secret:
    """A Google credential from what LiteLLM calls `vertex_credentials`: a path, or the JSON key itself."""
    if given.lstrip().startswith("{"):
        return Secret(_service_account(given, project) or _google_default(project))
    return Secret.lazy(partial(_google_text, given, project))


def _google_text(path: str, project: str | None) -> str:
    """What the file of `GOOGLE_APPLICATION_CREDENTIALS` says, read at each use as it may be replaced."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text"
        problem = f"GOOGLE_APPLICATION_CREDENTIALS names {path!r}, which cannot be read: {reason}"
    else:
        return _service_account(text, project) or _google_default(project)
    raise CredentialError(problem)


def _service_account(text: str, project: str | None) -> str | None:
    try:
        info = json.loads(text)
    except ValueError:
        return text
    if not isinstance(info, dict) or info.get("type") != "service_account":
        return None
    return json.dumps({**info, "project_id": project or info.get("project_id")})


def _google_default(project: str | None) -> str:
    return json.dumps({"projectId": project}) if project else GOOGLE_DEFAULT


def _set(variables: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in variables), None)


def _first(variables: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((variables[name] for name in names if name in variables), None)


_READERS = {
    "azure": _azure,
    "bedrock": _bedrock,
    GENAI_GATEWAY: _genai_gateway,
    "ollama": _ollama,
    "portkey": _portkey,
    "vertex": _vertex,
}
"""Providers that need more than a key and an address."""
