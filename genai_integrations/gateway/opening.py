"""Options as the command line says, made in each worker."""

from __future__ import annotations

from genai_integrations.client import GenAIClient
from genai_integrations.connections.connection import Connection
from genai_integrations.gateway.callers import OpenKeys
from genai_integrations.gateway.keys.opening import langfuse_keys
from genai_integrations.gateway.options import GatewayOptions


def client_of(path: str | None) -> GenAIClient:
    """The client of a configuration, or of the environment where there is none."""
    return GenAIClient.from_config(path) if path else GenAIClient()


def for_everybody(path: str | None, *, only_loopback: bool) -> GatewayOptions:
    """Of a configuration, or of the environment where there is none, for everybody."""
    return GatewayOptions(OpenKeys(client_of(path), only_loopback=only_loopback))


def for_projects(path: str | None) -> GatewayOptions:
    """For whoever shows the key pair of a Langfuse project, or a narrower key.

    Args:
        path: A configuration, which holds for every project; None for none.
    """
    return GatewayOptions(langfuse_keys(path))


def of_local_model(url: str, api_key: str, model: str, *, only_loopback: bool) -> GatewayOptions:
    """Of one model on this machine, for everybody."""
    connection = Connection.of("local", "openai", api_key, url, custom_models=[model])
    client = GenAIClient(connections=[connection], tracing=False)
    return GatewayOptions(OpenKeys(client, only_loopback=only_loopback))
