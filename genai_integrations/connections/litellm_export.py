"""Connections in LiteLLM's words.

What these functions return holds the secrets in plain text, because LiteLLM wants them so: it is for
LiteLLM, not for a log, a notebook's output or a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from genai_integrations.connections.connection import AZURE_API_VERSION, Connection
from genai_integrations.connections.credentials import (
    ApiKey,
    AwsBearer,
    AwsDefault,
    AwsKeyPair,
    Credential,
    GoogleDefault,
    GoogleServiceAccount,
    open_credential,
    open_headers,
)
from genai_integrations.connections.origins import vertex_host
from genai_integrations.errors import ConfigurationError

_SPOKEN_AS_OPENAI = frozenset({"cohere", "huggingface", "ollama", "portkey"})
"""LiteLLM speaks the own API of Cohere, Hugging Face and Ollama, not the `/v1` that connections name, and does not
know Portkey.
"""

_NO_KEY = "none"
"""With no key at all, LiteLLM would take `OPENAI_API_KEY` from the environment and send it."""


def litellm_model_list(connections: Iterable[Connection]) -> list[dict[str, object]]:
    """The `model_list` of a `litellm.Router`, with the secrets in plain text.

    A model is called `<connection>/<model>`. A connection that lists no models gets one entry, `<connection>/*`.

    Raises:
        DecryptionError: A connection's secret cannot be read.
        ConfigurationError: A connection speaks a dialect of the program's own.
    """
    return [
        {
            "model_name": f"{connection.name}/{model}",
            "litellm_params": _plain(litellm_params(connection, model)),
        }
        for connection in connections
        for model in connection.custom_models or ("*",)
    ]


def litellm_params(connection: Connection, model: str) -> dict[str, object]:
    """What `litellm.completion` needs to call a model of a connection. Its secrets are texts with a masked repr.

    Args:
        connection: The connection.
        model: The provider's own id, without LiteLLM's prefix.

    Raises:
        DecryptionError: The connection's secret cannot be read.
    """
    params: dict[str, object] = {"model": _prefixed(connection, model)}
    params |= _address(connection, model)
    params |= _key(open_credential(connection))
    headers = {name: value.reveal() for name, value in open_headers(connection).items()}
    if headers:
        params["extra_headers"] = headers
    return params


def _plain(params: Any) -> Any:
    """The same with plain texts, which show: that is what the list is for."""
    if isinstance(params, dict):
        return {name: _plain(value) for name, value in params.items()}
    return str(params) if isinstance(params, str) else params


def _prefixed(connection: Connection, model: str) -> str:
    provider = connection.provider
    if not isinstance(connection.dialect or provider.dialect, str):
        raise ConfigurationError(
            f"connection {connection.name!r}: LiteLLM cannot speak the dialect of {provider.name}, "
            "which is this program's own"
        )
    if connection.dialect == "responses":
        model = f"responses/{model}"
    if provider.gateway or provider.name in _SPOKEN_AS_OPENAI or not provider.litellm:
        return f"openai/{model}"
    return f"{provider.litellm}/{model}"


def _address(connection: Connection, model: str) -> dict[str, str]:
    provider = connection.provider
    # The provider's own address is spelled out, because LiteLLM would prefer one from the environment.
    base = (connection.base_url or provider.base_url or "").rstrip("/")
    match provider.name:
        case "bedrock":
            region = {"aws_region_name": connection.region} if connection.region else {}
            return {**region, "aws_bedrock_runtime_endpoint": base} if base else region
        case "vertex":
            location = connection.region or "global"
            # Spelled out, because LiteLLM would prefer an address from the environment.
            return {"vertex_location": location, "api_base": base or vertex_host(location)}
        case "azure":
            version = connection.api_version or AZURE_API_VERSION
            return {"api_base": _azure_resource(base), "api_version": version}
        case "anthropic":
            base = base.removesuffix("/v1/messages").removesuffix("/v1")
        case "google-ai-studio":
            base = base.removesuffix("/v1beta") + "/v1beta"
        case _:
            base = base.replace("{model}", quote(model, safe=""), 1) if model != "*" else base
    return {"api_base": base} if base else {}


def _azure_resource(base: str) -> str:
    """The part before `/openai`. LiteLLM always adds `/openai`, also where a proxy's address has none."""
    before_deployments = f"{base}/".partition("/deployments/")[0]
    return before_deployments.rstrip("/").removesuffix("/openai")


def _key(credential: Credential) -> dict[str, object]:
    match credential:
        case ApiKey(key):
            return {"api_key": key.reveal() or _NO_KEY}
        case AwsBearer(token):
            return {"api_key": token.reveal()}
        case AwsKeyPair(access_key_id, secret_access_key, session_token):
            return {
                # Without it, LiteLLM would prefer `AWS_BEARER_TOKEN_BEDROCK` of the environment to the keys.
                "api_key": "",
                "aws_access_key_id": access_key_id.reveal(),
                "aws_secret_access_key": secret_access_key.reveal(),
                # Nor `AWS_SESSION_TOKEN`, which belongs to other keys.
                "aws_session_token": session_token.reveal() if session_token else "",
            }
        case AwsDefault(profile):
            return {"aws_profile_name": profile} if profile else {}
        case GoogleServiceAccount(info, project_id):
            return {"vertex_credentials": info.reveal(), "vertex_project": project_id}
        case GoogleDefault(project_id):
            return {"vertex_project": project_id} if project_id else {}
