"""A connection from LiteLLM's words: what a row of its `model_list` says of a key and an address.

The reverse of `litellm_export.py`. The words become the variables that the same values have in the environment, so an
address is read in one way wherever it is written.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.credentials import AWS_DEFAULT, GOOGLE_DEFAULT
from genai_integrations.connections.environment import connection_in, google_secret
from genai_integrations.connections.providers import Provider
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import given as given_values
from genai_integrations.runtime.secret import Secret

_VARIABLES = {
    "api_version": "AZURE_API_VERSION",
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
    "aws_region_name": "AWS_REGION",
    "aws_profile_name": "AWS_PROFILE",
    "aws_bedrock_runtime_endpoint": "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    "vertex_project": "VERTEXAI_PROJECT",
    "vertex_location": "VERTEXAI_LOCATION",
}
"""LiteLLM's parameters and the variables that mean the same, where both are one provider's."""

_SYNONYMS = {
    "base_url": "api_base",
    "vertex_ai_project": "vertex_project",
    "vertex_ai_location": "vertex_location",
    "vertex_ai_credentials": "vertex_credentials",
}

CONNECTION_PARAMS = frozenset(
    (*_VARIABLES, *_SYNONYMS, "api_key", "api_base", "vertex_credentials", "organization")
)
"""Parameters that make a row a connection of its own."""

_KEYS = {"bedrock": "AWS_BEARER_TOKEN_BEDROCK"}
"""The variable of `api_key`, where it is not the provider's first one."""


def connection_of(
    name: str, provider: Provider, given: Mapping[str, str], extra_headers: object = None
) -> Connection:
    """The connection that a row describes.

    Args:
        name: What it is to be called.
        provider: Whom it speaks to.
        given: Those of `CONNECTION_PARAMS` that the row has.
        extra_headers: Names and values that are sent with each request.

    Raises:
        ConfigurationError: Something is missing. No value is told.
    """
    params = {_SYNONYMS.get(key, key): value for key, value in given.items()}
    address = params.get("api_base")
    _require(provider, params)
    found = _machines_own(provider, params) or connection_in(provider, _read(provider, params))
    if found is None:
        raise ConfigurationError(f"says too little to be a connection of {provider.name}")
    url = found.base_url or (address and address.rstrip("/"))
    headers = {"OpenAI-Organization": params["organization"]} if "organization" in params else {}
    if extra_headers is not None:
        headers |= given_values.mapping("extra_headers", extra_headers, '{"x-team": "search"}')
        given_values.texts("the values of extra_headers", tuple(headers.values()), "search")
    sent = Secret(json.dumps(headers)) if headers else found.extra_headers
    return dataclasses.replace(
        found, name=name, base_url=url, extra_headers=sent, key_from=None, address_from=None
    )


def _read(provider: Provider, params: Mapping[str, str]) -> dict[str, str]:
    """The parameters as variables of the environment."""
    read = {_VARIABLES[key]: value for key, value in params.items() if key in _VARIABLES}
    if "api_key" in params:
        read[_KEYS.get(provider.name, provider.key_variables[0])] = params["api_key"]
    if "api_base" in params and provider.url_variables:
        read[provider.url_variables[0]] = params["api_base"]
    return read


def _require(provider: Provider, params: Mapping[str, str]) -> None:
    """LiteLLM would fill gaps from the environment, and send a key from there to the row's address; nothing here does."""
    if provider.name in ("bedrock", "vertex"):
        if (
            provider.name == "bedrock"
            and not {"aws_region_name", "aws_profile_name"} & params.keys()
        ):
            raise ConfigurationError("has no aws_region_name")
        return
    if "api_key" not in params and not provider.keyless:
        variable = provider.key_variables[0]
        raise ConfigurationError(
            f"has no api_key: write 'os.environ/{variable}' to take it from there"
        )
    if "api_base" not in params and provider.base_url is None:
        raise ConfigurationError(f"has no api_base, and {provider.name} has no address of its own")


def _machines_own(provider: Provider, params: Mapping[str, str]) -> Connection | None:
    """A connection that proves itself as the machine does, or by a Google key that is given as such."""
    if provider.name == "vertex":
        project, told = params.get("vertex_project"), params.get("vertex_credentials")
        secret = google_secret(told, project) if told else None
        if secret is None and project is None:
            secret = Secret(GOOGLE_DEFAULT)
        region = params.get("vertex_location") or "global"
        if secret is not None:
            return Connection(provider.name, provider, secret, region=region)
    proofs = {"api_key", "aws_access_key_id", "aws_profile_name"}
    if provider.name == "bedrock" and not proofs & params.keys():
        region, url = params["aws_region_name"], params.get("aws_bedrock_runtime_endpoint")
        return Connection(provider.name, provider, Secret(AWS_DEFAULT), url, region=region)
    return None
