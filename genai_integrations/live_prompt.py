"""What a framework's template holds of a Langfuse prompt: names, and no prompt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.client import GenAIClient, default_client
from genai_integrations.errors import ConfigurationError, UnknownModelError
from genai_integrations.prompts.langfuse_prompts import Fallback
from genai_integrations.prompts.model_settings import (
    DEFAULT_SETTINGS,
    ModelSettings,
    checked_allow,
)
from genai_integrations.prompts.template import Prompt

_log = logging.getLogger("genai_integrations")


@dataclass(frozen=True, slots=True)
class LivePrompt:
    """A prompt that is looked up whenever it is used, so that moving a label changes the next call.

    Copies and pickles of it keep the client as the client itself says.

    Attributes:
        name: Its name, with folders.
        label: The version that has this label; default `production`.
        version: This version.
        client: The client to ask; None is the one of `use_client`, else one made from the environment.
        fallback: What to use where Langfuse has none to give.
    """

    name: str
    label: str | None = None
    version: int | None = None
    client: GenAIClient | None = None
    fallback: Fallback | None = None

    def __post_init__(self) -> None:
        if self.fallback is not None and not isinstance(self.fallback, Prompt):
            object.__setattr__(self, "fallback", Prompt.fallback(self.name, self.fallback))

    def get(self) -> Prompt:
        """The prompt as it is now. Raises as `GenAIClient.prompt` does."""
        # Not by `client.prompt`, whose callers get a config of their own to change.
        return self.asked._prompts.get(  # noqa: SLF001
            self.name, version=self.version, label=self.label, fallback=self.fallback
        )

    async def aget(self) -> Prompt:
        """As `get`, without blocking the event loop."""
        return await self.asked._prompts.aget(  # noqa: SLF001
            self.name, version=self.version, label=self.label, fallback=self.fallback
        )

    def link_of(
        self, prompt: Prompt, render: Callable[[Prompt], Sequence[Mapping[str, Any]]]
    ) -> dict[str, Any] | None:
        """What messages of the prompt are marked with, so that a call is linked to it, and it can follow the model.

        Args:
            prompt: As it was looked up.
            render: Makes messages in OpenAI's shape of another version of it.
        """
        from genai_integrations.prompts.following import link_of

        return link_of(self.asked._prompts, prompt, self.label, self.version, render)  # noqa: SLF001

    @property
    def asked(self) -> GenAIClient:
        """The client that is asked."""
        return self.client or default_client()


class LiveSettings:
    """The model's settings in a prompt's config, as they are now; a config that cannot work changes nothing.

    Args:
        live: The prompt.
        allow: The keys that count: see `Prompt.model_settings`.

    Raises:
        ConfigurationError: `allow` names a key that there is not.
    """

    def __init__(self, live: LivePrompt, allow: tuple[str, ...] = DEFAULT_SETTINGS) -> None:
        self.live = live
        self._allow = checked_allow(allow)
        self._good: tuple[int, ModelSettings] | None = None
        self._told: int | None = None

    @property
    def known(self) -> ModelSettings:
        """The settings that were good last, without asking."""
        return self._good[1].copy() if self._good else {}

    def get(self) -> ModelSettings:
        """The settings as they are now.

        Raises:
            ConfigurationError: The config cannot work, and there was none before that could.
            PromptError: The prompt cannot be fetched.
        """
        return self._of(self.live.get())

    async def aget(self) -> ModelSettings:
        """As `get`, without blocking the event loop."""
        prompt = await self.live.aget()
        if self._good and self._good[0] == prompt.version:
            return self.known
        # Looking the model up may read connections.
        return await asyncio.to_thread(self._of, prompt)

    def _of(self, prompt: Prompt) -> ModelSettings:
        if self._good is None or self._good[0] != prompt.version:
            try:
                self._good = prompt.version, self._checked(prompt)
            except ConfigurationError as error:
                if self._good is None:
                    raise
                self._tell(prompt, self._good[0], error)
        return self.known

    def _checked(self, prompt: Prompt) -> ModelSettings:
        settings = prompt.model_settings(self._allow)
        model = settings.get("model")
        if model is not None and not self.live.asked.resolve(model).targets:
            raise UnknownModelError(
                f"prompt {prompt.name!r} version {prompt.version} names the model {model!r}, which no connection "
                f"serves: `genai resolve {model}` explains"
            )
        return settings

    def _tell(self, prompt: Prompt, used: int, error: ConfigurationError) -> None:
        if self._told != prompt.version:
            self._told = prompt.version
            _log.warning(
                "%s; the config of version %s of %r stays in use", error, used, prompt.name
            )
