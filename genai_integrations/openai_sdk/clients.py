"""Makes clients of OpenAI's SDK."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from genai_integrations.errors import ConfigurationError
from genai_integrations.openai_sdk.asking import BASE, Client
from genai_integrations.openai_sdk.transport import AsyncInProcess, InProcess
from genai_integrations.runtime.loading import loading

if TYPE_CHECKING:
    import openai


def openai_client(client: Client) -> openai.OpenAI:
    """OpenAI's own client, answered by ours.

    Raises:
        ConfigurationError: The package `openai` is not installed.
    """
    sdk = _sdk()
    httpx = _httpx_of(sdk.DefaultHttpxClient)
    http = httpx.Client(transport=InProcess(client, httpx), **_HTTP)
    return cast("openai.OpenAI", sdk.OpenAI(http_client=http, **_SDK))


def async_openai_client(client: Client) -> openai.AsyncOpenAI:
    """As `openai_client`, for event loops."""
    sdk = _sdk()
    httpx = _httpx_of(sdk.DefaultAsyncHttpxClient)
    http = httpx.AsyncClient(transport=AsyncInProcess(client, httpx), **_HTTP)
    return cast("openai.AsyncOpenAI", sdk.AsyncOpenAI(http_client=http, **_SDK))


# A proxy of the environment would be asked in place of our transport.
_HTTP: dict[str, Any] = {"trust_env": False, "timeout": None}

# Retries and time-outs are the router's. The SDK wants a key, and it is given to nobody.
_SDK: dict[str, Any] = {
    "api_key": "in-process",
    "base_url": BASE,
    "max_retries": 0,
    "timeout": None,
}


def _sdk() -> Any:
    try:
        with loading():
            import openai
    except ImportError as error:
        raise ConfigurationError(
            f"as_openai() makes a client of OpenAI's SDK, which cannot be imported ({error}): pip install openai"
        ) from None
    return openai


def _httpx_of(default_client: type) -> ModuleType:
    """The module whose classes the SDK uses, which need not be called httpx in every release."""
    base = next(row for row in default_client.__mro__ if row.__name__ in ("Client", "AsyncClient"))
    return importlib.import_module(base.__module__.partition(".")[0])
