"""LangChain messages of a Langfuse prompt, marked with the version they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    convert_to_messages,
)

from genai_integrations.langchain.messages import to_wire
from genai_integrations.prompts.template import Prompt, placed_message

if TYPE_CHECKING:
    from genai_integrations.live_prompt import LivePrompt

MARK = "langfuse_prompt"
"""The key in a message's `additional_kwargs` that links a call to its prompt; it is never sent."""

_CLASSES: Mapping[str, type[BaseMessage]] = {
    "user": HumanMessage,
    "human": HumanMessage,
    "assistant": AIMessage,
    "ai": AIMessage,
    "model": AIMessage,
    "system": SystemMessage,
}


def linked_messages(
    live: LivePrompt, prompt: Prompt, values: Mapping[str, Any]
) -> list[BaseMessage]:
    """The messages of a prompt that was looked up, marked with it. Raises as `messages_of`."""
    return messages_of(
        prompt, values, live.link_of(prompt, lambda other: to_wire(messages_of(other, values)))
    )


def messages_of(
    prompt: Prompt, values: Mapping[str, Any], link: Mapping[str, Any] | None = None
) -> list[BaseMessage]:
    """The messages of a prompt; values of no variable are ignored.

    Args:
        prompt: The prompt.
        values: A value for each variable.
        link: What to mark them with.

    Raises:
        PromptVariableError: A variable is missing, or a placeholder's value is no list of messages.
    """

    def message(role: str, content: str) -> BaseMessage:
        return marked(_message(role, content), link)

    def history(name: str, value: Any) -> list[BaseMessage]:
        if not isinstance(value, list):
            raise prompt.refused(name)
        try:
            return [_unmarked(_given(item)) for item in value]
        except (ValueError, NotImplementedError, TypeError, KeyError):
            raise prompt.refused(name) from None

    return prompt.fill(values, message, history)


def marked(message: BaseMessage, link: Mapping[str, Any] | None) -> BaseMessage:
    """The message, linked; a fallback has no link."""
    if link is not None:
        message.additional_kwargs[MARK] = link
    return message


def _message(role: str, content: str) -> BaseMessage:
    kind = _CLASSES.get(role)
    if kind is not None:
        return kind(content=content)
    if role == "developer":
        # LangChain's own form of it, which langchain-openai reads too.
        return SystemMessage(content=content, additional_kwargs={"__openai_role__": role})
    return ChatMessage(role=role, content=content)


def _given(item: Any) -> BaseMessage:
    """One message of a placeholder: LangChain's, OpenAI's, or anything else that LangChain takes."""
    if not isinstance(item, BaseMessage):
        item = placed_message(item)
    if isinstance(item, Mapping) and isinstance(item.get("role"), str):
        try:
            return convert_to_messages([dict(item)])[0]
        except (ValueError, KeyError):
            return ChatMessage(role=item["role"], content=item.get("content") or "")
    return convert_to_messages([item])[0]


def _unmarked(message: BaseMessage) -> BaseMessage:
    """An earlier call's message does not say what this call comes from."""
    if MARK not in message.additional_kwargs:
        return message
    others = {key: value for key, value in message.additional_kwargs.items() if key != MARK}
    return message.model_copy(update={"additional_kwargs": others})
