"""What all clients of a process share to call through LiteLLM: its loop, and our HTTP in its form."""

from __future__ import annotations

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

    def client(self) -> object:
        """The asynchronous HTTP of ours as LiteLLM takes it. For use in `loop` only, so it needs no lock."""
        if self._client is None:
            from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

            from genai_integrations.transports.litellm.witness import WitnessedTransport

            transport = WitnessedTransport(self.http.async_http)
            self._client = AsyncHTTPHandler(transport=transport, follow_redirects=False)
        return self._client


SHARED_LITELLM = SharedLitellm(SHARED)
"""The process's own."""
