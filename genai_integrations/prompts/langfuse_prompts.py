"""Prompts as Langfuse keeps them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from genai_integrations.errors import ConfigurationError, PromptError, PromptNotFoundError
from genai_integrations.prompts.template import ChatMessage, Placeholder, Prompt, Text
from genai_integrations.settings import Settings

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
        from langfuse.api import NotFoundError, UnauthorizedError

        sdk = self._sdk or self._connect()
        try:
            # The SDK repeats a 404 too: asked once, a missing prompt is missing at once.
            fetched = sdk.get_prompt(name, version=version, label=label, max_retries=0)
        except NotFoundError:
            which = (
                f"version {version}" if version is not None else f"label {label or 'production'!r}"
            )
            raise PromptNotFoundError(
                f"Langfuse at {self._settings.host} has no prompt {name!r} with {which}"
            ) from None
        except UnauthorizedError:
            raise PromptError(
                f"Langfuse at {self._settings.host} refuses the key pair {self._settings.public_key}: "
                "check LANGFUSE_SECRET_KEY"
            ) from None
        except Exception as error:
            raise PromptError(
                f"prompt {name!r} cannot be had from Langfuse at {self._settings.host}: "
                f"{type(error).__name__}: check LANGFUSE_HOST"
            ) from error
        return _parsed(fetched)

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
