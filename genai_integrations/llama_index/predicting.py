"""`structured_predict` and its three siblings, with the schema forced in each of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.program.utils import FlexibleModel
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import Model, PydanticProgramMode
from llama_index_instrumentation import get_dispatcher

from genai_integrations.llama_index.guard import GuardedLLM
from genai_integrations.llama_index.structured import Forced

_dispatcher = get_dispatcher(__name__)


class StructuredPrediction(GuardedLLM):
    """An LLM whose answers can be objects.

    `pydantic_program_mode` decides how: `DEFAULT` forces the schema in the best way that every target of the
    model has, `FUNCTION` by a tool; the other modes are LlamaIndex's own.
    """

    def _forces_natively(self) -> bool:
        """Whether every target of the model takes a schema as the format of the answer."""
        # Not abstract: LlamaIndex would have a span for each time it is asked.
        raise NotImplementedError

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Ask, and get the answer as an object.

        Args:
            output_cls: The class of the answer.
            prompt: What to ask; its template is filled with `prompt_args`.
            llm_kwargs: Sent along.
            prompt_args: See `prompt`.

        Raises:
            InvalidReplyError: The answer has no object.
            ValidationError: The object does not fit the class.
        """
        forced = self._forced(output_cls, llm_kwargs)
        if forced is None:
            own = prompt.model_copy()  # LlamaIndex's program writes its parser into the prompt
            program = super().structured_predict
            return cast("Model", program(output_cls, own, llm_kwargs, **prompt_args))
        _started(output_cls, prompt, prompt_args)
        output = forced.read(self.chat(self._filled(prompt, prompt_args), **forced.params))
        _dispatcher.event(LLMStructuredPredictEndEvent(output=output))
        return output

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """As `structured_predict`, without blocking the event loop."""
        forced = self._forced(output_cls, llm_kwargs)
        if forced is None:
            own = prompt.model_copy()
            program = super().astructured_predict
            return cast("Model", await program(output_cls, own, llm_kwargs, **prompt_args))
        _started(output_cls, prompt, prompt_args)
        output = forced.read(await self.achat(self._filled(prompt, prompt_args), **forced.params))
        _dispatcher.event(LLMStructuredPredictEndEvent(output=output))
        return output

    def _structured_stream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Model | list[Model] | FlexibleModel | list[FlexibleModel], None, None]:
        forced = self._forced(output_cls, llm_kwargs)
        if forced is None:
            own = prompt.model_copy()
            return super()._structured_stream_call(output_cls, own, llm_kwargs, **prompt_args)
        return forced.partials(self.stream_chat(self._filled(prompt, prompt_args), **forced.params))

    async def _structured_astream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Model | list[Model] | FlexibleModel | list[FlexibleModel], None]:
        forced = self._forced(output_cls, llm_kwargs)
        if forced is None:
            own = prompt.model_copy()
            return await super()._structured_astream_call(
                output_cls, own, llm_kwargs, **prompt_args
            )
        messages = self._filled(prompt, prompt_args)
        return forced.apartials(await self.astream_chat(messages, **forced.params))

    def _filled(self, prompt: PromptTemplate, prompt_args: dict[str, Any]) -> list[ChatMessage]:
        return self._extend_messages(prompt.format_messages(llm=self, **prompt_args))

    def _forced(
        self, output_cls: type[Model], kwargs: dict[str, Any] | None
    ) -> Forced[Model] | None:
        """How to force the schema; None leaves it to LlamaIndex."""
        mode = self.pydantic_program_mode
        if mode == PydanticProgramMode.FUNCTION:
            return Forced(output_cls, native=False, kwargs=kwargs)
        if mode != PydanticProgramMode.DEFAULT:
            return None
        native = self._forces_natively()
        if not native and not self.metadata.is_function_calling_model:
            return None
        return Forced(output_cls, native=native, kwargs=kwargs)


def _started(output_cls: type[Model], prompt: PromptTemplate, prompt_args: dict[str, Any]) -> None:
    event = LLMStructuredPredictStartEvent(
        output_cls=output_cls, template=prompt, template_args=prompt_args
    )
    _dispatcher.event(event)
