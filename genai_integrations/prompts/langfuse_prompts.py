"""Prompts as Langfuse keeps them."""

from __future__ import annotations

from typing import Any

from genai_integrations.errors import (
    GenAIError,
    PromptError,
    PromptNotFoundError,
)
from genai_integrations.langfuse_sdk import LangfuseSdk
from genai_integrations.prompts.template import ChatMessage, Placeholder, Prompt, Text
from genai_integrations.transports.network import without_frames


class LangfusePrompts:
    """Fetches prompts with the Langfuse SDK, whose cache keeps them a minute and renews them behind the scenes.

    Args:
        sdk: The Langfuse SDK's client.
    """

    def __init__(self, sdk: LangfuseSdk) -> None:
        self._sdk = sdk

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
        sdk = self._sdk.get()
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

        host = self._sdk.settings.host
        if isinstance(error, GenAIError):
            return without_frames(error)
        if isinstance(error, NotFoundError):
            which = f"label {label or 'production'!r}" if version is None else f"version {version}"
            return PromptNotFoundError(f"Langfuse at {host} has no prompt {name!r} with {which}")
        if isinstance(error, UnauthorizedError):
            pair = self._sdk.settings.public_key
            return PromptError(
                f"Langfuse at {host} refuses the key pair {pair}: check LANGFUSE_SECRET_KEY"
            )
        return PromptError(
            f"prompt {name!r} cannot be had from Langfuse at {host}: "
            f"{type(error).__name__}: check LANGFUSE_HOST"
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
