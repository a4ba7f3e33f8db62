"""Our HTTP as OpenAI's SDK takes it: LiteLLM asks some of its providers by that SDK, and others by HTTP itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler
from openai import AsyncAzureOpenAI, AsyncOpenAI

if TYPE_CHECKING:
    import httpx

_NO_KEY = "not-needed"
"""The SDK refuses to be made without a key; servers that take none ignore it."""


class _Either(AsyncHTTPHandler):  # type: ignore[misc]  # LiteLLM is not typed
    """LiteLLM's HTTP client, which is a client of OpenAI's SDK as well.

    Which of both LiteLLM wants depends on the provider and on its release; it takes one argument for either.
    """

    def __init__(self, handler: AsyncHTTPHandler, sdk: AsyncOpenAI) -> None:
        # Not made by the base class, which would open connections of its own.
        self.__dict__.update(handler.__dict__)
        self._sdk = sdk

    def __del__(self) -> None:
        """Close nothing: the connections are those of all clients."""

    async def post(self, *args: Any, **kwargs: Any) -> Any:
        """The one method that both have, told apart by an argument that only the SDK's must have."""
        asked = self._sdk.post if "cast_to" in kwargs else super().post
        return await asked(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_sdk"], name)


def either_client(handler: Any, http: httpx.AsyncClient, arguments: Mapping[str, Any]) -> object:
    """One client for both ways to ask.

    Args:
        handler: Our HTTP as LiteLLM's own client.
        http: The same as the SDK takes it.
        arguments: LiteLLM's for the connection.
    """
    key = str(arguments.get("api_key") or _NO_KEY)
    sdk = AsyncOpenAI(
        api_key=key,
        base_url=arguments.get("api_base"),
        organization=arguments.get("organization"),
        http_client=http,
        max_retries=0,
    )
    return _Either(handler, sdk)


def azure_client(http: httpx.AsyncClient, arguments: Mapping[str, Any]) -> object:
    """The same for Azure, which LiteLLM asks by the SDK alone."""
    return AsyncAzureOpenAI(
        api_key=str(arguments.get("api_key") or _NO_KEY),
        azure_endpoint=str(arguments.get("api_base")),
        api_version=arguments.get("api_version"),
        http_client=http,
        max_retries=0,
    )
