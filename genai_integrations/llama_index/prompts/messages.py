"""LlamaIndex messages of a Langfuse prompt, marked with the version they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.base.llms.types import ChatMessage, ContentBlock, MessageRole
from llama_index.core.llms.structured_llm import StructuredLLM

from genai_integrations.calls.extras import extras_of
from genai_integrations.errors import PromptError
from genai_integrations.llama_index.blocks import blocks_of
from genai_integrations.llama_index.replies import thought_in
from genai_integrations.prompts.template import Prompt, placed_message

MARK = "langfuse_prompt"
"""The key in a message's `additional_kwargs` that links a call to its prompt; it is never sent."""

_ROLES = {"human": "user", "ai": "assistant"}
"""Roles that LlamaIndex calls otherwise."""

_KEPT = ("tool_calls", "tool_call_id", "name")
"""What else a message in OpenAI's shape may have."""


def messages_of(
    prompt: Prompt, values: Mapping[str, Any], link: Mapping[str, Any] | None = None
) -> list[ChatMessage]:
    """The messages of a prompt; values of no variable are ignored.

    Args:
        prompt: The prompt.
        values: A value for each variable.
        link: What to mark them with.

    Raises:
        PromptVariableError: A variable is missing, or a placeholder's value is no list of messages.
        PromptError: LlamaIndex has no such role.
    """

    def message(role: str, content: str) -> ChatMessage:
        return marked(ChatMessage(role=role_of(prompt, role), content=content), link)

    def history(name: str, value: Any) -> list[ChatMessage]:
        if value == "":  # what LlamaIndex fills in where it measures a template
            return []
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            raise prompt.refused(name)
        return [_given(prompt, name, item) for item in value]

    return prompt.fill(values, message, history)


def marked(message: ChatMessage, link: Mapping[str, Any] | None) -> ChatMessage:
    """The message, linked, if there is a link: a fallback has none."""
    if link is not None:
        message.additional_kwargs[MARK] = link
    return message


def links_prompts(llm: BaseLLM | None) -> bool:
    """Whether an LLM takes the mark off its messages, and links its calls by it."""
    inner = llm.llm if isinstance(llm, StructuredLLM) else llm
    return isinstance(inner, LinkingLLM)


class LinkingLLM:
    """What every such LLM inherits."""


def marked_with(messages: Sequence[ChatMessage]) -> dict[str, Any]:
    """The client's parameter for the prompt that the last marked message comes from."""
    for message in reversed(messages):
        mark = message.additional_kwargs.get(MARK)
        if mark is not None:
            return {MARK: mark}
    return {}


def role_of(prompt: Prompt, role: str) -> MessageRole:
    """LlamaIndex's name of a role.

    Raises:
        PromptError: There is none.
    """
    try:
        return MessageRole(_ROLES.get(role, role))
    except ValueError:
        known = ", ".join(each.value for each in MessageRole)
        raise PromptError(
            f"prompt {prompt.name!r} has the role {role!r}, which LlamaIndex does not have: use {known}"
        ) from None


def _given(prompt: Prompt, name: str, item: Any) -> ChatMessage:
    """One message of a placeholder: LlamaIndex's, or OpenAI's. An earlier call's mark is not this call's."""
    if isinstance(item, ChatMessage):
        others = {key: value for key, value in item.additional_kwargs.items() if key != MARK}
        return item.model_copy(update={"additional_kwargs": others})
    item = placed_message(item)
    if not isinstance(item, Mapping) or not isinstance(item.get("role"), str):
        raise prompt.refused(name)
    kept = {key: item[key] for key in _KEPT if item.get(key) is not None}
    content = item.get("content")
    if not isinstance(content, (str, list, type(None))):
        raise prompt.refused(name)
    role = role_of(prompt, item["role"])
    try:
        blocks = _blocks(content)
    except (AttributeError, LookupError, TypeError, ValueError):
        raise prompt.refused(name) from None
    thought = thought_in(dict(item), None)
    if thought is not None:
        blocks = [thought, *blocks]
    return ChatMessage(role=role, blocks=blocks, additional_kwargs={**kept, **extras_of(item, {})})


def _blocks(content: str | list[Any] | None) -> list[ContentBlock]:
    """A message's content; its parts may be LlamaIndex's, as dicts too, or OpenAI's."""
    if isinstance(content, list) and all(map(_is_openais, content)):
        return [block for part in content for block in blocks_of(part)]
    return ChatMessage(content=content).blocks


def _is_openais(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, Mapping) and "type" in part)
