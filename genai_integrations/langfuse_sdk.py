"""The Langfuse SDK's client: one per `GenAIClient`, made at first use, for prompts and for traces."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.settings import Settings

if TYPE_CHECKING:
    from langfuse import Langfuse


class LangfuseSdk:
    """Makes the SDK's client when it is first asked for.

    The SDK keeps one set of connections per public key and process: if the program has made a `Langfuse` of its
    own for that key, this is a second handle on the same one, with its masking, sampling and exporters.

    Args:
        settings: Has the host, the key pair, and whether to trace.
        mask: Langfuse's masking function, for input, output and metadata.
        sample_rate: Share of traces to record, 0.0 to 1.0; None leaves it to `LANGFUSE_SAMPLE_RATE`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        mask: Callable[..., Any] | None = None,
        sample_rate: float | None = None,
    ) -> None:
        self.settings = settings
        self.mask = mask
        self.sample_rate = sample_rate
        self._sdk: Langfuse | None = None
        self._lock = threading.Lock()

    @property
    def made(self) -> Langfuse | None:
        """The client, if anything has asked for it yet."""
        return self._sdk

    def get(self) -> Langfuse:
        """The client.

        Raises:
            ConfigurationError: The key pair is missing, or this process uses it with another host.
        """
        return self._sdk or self._make()

    def _make(self) -> Langfuse:
        from langfuse import Langfuse

        settings = self.settings
        if not settings.public_key or not settings.secret_key:
            raise ConfigurationError(
                "prompts and traces need Langfuse: set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
            )
        with self._lock:
            if self._sdk is None:
                sdk = Langfuse(
                    public_key=settings.public_key,
                    secret_key=settings.secret_key,
                    base_url=settings.host,
                    tracing_enabled=settings.tracing,
                    mask=self.mask,
                    sample_rate=self.sample_rate,
                )
                _refuse_other_host(sdk, settings)
                self._sdk = sdk
        return self._sdk


def _refuse_other_host(sdk: Langfuse, settings: Settings) -> None:
    resources = getattr(sdk, "_resources", None)
    known = getattr(resources, "base_url", settings.host)
    if known.rstrip("/") != settings.host:
        raise ConfigurationError(
            f"the Langfuse SDK in this process already uses {settings.public_key} with {known}, "
            f"so nothing can be had from {settings.host} or sent there: use one host per public key"
        )
