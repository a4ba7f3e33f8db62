"""A prompt and the model that its config names, as one runnable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import BaseModel
from typing_extensions import override

from genai_integrations.client import GenAIClient
from genai_integrations.langchain.chat_model import ChatGenAI
from genai_integrations.langchain.prompts.lookup import Template, langfuse_prompt
from genai_integrations.live_prompt import LivePrompt, LiveSettings
from genai_integrations.prompts.langfuse_prompts import Fallback
from genai_integrations.prompts.model_settings import DEFAULT_SETTINGS, ModelSettings


def langfuse_chain(
    name: str,
    *,
    label: str | None = None,
    version: int | None = None,
    client: GenAIClient | None = None,
    fallback: Fallback | None = None,
    allow: Iterable[str] = DEFAULT_SETTINGS,
    model: ChatGenAI | None = None,
) -> LangfuseChain:
    """A Langfuse prompt, and a model set by the prompt's config: `prompt | model`, both always up to date.

    A config that cannot work, because a value is wrong or no connection serves its model, leaves the settings as they were,
    with a warning.

    Args:
        name: As for `langfuse_prompt`, as are `label`, `version`, `client` and `fallback`.
        label: As for `langfuse_prompt`.
        version: As for `langfuse_prompt`.
        client: As for `langfuse_prompt`.
        fallback: As for `langfuse_prompt`.
        allow: The keys of the config that count: see `Prompt.model_settings`.
        model: Has what the config does not say; default `ChatGenAI()`.

    Raises:
        PromptError: The prompt cannot be fetched.
        ConfigurationError: `allow` names a key that does not exist, or the config cannot work.
    """
    live = LivePrompt(name, label, version, client, fallback)
    settings = LiveSettings(live, tuple(allow))
    settings.get()
    prompt = langfuse_prompt(
        name, label=label, version=version, client=client, fallback=live.fallback
    )
    return LangfuseChain(prompt, model or ChatGenAI(client=client), settings)


class LangfuseChain(Runnable[Any, AIMessage]):
    """`prompt | model`, with the model's settings looked up whenever it is used. `langfuse_chain` makes it.

    Args:
        prompt: The template.
        model: Has what the settings do not say.
        settings: Where the others come from.
    """

    def __init__(self, prompt: Template, model: ChatGenAI, settings: LiveSettings) -> None:
        self.prompt = prompt
        self.model = model
        self.settings = settings

    def __repr__(self) -> str:
        return f"LangfuseChain({self.settings.live.name!r}, model={self.model.model!r})"

    @property
    @override
    def OutputType(self) -> type[AIMessage]:
        return AIMessage

    @override
    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        return self.prompt.get_input_schema(config)

    @override
    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        return self._chain(self.settings.get(), kwargs).invoke(input, config)

    @override
    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        return await self._chain(await self.settings.aget(), kwargs).ainvoke(input, config)

    @override
    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessage]:
        yield from self._chain(self.settings.get(), kwargs).stream(input, config)

    @override
    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessage]:
        async for chunk in self._chain(await self.settings.aget(), kwargs).astream(input, config):
            yield chunk

    def _chain(self, settings: ModelSettings, given: dict[str, Any]) -> Runnable[Any, AIMessage]:
        return self.prompt | self.model.bind(**{**settings, **given})
