"""Prompts as Langfuse keeps them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from genai_integrations.errors import (
    ConfigurationError,
    GenAIError,
    PromptError,
    PromptNotFoundError,
)
from genai_integrations.prompts.template import ChatMessage, Placeholder, Prompt, Text
from genai_integrations.settings import Settings
from genai_integrations.transports.network import without_frames

if TYPE_CHECKING:
    from langfuse import Langfuse


class LangfusePrompts:
    """Fetches prompts with the Langfuse SDK, whose cache keeps them a minute and renews them behind the scenes.

    Args:
        settings: Has the host and the key pair.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sdk: Langfuse | None = None
        self._lock = threading.Lock()

    def get(self, name: str, *, version: int | None = None, label: str | None = None) -> Prompt:
        """One version of a prompt.

        Args:
            name: Its name, with folders.
            version: This version.
            label: The version that has this label; `production` if neither is given.

        Raises:
            PromptNotFoundError: There is none.
            PromptError: Langfuse cannot be asked.
        """
        sdk = self._sdk or self._connect()
        try:
            # The SDK repeats a 404 too: asked once, a missing prompt is missing at once.
            return _parsed(sdk.get_prompt(name, version=version, label=label, max_retries=0))
        except Exception as error:  # noqa: BLE001  whatever the SDK raises becomes one of ours
            failure = self._failure(name, version, label, error)
        # Outside the handler, because the SDK's frames hold the key pair in their locals.
        raise failure

    def _failure(
        self, name: str, version: int | None, label: str | None, error: Exception
    ) -> GenAIError:
        from langfuse.api import NotFoundError, UnauthorizedError

        host = self._settings.host
        if isinstance(error, GenAIError):
            return without_frames(error)
        if isinstance(error, NotFoundError):
            which = f"label {label or 'production'!r}" if version is None else f"version {version}"
            return PromptNotFoundError(f"Langfuse at {host} has no prompt {name!r} with {which}")
        if isinstance(error, UnauthorizedError):
            pair = self._settings.public_key
            return PromptError(
                f"Langfuse at {host} refuses the key pair {pair}: check LANGFUSE_SECRET_KEY"
            )
        return PromptError(
            f"prompt {name!r} cannot be had from Langfuse at {host}: "
            f"{type(error).__name__}: check LANGFUSE_HOST"
        )

    def _connect(self) -> Langfuse:
        from langfuse import Langfuse

        settings = self._settings
        if not settings.public_key or not settings.secret_key:
            raise ConfigurationError(
                "prompts come from Langfuse: set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
            )
        with self._lock:
            if self._sdk is None:
                sdk = Langfuse(
                    public_key=settings.public_key,
                    secret_key=settings.secret_key,
                    base_url=settings.host,
                    tracing_enabled=False,
                )
                _refuse_other_host(sdk, settings)
                self._sdk = sdk
        return self._sdk


def _refuse_other_host(sdk: Langfuse, settings: Settings) -> None:
    """The SDK keeps one set of connections per public key, whatever host the second client names."""
    resources = getattr(sdk, "_resources", None)
    known = getattr(resources, "base_url", settings.host)
    if known.rstrip("/") != settings.host:
        raise ConfigurationError(
            f"the Langfuse SDK in this process already uses {settings.public_key} with {known}, "
            f"so prompts cannot come from {settings.host}: use one host per public key"
        )


def _parsed(fetched: Any) -> Prompt:
    body: Text | tuple[ChatMessage | Placeholder, ...]
    if isinstance(fetched.prompt, str):
        body = Text.parse(fetched.prompt)
    else:
        body = tuple(
            Placeholder(row["name"])
            if row["type"] == "placeholder"
            else ChatMessage(row["role"], Text.parse(row["content"]))
            for row in fetched.prompt
        )
    return Prompt(fetched.name, fetched.version, tuple(fetched.labels), fetched.config or {}, body)
