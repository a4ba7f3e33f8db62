"""Langfuse prompts as LangChain's own templates, looked up whenever they are used."""

from __future__ import annotations

from genai_integrations.client import GenAIClient
from genai_integrations.langchain.prompts.chat import LangfuseChatPromptTemplate, LangfuseMessages
from genai_integrations.langchain.prompts.text import LangfusePromptTemplate
from genai_integrations.live_prompt import LivePrompt
from genai_integrations.prompts.langfuse_prompts import Fallback
from genai_integrations.prompts.template import Prompt, Text

Template = LangfusePromptTemplate | LangfuseChatPromptTemplate
"""A template of either type."""


def langfuse_prompt(
    name: str,
    *,
    label: str | None = None,
    version: int | None = None,
    client: GenAIClient | None = None,
    fallback: Fallback | None = None,
) -> Template:
    """A Langfuse prompt as a template of its type: a `PromptTemplate` or a `ChatPromptTemplate`.

    It is looked up at every use, so moving the label in Langfuse changes what it gives. A call of `ChatGenAI`
    is linked to the version that it used. Values that belong to no variable are ignored, as chains pass whole dicts.

    Args:
        name: Its name, with folders.
        label: The version that has this label; default `production`.
        version: This version.
        client: The client to ask; default the one of `use_client`, else one made from the environment.
        fallback: What to use where Langfuse has none to give: a text, or a list of messages.

    Raises:
        PromptNotFoundError: Langfuse has no such prompt, version or label.
        PromptError: Langfuse cannot be asked.
    """
    live = LivePrompt(name, label, version, client, fallback)
    return _template(live, live.get())


async def alangfuse_prompt(
    name: str,
    *,
    label: str | None = None,
    version: int | None = None,
    client: GenAIClient | None = None,
    fallback: Fallback | None = None,
) -> Template:
    """As `langfuse_prompt`, without blocking the event loop."""
    live = LivePrompt(name, label, version, client, fallback)
    return _template(live, await live.aget())


def _template(live: LivePrompt, prompt: Prompt) -> Template:
    if isinstance(prompt.body, Text):
        return LangfusePromptTemplate.of([live], [prompt])
    return LangfuseChatPromptTemplate.of([LangfuseMessages(live=live)])
