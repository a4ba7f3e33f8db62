"""Langfuse's chat prompts as LangChain's `ChatPromptTemplate`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, cast

from langchain_core.messages import BaseMessage
from langchain_core.messages.base import get_msg_title_repr
from langchain_core.prompt_values import ChatPromptValue
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.prompts.chat import MessageLike
from langchain_core.prompts.message import BaseMessagePromptTemplate
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel, Field, InstanceOf, model_validator
from typing_extensions import override

from genai_integrations.langchain.prompts.common import Given, for_handler, input_schema, mapping_of
from genai_integrations.langchain.prompts.messages import linked_messages
from genai_integrations.live_prompt import LivePrompt
from genai_integrations.prompts.template import Prompt, Text, require

Found = Prompt | MessageLike
"""An entry of a chat template, looked up."""


class LangfuseMessages(BaseMessagePromptTemplate):
    """The messages of a prompt, as one entry of a `ChatPromptTemplate`."""

    live: InstanceOf[LivePrompt] = Field(exclude=True)
    """Where they come from."""

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        """They are none without the client that looks them up."""
        return False

    @property
    @override
    def input_variables(self) -> list[str]:
        """Names of variables and placeholders, as they are now."""
        return list(self.live.get().variables)

    @override
    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return linked_messages(self.live, self.live.get(), kwargs)

    @override
    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return linked_messages(self.live, await self.live.aget(), kwargs)

    @override
    def pretty_repr(self, html: bool = False) -> str:
        """Each message under its role, with the variables as they stand in Langfuse."""
        prompt = self.live.get()
        if isinstance(prompt.body, Text):
            return prompt.text
        shown = []
        for row in prompt.messages:
            title = f"{row.get('role', 'placeholder').title()} Message"
            content = row["content"] if "role" in row else f"{{{row['name']}}}"
            shown.append(f"{get_msg_title_repr(title, bold=html)}\n\n{content}")
        return "\n\n".join(shown)


class LangfuseChatPromptTemplate(ChatPromptTemplate):
    """A chat prompt, or a sum of messages with one among them. `langfuse_prompt` makes it.

    `input_variables` are always the current version's.
    """

    @classmethod
    def of(cls, messages: Sequence[MessageLike], partial: Mapping[str, Any] | None = None) -> Self:
        """The template of these entries."""
        partials = dict(partial or {})
        return cls(messages=list(messages), input_variables=[], partial_variables=partials)

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        """It is no template without the client that looks it up."""
        return False

    @model_validator(mode="after")
    @override
    def validate_variable_names(self) -> Self:
        """A variable may have any name."""
        return self

    @override
    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self._filled(kwargs)

    @override
    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return await self._afilled(kwargs)

    @override
    def invoke(
        self,
        input: Given,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        found = [_looked_up(entry) for entry in self.messages]
        return super().invoke(input, for_handler(config, found), **kwargs)

    @override
    async def ainvoke(
        self,
        input: Given,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        found = [await _alooked_up(entry) for entry in self.messages]
        return await super().ainvoke(input, for_handler(config, found), **kwargs)

    @override
    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        lists: list[str] = []
        for entry in self.messages:
            if isinstance(entry, LangfuseMessages):
                lists += entry.live.get().placeholders
            elif isinstance(entry, MessagesPlaceholder):
                lists.append(entry.variable_name)
        return input_schema(self, lists)

    def __add__(self, other: Any) -> LangfuseChatPromptTemplate:
        return self._sum(self, _as_template(other))

    def __radd__(self, other: Any) -> LangfuseChatPromptTemplate:
        return self._sum(_as_template(other), self)

    def _sum(self, *templates: ChatPromptTemplate) -> LangfuseChatPromptTemplate:
        messages = [entry for template in templates for entry in template.messages]
        partial = {
            name: value
            for template in templates
            for name, value in template.partial_variables.items()
        }
        return type(self).of(messages, partial)

    def _format_prompt_with_error_handling(self, inner_input: Any) -> ChatPromptValue:
        return ChatPromptValue(messages=self._filled(inner_input))

    async def _aformat_prompt_with_error_handling(self, inner_input: Any) -> ChatPromptValue:
        return ChatPromptValue(messages=await self._afilled(inner_input))

    def _filled(self, given: Any) -> list[BaseMessage]:
        found = [_looked_up(entry) for entry in self.messages]
        values = self._values(found, given)
        messages: list[BaseMessage] = []
        for own, entry in zip(self.messages, found, strict=True):
            if isinstance(entry, Prompt):
                messages += linked_messages(cast("LangfuseMessages", own).live, entry, values)
            elif isinstance(entry, BaseMessage):
                messages.append(entry)
            else:
                messages += entry.format_messages(**values)
        return messages

    async def _afilled(self, given: Any) -> list[BaseMessage]:
        found = [await _alooked_up(entry) for entry in self.messages]
        values = self._values(found, given)
        messages: list[BaseMessage] = []
        for own, entry in zip(self.messages, found, strict=True):
            if isinstance(entry, Prompt):
                messages += linked_messages(cast("LangfuseMessages", own).live, entry, values)
            elif isinstance(entry, BaseMessage):
                messages.append(entry)
            else:
                messages += await entry.aformat_messages(**values)
        return messages

    def _values(self, found: Sequence[Found], given: Any) -> Given:
        partial = self._merge_partial_and_user_variables()
        names = [name for name in _variables(found) if name not in partial]
        values = {**partial, **mapping_of(given, names, type(self).__name__)}
        for entry in found:
            if not isinstance(entry, (Prompt, BaseMessage)):
                require("the template", entry.input_variables, values)
        return values


def _live_variables(template: LangfuseChatPromptTemplate) -> list[str]:
    names = _variables([_looked_up(entry) for entry in template.messages])
    return [name for name in names if name not in template.partial_variables]


# Instead of the field, so that whoever asks gets the current version's.
LangfuseChatPromptTemplate.input_variables = property(_live_variables)  # type: ignore[assignment]


def _looked_up(entry: MessageLike) -> Found:
    return entry.live.get() if isinstance(entry, LangfuseMessages) else entry


async def _alooked_up(entry: MessageLike) -> Found:
    return await entry.live.aget() if isinstance(entry, LangfuseMessages) else entry


def _variables(found: Iterable[Found]) -> list[str]:
    names: set[str] = set()
    for entry in found:
        if isinstance(entry, Prompt):
            names.update(entry.variables)
        elif not isinstance(entry, BaseMessage):
            names.update(entry.input_variables)
    return sorted(names)


def _as_template(other: Any) -> ChatPromptTemplate:
    """What LangChain's own `+` takes, too."""
    return other if isinstance(other, ChatPromptTemplate) else ChatPromptTemplate([]) + other
