"""Langfuse's text prompts as LangChain's `PromptTemplate`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import StringPromptValue
from langchain_core.prompts import PromptTemplate
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel, Field, InstanceOf, model_validator
from typing_extensions import override

from genai_integrations.errors import PromptError
from genai_integrations.langchain.prompts.common import (
    Given,
    for_handler,
    input_schema,
    linked,
    mapping_of,
)
from genai_integrations.langchain.prompts.messages import marked
from genai_integrations.live_prompt import LivePrompt
from genai_integrations.prompts.template import Prompt, Text, Variable, require

Found = Prompt | PromptTemplate
"""A part of a text, looked up."""


class LangfuseStringPromptValue(StringPromptValue):
    """A rendered text that knows which prompt it comes from."""

    link: Any = None
    """Name and version; None for a fallback."""

    @override
    def to_messages(self) -> list[BaseMessage]:
        return [marked(message, self.link) for message in super().to_messages()]


class LangfusePromptTemplate(PromptTemplate):
    """A text prompt, or a sum of texts with one among them. `langfuse_prompt` makes it.

    `input_variables` and `template`, which is in LangChain's syntax, are always the current version's.
    """

    parts: list[InstanceOf[LivePrompt] | PromptTemplate] = Field(exclude=True)
    """What it is made of."""

    @classmethod
    def of(
        cls,
        parts: Sequence[LivePrompt | PromptTemplate],
        found: Sequence[Found],
        partial: Mapping[str, Any] | None = None,
    ) -> Self:
        """The template of these parts, which have just been looked up."""
        names = [name for name in _variables(found) if name not in (partial or {})]
        return cls(
            parts=list(parts),
            template=_fstring(found),
            input_variables=names,
            partial_variables=dict(partial or {}),
        )

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        """It is no template without the client that looks it up."""
        return False

    @model_validator(mode="before")
    @classmethod
    @override
    def pre_init_validation(cls, values: Given) -> Any:
        """LangChain would read the variables out of the text, and knows fewer names."""
        return values

    @model_validator(mode="after")
    @override
    def validate_variable_names(self) -> Self:
        """A variable may have any name."""
        return self

    @override
    def format(self, **kwargs: Any) -> str:
        return self._rendered(self._found(), kwargs).text

    @override
    async def aformat(self, **kwargs: Any) -> str:
        return self._rendered(await self._afound(), kwargs).text

    @override
    def format_prompt(self, **kwargs: Any) -> LangfuseStringPromptValue:
        return self._rendered(self._found(), kwargs)

    @override
    async def aformat_prompt(self, **kwargs: Any) -> LangfuseStringPromptValue:
        return self._rendered(await self._afound(), kwargs)

    @override
    def invoke(
        self,
        input: Given,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        return super().invoke(input, for_handler(config, self._found()), **kwargs)

    @override
    async def ainvoke(
        self,
        input: Given,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        return await super().ainvoke(input, for_handler(config, await self._afound()), **kwargs)

    @override
    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        return input_schema(self)

    def __add__(self, other: Any) -> LangfusePromptTemplate:
        return self._sum(self, _as_template(other))

    def __radd__(self, other: Any) -> LangfusePromptTemplate:
        return self._sum(_as_template(other), self)

    def _sum(self, *templates: PromptTemplate) -> LangfusePromptTemplate:
        parts: list[LivePrompt | PromptTemplate] = []
        partial: Given = {}
        for template in templates:
            parts += template.parts if isinstance(template, LangfusePromptTemplate) else [template]
            partial |= template.partial_variables
        return type(self).of(parts, _looked_up(parts), partial)

    def _format_prompt_with_error_handling(self, inner_input: Any) -> LangfuseStringPromptValue:
        return self._rendered(self._found(), inner_input)

    async def _aformat_prompt_with_error_handling(
        self, inner_input: Any
    ) -> LangfuseStringPromptValue:
        return self._rendered(await self._afound(), inner_input)

    def _found(self) -> list[Found]:
        return _looked_up(self.parts)

    async def _afound(self) -> list[Found]:
        return [await part.aget() if isinstance(part, LivePrompt) else part for part in self.parts]

    def _rendered(self, found: Sequence[Found], given: Any) -> LangfuseStringPromptValue:
        partial = self._merge_partial_and_user_variables()
        names = [name for name in _variables(found) if name not in partial]
        values = {**partial, **mapping_of(given, names, type(self).__name__)}
        text = "".join(_text(part, values) for part in found)
        return LangfuseStringPromptValue(text=text, link=self._link(found, values))

    def _link(self, found: Sequence[Found], values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What the text is linked by; where it has several prompts, the last one, which follows nobody then."""
        prompt = linked(found)
        own = [at for at, part in enumerate(found) if isinstance(part, Prompt)]
        live = self.parts[own[0]]
        if prompt is None or len(own) > 1 or not isinstance(live, LivePrompt):
            return prompt.link if prompt else None

        def render(other: Prompt) -> list[dict[str, Any]]:
            parts = [other if part is prompt else part for part in found]
            text = "".join(_text(part, values) for part in parts)
            return [{"role": "user", "content": text}]

        return live.link_of(prompt, render)


def _live_variables(template: LangfusePromptTemplate) -> list[str]:
    partial = template.partial_variables
    return [name for name in _variables(_looked_up(template.parts)) if name not in partial]


# Instead of the fields, so that whoever asks gets the current version's.
LangfusePromptTemplate.input_variables = property(_live_variables)  # type: ignore[assignment]
LangfusePromptTemplate.template = property(  # type: ignore[assignment]
    lambda template: _fstring(_looked_up(template.parts))
)


def _looked_up(parts: Iterable[LivePrompt | PromptTemplate]) -> list[Found]:
    return [part.get() if isinstance(part, LivePrompt) else part for part in parts]


def _variables(found: Iterable[Found]) -> list[str]:
    names = [
        name
        for part in found
        for name in (part.variables if isinstance(part, Prompt) else part.input_variables)
    ]
    return sorted(set(names))


def _text(part: Found, values: Mapping[str, Any]) -> str:
    if isinstance(part, Prompt):
        part.check(values)
        return _body(part).render(values)
    require("the template", part.input_variables, values)
    return part.format(**values)


def _fstring(found: Iterable[Found]) -> str:
    """The text in LangChain's syntax."""
    return "".join(
        _escaped(_body(part)) if isinstance(part, Prompt) else part.template for part in found
    )


def _escaped(text: Text) -> str:
    return "".join(
        f"{{{part.name}}}"
        if isinstance(part, Variable)
        else part.replace("{", "{{").replace("}", "}}")
        for part in text.parts
    )


def _body(prompt: Prompt) -> Text:
    if isinstance(prompt.body, Text):
        return prompt.body
    raise PromptError(
        f"prompt {prompt.name!r} was a text prompt and is a chat prompt now: make its template again"
    )


def _as_template(other: Any) -> PromptTemplate:
    """What LangChain's own `+` takes, too."""
    if isinstance(other, PromptTemplate):
        return other
    if isinstance(other, str):
        return PromptTemplate.from_template(other)
    raise NotImplementedError(f"Unsupported operand type for +: {type(other)}")
