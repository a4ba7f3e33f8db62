"""Runnables that make models of other settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.configurable import RunnableConfigurableFields

from genai_integrations.langchain.chat_model import ChatGenAI

if TYPE_CHECKING:
    from langchain_core.language_models import LanguageModelInput


class ConfigurableModel(RunnableConfigurableFields):  # type: ignore[type-arg]  # pydantic would check them
    """Makes models of other settings, which ask the same client."""

    def _prepare(
        self, config: RunnableConfig | None = None
    ) -> tuple[Runnable[LanguageModelInput, AIMessage], RunnableConfig]:
        made, config = super()._prepare(config)
        if isinstance(made, ChatGenAI) and isinstance(self.default, ChatGenAI):
            made._client = self.default._client  # noqa: SLF001  a model of the same class
        return made, config
