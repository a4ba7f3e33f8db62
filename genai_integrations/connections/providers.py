"""The providers, as rows of data.

A new provider is one row here: by `_copy` if it has a copy of OpenAI's API, else as one that LiteLLM translates.
A program's own are rows too, which `transports/own_providers.py` adds.
Addresses and variables are LiteLLM's own. A row is removed when LiteLLM drops the provider.
Behaviour does not belong here: how a dialect is spoken is the business of `transports`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

Dialect = Literal[
    "openai", "azure", "responses", "anthropic", "gemini", "bedrock", "vertex", "litellm"
]
"""How the provider is spoken to: by ourselves in its wire format (Azure's is OpenAI's at other addresses, Vertex's is
that of the model's vendor), or by LiteLLM."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.

    Attributes:
        name: The prefix a user writes, as in `azure/gpt-4o-mini`.
        dialect: How it is spoken to: a `Dialect`, or an object that speaks a program's own.
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
        families: What the names of models start with that a program's own provider serves.
        gateway: Knows what names mean, so they go to it as they are written; and records calls in Langfuse itself, in the
            trace that it is told of, so that its answers are not recorded once more.
    """

    name: str
    dialect: Dialect | object = field(default="litellm", hash=False)
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
    families: tuple[str, ...] = ()
    gateway: bool = False


def _copy(
    name: str,
    base_url: str | None,
    keys: Sequence[str],
    urls: Sequence[str] = (),
    *,
    litellm: str = "",
    hosts: tuple[str, ...] = (),
    **fields: Any,
) -> Provider:
    """A provider with a copy of OpenAI's API. LiteLLM calls it by the same name if nothing else is said."""
    own = urlsplit(base_url or "").hostname
    return Provider(
        name,
        "openai",
        litellm or name,
        base_url,
        hosts=(own, *hosts) if own else hosts,
        key_variables=tuple(keys),
        url_variables=tuple(urls),
        **fields,
    )


GENAI_GATEWAY = "genai-gateway"

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
        "anthropic",
        "anthropic",
        base_url="https://api.anthropic.com",
        key_variables=("ANTHROPIC_API_KEY",),
        url_variables=("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"),
        check_model="claude-sonnet-4-5-20250929",
    ),
    Provider(
        "bedrock",
        "bedrock",
        litellm="bedrock",
        key_variables=("AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE"),
        url_variables=("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",),
        region_variables=("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_REGION_NAME"),
        catalog=("bedrock_converse", "bedrock"),
    ),
    Provider(
        "vertex",
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
        "gemini",
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
    _copy("groq", "https://api.groq.com/openai/v1", ["GROQ_API_KEY"], ["GROQ_API_BASE"]),
    _copy("deepseek", "https://api.deepseek.com/v1", ["DEEPSEEK_API_KEY"], ["DEEPSEEK_API_BASE"]),
    _copy("mistral", "https://api.mistral.ai/v1", ["MISTRAL_API_KEY"], ["MISTRAL_API_BASE"]),
    _copy("xai", "https://api.x.ai/v1", ["XAI_API_KEY"], ["XAI_API_BASE"], aliases=("x-ai",)),
    # LiteLLM's address variables for the next two lead elsewhere: to Cohere's own API, and to a whole path.
    _copy(
        "cohere",
        "https://api.cohere.ai/compatibility/v1",
        ["COHERE_API_KEY", "CO_API_KEY"],
        litellm="cohere_chat",
        hosts=("api.cohere.com",),
        catalog=("cohere_chat", "cohere"),
    ),
    _copy(
        "huggingface",
        "https://router.huggingface.co/v1",
        ["HF_TOKEN", "HUGGINGFACE_API_KEY"],
        hosts=(".endpoints.huggingface.cloud",),
    ),
    _copy(
        "together",
        "https://api.together.ai/v1",
        ["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY"],
        ["TOGETHER_AI_API_BASE"],
        litellm="together_ai",
        hosts=("api.together.xyz",),
        aliases=("togetherai",),
        aggregator=True,
    ),
    _copy(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        ["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"],
        ["FIREWORKS_API_BASE"],
        litellm="fireworks_ai",
    ),
    _copy(
        "perplexity",
        "https://api.perplexity.ai",
        ["PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"],
        ["PERPLEXITY_API_BASE"],
    ),
    _copy("cerebras", "https://api.cerebras.ai/v1", ["CEREBRAS_API_KEY"], ["CEREBRAS_API_BASE"]),
    _copy(
        "sambanova", "https://api.sambanova.ai/v1", ["SAMBANOVA_API_KEY"], ["SAMBANOVA_API_BASE"]
    ),
    _copy(
        "nvidia_nim",
        "https://integrate.api.nvidia.com/v1",
        ["NVIDIA_NIM_API_KEY"],
        ["NVIDIA_NIM_API_BASE"],
    ),
    _copy(
        "deepinfra",
        "https://api.deepinfra.com/v1/openai",
        ["DEEPINFRA_API_KEY"],
        ["DEEPINFRA_API_BASE"],
    ),
    _copy(
        "moonshot",
        "https://api.moonshot.ai/v1",
        ["MOONSHOT_API_KEY"],
        ["MOONSHOT_API_BASE"],
        hosts=("api.moonshot.cn",),
    ),
    _copy(
        "zai",
        "https://api.z.ai/api/paas/v4",
        ["ZAI_API_KEY"],
        ["ZAI_API_BASE"],
        hosts=("open.bigmodel.cn",),
    ),
    _copy(
        "minimax",
        "https://api.minimax.io/v1",
        ["MINIMAX_API_KEY"],
        ["MINIMAX_API_BASE"],
        hosts=("api.minimaxi.com",),
    ),
    _copy(
        "dashscope",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ["DASHSCOPE_API_KEY"],
        ["DASHSCOPE_API_BASE"],
        hosts=("dashscope-intl.aliyuncs.com",),
    ),
    _copy(
        "volcengine",
        "https://ark.cn-beijing.volces.com/api/v3",
        ["VOLCENGINE_API_KEY"],
        ["VOLCENGINE_API_BASE"],
    ),
    _copy("novita", "https://api.novita.ai/v3/openai", ["NOVITA_API_KEY"], ["NOVITA_API_BASE"]),
    _copy(
        "hyperbolic",
        "https://api.hyperbolic.xyz/v1",
        ["HYPERBOLIC_API_KEY"],
        ["HYPERBOLIC_API_BASE"],
    ),
    _copy("nebius", "https://api.studio.nebius.ai/v1", ["NEBIUS_API_KEY"], ["NEBIUS_API_BASE"]),
    _copy("nscale", "https://inference.api.nscale.com/v1", ["NSCALE_API_KEY"], ["NSCALE_API_BASE"]),
    _copy("baseten", "https://inference.baseten.co/v1", ["BASETEN_API_KEY"], ["BASETEN_API_BASE"]),
    _copy(
        "featherless_ai",
        "https://api.featherless.ai/v1",
        ["FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"],
        ["FEATHERLESS_AI_API_BASE", "FEATHERLESS_API_BASE"],
    ),
    _copy(
        "friendliai",
        "https://api.friendli.ai/serverless/v1",
        ["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"],
        ["FRIENDLI_API_BASE"],
    ),
    _copy(
        "ai21",
        "https://api.ai21.com/studio/v1",
        ["AI21_API_KEY"],
        ["AI21_API_BASE"],
        litellm="ai21_chat",
    ),
    _copy(
        "inception",
        "https://api.inceptionlabs.ai/v1",
        ["INCEPTION_API_KEY"],
        ["INCEPTION_API_BASE"],
    ),
    _copy(
        "voyage",
        "https://api.voyageai.com/v1",
        ["VOYAGE_API_KEY", "VOYAGE_AI_API_KEY"],
        ["VOYAGE_API_BASE"],
    ),
    _copy(
        "jina_ai",
        "https://api.jina.ai/v1",
        ["JINA_API_KEY", "JINA_AI_API_KEY"],
        ["JINA_AI_API_BASE"],
        aliases=("jina",),
    ),
    _copy(
        "vercel_ai_gateway",
        "https://ai-gateway.vercel.sh/v1",
        ["VERCEL_AI_GATEWAY_API_KEY"],
        ["VERCEL_AI_GATEWAY_API_BASE"],
        aggregator=True,
    ),
    _copy("databricks", None, ["DATABRICKS_API_KEY"], ["DATABRICKS_API_BASE"]),
    _copy(
        "vllm",
        None,
        ["HOSTED_VLLM_API_KEY"],
        ["HOSTED_VLLM_API_BASE"],
        litellm="hosted_vllm",
        keyless=True,
    ),
    _copy("lm_studio", None, ["LM_STUDIO_API_KEY"], ["LM_STUDIO_API_BASE"], keyless=True),
    _copy(
        "litellm_proxy", None, ["LITELLM_PROXY_API_KEY"], ["LITELLM_PROXY_API_BASE"], keyless=True
    ),
    # A key pair of Langfuse is its key, so `GENAI_GATEWAY_API_KEY` is only for who has a narrower one.
    _copy(
        GENAI_GATEWAY,
        None,
        ["GENAI_GATEWAY_API_KEY"],
        ["GENAI_GATEWAY_URL"],
        gateway=True,
    ),
    # Source: langfuse/langfuse, ai-gateway/README: Responses and Anthropic's Messages; keys of its own.
    Provider(
        "langfuse-gateway",
        "responses",
        litellm="langfuse-gateway",
        key_variables=("LANGFUSE_AI_GATEWAY_API_KEY",),
        url_variables=("LANGFUSE_AI_GATEWAY_BASE_URL",),
        gateway=True,
    ),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
"""Every provider of this package by its name."""

OWN: dict[str, Provider] = {}
"""Those that the program registered. Only `setdefault` changes it, so that threads need no lock."""

_BY_ANY_NAME = {
    alias: row for row in PROVIDERS.values() for alias in (row.name, row.litellm, *row.aliases)
}


def provider_named(name: str) -> Provider | None:
    """The provider of that name, alias or LiteLLM prefix (case does not matter); None if there is none."""
    return _BY_ANY_NAME.get(name.lower()) or OWN.get(name.lower())


def every_provider() -> tuple[Provider, ...]:
    """This package's, then the program's own."""
    return (*PROVIDERS.values(), *OWN.values())
