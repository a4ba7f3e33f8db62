"""Whom a stored connection speaks to: Langfuse keeps an adapter and an address, not a provider."""

from __future__ import annotations

import re

from genai_integrations.connections.providers import OWN, PROVIDERS, Provider
from genai_integrations.errors import ConfigurationError

ADAPTERS = {
    "openai": "openai",
    "azure": "azure",
    "anthropic": "anthropic",
    "bedrock": "bedrock",
    "google-vertex-ai": "vertex",
    "google-ai-studio": "google-ai-studio",
}
"""Langfuse's adapters (packages/shared/src/server/llm/types.ts, 4.16.0) and the provider each means."""


def provider_of(adapter: str, connection_name: str, base_url: str | None) -> Provider:
    """Whom a stored connection speaks to.

    Langfuse stores every OpenAI-compatible endpoint under the adapter `openai`, so the host of the base URL
    decides, and where the host says nothing, a connection's name that is or starts with a provider's.

    Raises:
        ConfigurationError: The adapter is none that this version knows.
    """
    try:
        row = PROVIDERS[ADAPTERS[adapter]]
    except KeyError:
        known = ", ".join(sorted(ADAPTERS))
        raise ConfigurationError(
            f"connection {connection_name!r} has the unknown adapter {adapter!r}; known: {known}"
        ) from None
    if row.name != "openai" or not base_url:
        return row
    return _by_host(base_url) or _by_connection_name(connection_name) or row


def _by_host(base_url: str) -> Provider | None:
    authority = base_url.partition("://")[2].partition("/")[0].rpartition("@")[2].lower()
    host = authority.partition(":")[0]
    for row in (*_SPEAKS_OPENAI, *OWN.values()):
        for known in row.hosts:
            if known in (host, authority) or (known[0] in ".:" and authority.endswith(known)):
                return row
    return None


def _by_connection_name(name: str) -> Provider | None:
    first_word = re.split(r"[^a-z0-9]", name.lower(), maxsplit=1)[0]
    rows = (*_SPEAKS_OPENAI, *OWN.values())
    return next((row for row in rows if row.name == first_word), None)


_SPEAKS_OPENAI = tuple(row for row in PROVIDERS.values() if row.dialect == "openai")
"""Whom a connection with the adapter `openai` may speak to, since that is how it will be spoken to."""
