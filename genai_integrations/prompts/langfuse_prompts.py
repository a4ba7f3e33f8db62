"""Prompts as Langfuse keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from genai_integrations.connections.langfuse.sdk import LangfuseSdk
from genai_integrations.errors import (
    ConfigurationError,
    GenAIError,
    PromptError,
    PromptNotFoundError,
)
from genai_integrations.prompts.cache import Key, PromptCache
from genai_integrations.prompts.template import Prompt, parsed_body
from genai_integrations.runtime import given
from genai_integrations.runtime.network import without_frames
from genai_integrations.runtime.surroundings import require_event_loop

Fallback = str | Sequence[Mapping[str, str]] | Prompt
"""A prompt in code: a text, messages and placeholders as Langfuse has them, or such a prompt, parsed."""


class LangfusePrompts:
    """Fetches prompts through the Langfuse SDK, one request each, and keeps them in a `PromptCache`.

    Args:
        sdk: The Langfuse SDK's client.
    """

    def __init__(self, sdk: LangfuseSdk) -> None:
        self._sdk = sdk
        self._cache = PromptCache(self._fetched, sdk.settings.prompt_ttl)

    def get(
        self,
        name: str,
        *,
        version: int | None = None,
        label: str | None = None,
        fallback: Fallback | None = None,
    ) -> Prompt:
        """One version of a prompt.

        Args:
            name: Its name, with folders.
            version: This version.
            label: The version that has this label; `production` if neither is given.
            fallback: What to use where Langfuse has none to give.

        Raises:
            PromptNotFoundError: There is none.
            PromptError: Langfuse cannot be asked.
            ConfigurationError: Both a version and a label are given, or no key pair is set.
        """
        try:
            return self._cache.get(_key(name, version, label), _prompt(name, fallback))
        except PromptError as error:
            # Without the frames of the cache, which tell nobody but us anything.
            raise error.with_traceback(None) from error.__cause__

    async def aget(
        self,
        name: str,
        *,
        version: int | None = None,
        label: str | None = None,
        fallback: Fallback | None = None,
    ) -> Prompt:
        """As `get`, without blocking the event loop."""
        require_event_loop()
        try:
            return await self._cache.aget(_key(name, version, label), _prompt(name, fallback))
        except PromptError as error:
            # As in `get`.
            raise error.with_traceback(None) from error.__cause__

    def find(self, name: str, label: str) -> Prompt | None:
        """The version that has a label, where there may well be none: None then, or where it cannot be had at once."""
        return self._cache.find(Key(name, None, label))

    async def afind(self, name: str, label: str) -> Prompt | None:
        """As `find`, without blocking the event loop."""
        return await self._cache.afind(Key(name, None, label))

    def expire(self) -> None:
        """Have the next call of each prompt wait for what Langfuse has now."""
        self._cache.expire()

    def _fetched(self, key: Key) -> Prompt:
        try:
            # The name is one segment of the path, folders and all; the SDK's client would repeat what fails.
            row = self._sdk.api.prompts.get(
                quote(key.name, safe=""),
                version=key.version,
                label=key.label,
                request_options={"max_retries": 0},
            )
            return _parsed(row)
        except Exception as error:  # noqa: BLE001  whatever the SDK raises becomes one of ours
            failure = self._failure(key, error)
        # Outside the handler, because the SDK's frames hold the key pair in their locals.
        raise failure

    def _failure(self, key: Key, error: Exception) -> GenAIError:
        from langfuse.api import AccessDeniedError, NotFoundError, UnauthorizedError

        host = self._sdk.settings.host
        if isinstance(error, GenAIError):
            return without_frames(error)
        if isinstance(error, NotFoundError):
            which = f"version {key.version}" if key.label is None else f"label {key.label!r}"
            return PromptNotFoundError(
                f"Langfuse at {host} has no prompt {key.name!r} with {which}"
            )
        if isinstance(error, (AccessDeniedError, UnauthorizedError)):
            pair = self._sdk.settings.public_key
            return PromptError(
                f"Langfuse at {host} refuses the key pair {pair}: check LANGFUSE_SECRET_KEY"
            )
        status = getattr(error, "status_code", None)
        kind = type(error).__name__
        reason = f"HTTP {status}" if status else _REASONS.get(kind, kind)
        return PromptError(
            f"prompt {key.name!r} cannot be loaded from Langfuse at {host} ({reason}): check LANGFUSE_HOST"
        )


_REASONS = {
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection in time",
    "ReadTimeout": "no answer in time",
}
"""What errors of httpx, the SDK's HTTP library, mean."""


def _key(name: str, version: int | None, label: str | None) -> Key:
    given.text("a prompt's name", name, "support/greeting")
    given.text_or_none("a prompt's label", label, "production")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise given.wrong("a prompt's version", version, "a whole number")
    if version is not None and label is not None:
        raise ConfigurationError(
            f"prompt {name!r} has both a version and a label: give one of them"
        )
    return Key(name, version, (label or "production") if version is None else None)


def _prompt(name: str, fallback: Fallback | None) -> Prompt | None:
    if fallback is None or isinstance(fallback, Prompt):
        return fallback
    return Prompt.fallback(name, fallback)


def _parsed(row: Any) -> Prompt:
    """The SDK's row as a prompt; what it makes of a placeholder has a name and no role."""
    given = row.prompt
    if not isinstance(given, str):
        given = [
            {"role": message.role, "content": message.content}
            if hasattr(message, "role")
            else {"type": "placeholder", "name": message.name}
            for message in given
        ]
    config = {} if row.config is None else row.config
    return Prompt(row.name, row.version, tuple(row.labels), config, parsed_body(given))
