"""What all clients of a process share to call through LiteLLM: its loop, and our HTTP in its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.connections.providers import Provider
from genai_integrations.runtime.background import BackgroundLoop
from genai_integrations.transports.http.shared import SHARED, Shared
from genai_integrations.transports.litellm.quiet import KeepingExecutor


class SharedLitellm:
    """Makes each part once, when it is first asked for.

    Attributes:
        http: The connections.
        loop: Where LiteLLM's coroutines run.
    """

    def __init__(self, http: Shared) -> None:
        self.http = http
        self.loop = BackgroundLoop("genai-translation", KeepingExecutor)
        self._client: object = None
        self._is_rehearsed = False

    async def rehearse(self) -> None:
        """Have LiteLLM import what its first call takes. For use in `loop` only, so it needs no lock."""
        if not self._is_rehearsed:
            from genai_integrations.transports.litellm.loading import litellm_module
            from genai_integrations.transports.litellm.rehearsal import rehearse

            # Before, so that who comes meanwhile does not rehearse too: imports have locks of their own.
            self._is_rehearsed = True
            await rehearse(litellm_module())

    def client(self) -> object:
        """The asynchronous HTTP of ours as LiteLLM takes it. For use in `loop` only, so it needs no lock."""
        if self._client is None:
            from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

            from genai_integrations.transports.litellm.witness import WitnessedTransport

            transport = WitnessedTransport(self.http.async_http)
            self._client = AsyncHTTPHandler(transport=transport, follow_redirects=False)
        return self._client

    def client_for(self, provider: Provider, arguments: Mapping[str, Any]) -> object:
        """The same for a connection of a provider that LiteLLM may ask by OpenAI's SDK: it takes a client of that.

        Args:
            provider: Whose connection it is.
            arguments: LiteLLM's for the connection.
        """
        if provider.dialect not in _BY_SDK:
            return self.client()
        import httpx

        from genai_integrations.transports.litellm.either import azure_client, either_client
        from genai_integrations.transports.litellm.witness import WitnessedTransport

        transport = WitnessedTransport(self.http.async_http)
        http = httpx.AsyncClient(transport=transport, follow_redirects=False)
        if provider.litellm == "azure":
            return azure_client(http, arguments)
        return either_client(self.client(), http, arguments)


_BY_SDK = frozenset(("openai", "azure", "responses", "litellm"))
"""Dialects of providers that LiteLLM may ask by OpenAI's SDK."""

SHARED_LITELLM = SharedLitellm(SHARED)
"""The process's own."""
