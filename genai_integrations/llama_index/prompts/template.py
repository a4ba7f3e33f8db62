"""Langfuse prompts as LlamaIndex templates, looked up whenever they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.base.llms.generic_utils import messages_to_prompt as as_text
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import Field
from llama_index.core.prompts import (
    BasePromptTemplate,
    ChatPromptTemplate,
    PromptTemplate,
    PromptType,
    RichPromptTemplate,
)
from llama_index.core.types import BaseOutputParser
from pydantic import InstanceOf

from genai_integrations.client import GenAIClient
from genai_integrations.live_prompt import LivePrompt
from genai_integrations.llama_index.messages import to_wire
from genai_integrations.llama_index.prompts import export
from genai_integrations.llama_index.prompts.messages import links_prompts, messages_of
from genai_integrations.prompts.langfuse_prompts import Fallback
from genai_integrations.prompts.template import Prompt, Text


def langfuse_prompt(
    name: str,
    *,
    label: str | None = None,
    version: int | None = None,
    client: GenAIClient | None = None,
    fallback: Fallback | None = None,
    **fields: Any,
) -> LangfusePromptTemplate:
    """A Langfuse prompt as a LlamaIndex template.

    It is looked up at every use, so moving the label in Langfuse changes what it gives. A call of `GenAI` is
    linked to the version that it used. Values that belong to no variable are ignored.

    Args:
        name: Its name, with folders.
        label: The version that has this label; default `production`.
        version: This version.
        client: The client to ask; default the one of `use_client`, else one made from the environment.
        fallback: What to use where Langfuse has none to give: a text, or a list of messages.
        fields: As for LlamaIndex's templates: `output_parser`, `template_var_mappings`, `function_mappings`,
            `metadata`, and variables to fill in now.

    Raises:
        PromptNotFoundError: Langfuse has no such prompt, version or label.
        PromptError: Langfuse cannot be asked.
    """
    live = LivePrompt(name, label, version, client, fallback)
    live.get()
    return LangfusePromptTemplate(live, **fields)


async def alangfuse_prompt(
    name: str,
    *,
    label: str | None = None,
    version: int | None = None,
    client: GenAIClient | None = None,
    fallback: Fallback | None = None,
    **fields: Any,
) -> LangfusePromptTemplate:
    """As `langfuse_prompt`, without blocking the event loop."""
    live = LivePrompt(name, label, version, client, fallback)
    await live.aget()
    return LangfusePromptTemplate(live, **fields)


class LangfusePromptTemplate(BasePromptTemplate):
    """A prompt of either type. `langfuse_prompt` makes it; `template_vars` are always the current version's.

    Args:
        live: Where it comes from.
        output_parser: Adds its instructions to the prompt.
        metadata: As for LlamaIndex's templates.
        template_var_mappings: The prompt's name of a variable, for LlamaIndex's name.
        function_mappings: Functions of all values, each for the value of a variable.
        kwargs: Values of variables that are filled in now.
    """

    live: InstanceOf[LivePrompt] = Field(exclude=True)

    def __init__(
        self,
        live: LivePrompt,
        *,
        output_parser: BaseOutputParser | None = None,
        metadata: dict[str, Any] | None = None,
        template_var_mappings: dict[str, Any] | None = None,
        function_mappings: dict[str, Callable[..., Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            live=live,  # type: ignore[call-arg]  # a field of this class
            metadata={"prompt_type": PromptType.CUSTOM, **(metadata or {})},
            template_vars=[],
            kwargs={},
            output_parser=output_parser,
            template_var_mappings=template_var_mappings,
            function_mappings=function_mappings,
        )
        self.kwargs = kwargs  # not through pydantic: a placeholder's value is no text

    def partial_format(self, **kwargs: Any) -> Self:
        """A copy with these values filled in."""
        return self._copy(**kwargs)

    def format(
        self,
        llm: BaseLLM | None = None,
        messages_to_prompt: Callable[[Sequence[ChatMessage]], str] | None = None,
        completion_to_prompt: Callable[[str], str] | None = None,
        **kwargs: Any,
    ) -> str:
        """The prompt as one text.

        Args:
            llm: Not used.
            messages_to_prompt: Makes a text of a chat prompt's messages.
            completion_to_prompt: Puts a text prompt's text into a model's own form.
            kwargs: A value for each variable.

        Raises:
            PromptVariableError: A variable is missing.
        """
        prompt = self.live.get()
        messages = self._messages(prompt, kwargs)
        if not isinstance(prompt.body, Text):
            return (messages_to_prompt or as_text)(messages)
        text = messages[0].content or ""
        return text if completion_to_prompt is None else completion_to_prompt(text)

    def format_messages(self, llm: BaseLLM | None = None, **kwargs: Any) -> list[ChatMessage]:
        """The prompt as messages; a text is what the user says.

        Args:
            llm: If it is a `GenAI`, the messages are marked, so that the call is linked. Other LLMs might send the
                mark along.
            kwargs: A value for each variable, and a list of messages for each placeholder.

        Raises:
            PromptVariableError: A variable is missing, or a placeholder's value is no list of messages.
            PromptError: LlamaIndex does not have one of the roles.
        """
        prompt = self.live.get()
        return self._messages(
            prompt, kwargs, self.link_of(prompt, kwargs) if links_prompts(llm) else None
        )

    def link_of(self, prompt: Prompt, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What messages are marked with that were made of the prompt and these values."""
        return self.live.link_of(prompt, lambda other: to_wire(self._messages(other, given)))

    def get_template(self, llm: BaseLLM | None = None) -> str:
        """The prompt as it is in Langfuse, variables and all."""
        prompt = self.live.get()
        if isinstance(prompt.body, Text):
            return prompt.text
        return "\n".join(
            f"{row['role']}: {row['content']}" if "role" in row else f"<{row['name']}>"
            for row in prompt.messages
        )

    @property
    def template(self) -> str:
        """The text with LlamaIndex's names in single braces, and with what is filled in: chat engines read it.

        Raises:
            PromptError: It is a chat prompt.
        """
        names = {own: name for name, own in (self.template_var_mappings or {}).items()}
        return export.braced_text(self.live.get(), names, self._map_template_vars(self.kwargs))

    def to_prompt_template(self) -> PromptTemplate:
        """The current version of a text prompt as LlamaIndex's `PromptTemplate`, which stays as it is.

        Raises:
            PromptError: It is a chat prompt.
        """
        return export.prompt_template(self.live.get(), **self._fields())

    def to_chat_prompt_template(self) -> ChatPromptTemplate:
        """The current version as LlamaIndex's `ChatPromptTemplate`, which stays as it is.

        Raises:
            PromptError: It has a placeholder, or a role that LlamaIndex does not have.
        """
        return export.chat_prompt_template(self.live.get(), **self._fields())

    def to_rich_prompt_template(self) -> RichPromptTemplate:
        """The current version as LlamaIndex's `RichPromptTemplate`, which stays as it is.

        In messages, it drops white space at both ends of a text; in `format` of a text prompt it does not.

        Raises:
            PromptError: It has a placeholder, or a role other than system, user and assistant.
        """
        return export.rich_prompt_template(self.live.get(), **self._fields())

    def _messages(
        self, prompt: Prompt, given: Mapping[str, Any], link: Mapping[str, Any] | None = None
    ) -> list[ChatMessage]:
        messages = messages_of(prompt, self._values(given), link)
        parser = self.output_parser
        if parser is None:
            return messages
        if isinstance(prompt.body, Text):
            messages[0].content = parser.format(messages[0].content or "")
            return messages
        return parser.format_messages(messages)

    def _values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._map_all_vars({**self.kwargs, **given})

    def _fields(self) -> dict[str, Any]:
        return {
            "output_parser": self.output_parser,
            "metadata": dict(self.metadata),
            "template_var_mappings": dict(self.template_var_mappings or {}),
            "function_mappings": dict(self.function_mappings or {}),
            "kwargs": dict(self.kwargs),
        }

    def _copy(self, **kwargs: Any) -> Self:
        fields = self._fields()
        values = fields.pop("kwargs") | kwargs
        made = type(self)(self.live, **fields)
        made.kwargs = values  # not as arguments: a variable may be called `metadata`
        return made

    def __copy__(self) -> Self:
        return self._copy()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy with values of its own; parsers and functions often cannot be copied, so they are shared."""
        return self._copy()


# Instead of the field, so that whoever asks gets the current version's.
LangfusePromptTemplate.template_vars = property(  # type: ignore[assignment]
    lambda template: list(template.live.get().variables)
)
