"""The providers, as rows of data.

A new provider that LiteLLM translates is one row here. A row is removed when LiteLLM drops the provider.
Behaviour does not belong here: how a dialect is spoken is the business of `transports`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from genai_integrations.errors import ConfigurationError

Dialect = Literal["openai", "azure", "litellm"]
"""Who speaks to the provider: our own transport (OpenAI's wire format, or Azure's addresses), or LiteLLM."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.

    Attributes:
        name: The prefix a user writes, as in `azure/gpt-4o-mini`.
        dialect: Who speaks to it.
        litellm: LiteLLM's prefix of it; also an alias of the name.
        base_url: Where it lives, with the version path; None where the connection must say so.
        hosts: Host names (or ends of them, starting with a dot) that give it away in a base URL.
        aliases: Other names of it.
        aggregator: Serves other vendors' models under `vendor/model`.
        key_variables: Environment variables that hold its key, the usual one first.
        url_variables: Environment variables that hold its base URL.
        catalog: Names of it in LiteLLM's price map, where they differ from `litellm`.
        region_variables: Environment variables that hold its region.
        keyless: Works without a key.
        check_model: What a connection that lists no models is tried with; Langfuse 4.16.0's choice.
    """

    name: str
    dialect: Dialect = "litellm"
    litellm: str = ""
    base_url: str | None = None
    hosts: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    aggregator: bool = False
    key_variables: tuple[str, ...] = ()
    url_variables: tuple[str, ...] = ()
    catalog: tuple[str, ...] = ()
    region_variables: tuple[str, ...] = ()
    keyless: bool = False
    check_model: str | None = None


_ROWS = (
    Provider(
        "openai",
        "openai",
        "openai",
        "https://api.openai.com/v1",
        hosts=("api.openai.com",),
        key_variables=("OPENAI_API_KEY",),
        url_variables=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        check_model="gpt-4.1",
    ),
    Provider(
        "azure",
        "azure",
        "azure",
        hosts=(".openai.azure.com", ".cognitiveservices.azure.com"),
        aliases=("azure-openai",),
        key_variables=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
        url_variables=("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"),
    ),
    Provider(
        "anthropic",
        litellm="anthropic",
        base_url="https://api.anthropic.com",
        key_variables=("ANTHROPIC_API_KEY",),
        url_variables=("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"),
        check_model="claude-sonnet-4-5-20250929",
    ),
    Provider(
        "bedrock",
        litellm="bedrock",
        key_variables=("AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE"),
        url_variables=("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",),
        region_variables=("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_REGION_NAME"),
        catalog=("bedrock_converse", "bedrock"),
    ),
    Provider(
        "vertex",
        litellm="vertex_ai",
        aliases=("google-vertex-ai", "vertex_ai", "vertexai"),
        key_variables=("GOOGLE_APPLICATION_CREDENTIALS",),
        region_variables=("VERTEXAI_LOCATION", "GOOGLE_CLOUD_LOCATION", "VERTEX_LOCATION"),
        catalog=("vertex_ai-language-models", "vertex_ai-anthropic_models", "vertex_ai"),
        check_model="gemini-2.5-flash",
    ),
    Provider(
        "google-ai-studio",
        litellm="gemini",
        base_url="https://generativelanguage.googleapis.com",
        aliases=("gemini", "google"),
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        url_variables=("GEMINI_API_BASE", "GOOGLE_GEMINI_BASE_URL"),
        check_model="gemini-2.5-flash",
    ),
    Provider(
        "openrouter",
        "openai",
        "openrouter",
        "https://openrouter.ai/api/v1",
        hosts=("openrouter.ai",),
        aggregator=True,
        key_variables=("OPENROUTER_API_KEY",),
        url_variables=("OPENROUTER_BASE_URL", "OPENROUTER_API_BASE"),
    ),
    Provider(
        "portkey",
        "openai",
        "portkey",
        "https://api.portkey.ai/v1",
        hosts=("api.portkey.ai",),
        aggregator=True,
        key_variables=("PORTKEY_API_KEY",),
        url_variables=("PORTKEY_BASE_URL", "PORTKEY_API_BASE"),
    ),
    Provider(
        "ollama",
        "openai",
        "ollama",
        "http://localhost:11434/v1",
        hosts=(":11434",),
        aliases=("ollama_chat",),
        key_variables=("OLLAMA_API_KEY",),
        url_variables=("OLLAMA_HOST", "OLLAMA_API_BASE"),
        keyless=True,
    ),
    Provider(
        "groq",
        "openai",
        "groq",
        "https://api.groq.com/openai/v1",
        hosts=("api.groq.com",),
        key_variables=("GROQ_API_KEY",),
    ),
    Provider(
        "deepseek",
        "openai",
        "deepseek",
        "https://api.deepseek.com/v1",
        hosts=("api.deepseek.com",),
        key_variables=("DEEPSEEK_API_KEY",),
    ),
    Provider(
        "mistral",
        litellm="mistral",
        base_url="https://api.mistral.ai/v1",
        hosts=("api.mistral.ai",),
        key_variables=("MISTRAL_API_KEY",),
    ),
    Provider(
        "xai",
        "openai",
        "xai",
        "https://api.x.ai/v1",
        hosts=("api.x.ai",),
        aliases=("x-ai",),
        key_variables=("XAI_API_KEY",),
    ),
    Provider(
        "cohere",
        litellm="cohere_chat",
        aliases=("cohere_chat",),
        key_variables=("COHERE_API_KEY", "CO_API_KEY"),
        catalog=("cohere_chat", "cohere"),
    ),
    Provider(
        "huggingface",
        litellm="huggingface",
        hosts=("router.huggingface.co",),
        key_variables=("HF_TOKEN", "HUGGINGFACE_API_KEY"),
    ),
    Provider(
        "together",
        "openai",
        "together_ai",
        "https://api.together.xyz/v1",
        hosts=("api.together.xyz",),
        aliases=("togetherai",),
        aggregator=True,
        key_variables=("TOGETHER_API_KEY", "TOGETHERAI_API_KEY"),
    ),
    Provider(
        "fireworks",
        "openai",
        "fireworks_ai",
        "https://api.fireworks.ai/inference/v1",
        hosts=("api.fireworks.ai",),
        key_variables=("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
    ),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
"""Every provider by its name."""

_BY_ANY_NAME = {
    alias: row for row in PROVIDERS.values() for alias in (row.name, row.litellm, *row.aliases)
}

ADAPTERS = {
    "openai": "openai",
    "azure": "azure",
    "anthropic": "anthropic",
    "bedrock": "bedrock",
    "google-vertex-ai": "vertex",
    "google-ai-studio": "google-ai-studio",
}
"""Langfuse's adapters (packages/shared/src/server/llm/types.ts, 4.16.0) and the provider each means."""


def provider_named(name: str) -> Provider | None:
    """The provider of that name, alias or LiteLLM prefix (case does not matter); None if there is none."""
    return _BY_ANY_NAME.get(name.lower())


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
    for row in _SPEAKS_OPENAI:
        for known in row.hosts:
            if host == known or (known[0] in ".:" and authority.endswith(known)):
                return row
    return None


def _by_connection_name(name: str) -> Provider | None:
    first_word = re.split(r"[^a-z0-9]", name.lower(), maxsplit=1)[0]
    return next((row for row in _SPEAKS_OPENAI if row.name == first_word), None)


_SPEAKS_OPENAI = tuple(row for row in PROVIDERS.values() if row.dialect == "openai")
"""Whom a connection with the adapter `openai` may speak to, since that is how it will be spoken to."""
