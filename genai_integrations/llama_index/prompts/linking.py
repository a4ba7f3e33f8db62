"""What an LLM does for the prompts that come from Langfuse: no call waits for them in an event loop, each is linked."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from llama_index.core.prompts import BasePromptTemplate

from genai_integrations.llama_index.predicting import StructuredPrediction
from genai_integrations.llama_index.prompts.messages import LinkingLLM
from genai_integrations.llama_index.prompts.template import LangfusePromptTemplate

_ASYNC = (
    "apredict",
    "astream",
    "astructured_predict",
    "astream_structured_predict",
)
"""Methods that are given a template."""

_MARK = "_genai_integrations_looks_up"


class LinkedText(str):
    """A rendered prompt that knows where it comes from."""

    __slots__ = ("link",)
    link: Mapping[str, Any] | None

    @classmethod
    def of(cls, text: str, link: Mapping[str, Any] | None) -> LinkedText:
        """The text, linked."""
        made = cls(text)
        made.link = link
        return made


class PromptedLLM(StructuredPrediction, LinkingLLM):
    """An LLM that knows our templates. LlamaIndex's have no async methods, so a prompt is looked up before."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _ASYNC:
            method = getattr(cls, name)
            if not hasattr(method, _MARK):
                # Around the decorators, whose spans would be there twice if the method were overridden.
                setattr(cls, name, _looking_up(method))

    def _get_prompt(self, prompt: BasePromptTemplate, **prompt_args: Any) -> str:
        text = super()._get_prompt(prompt, **prompt_args)
        if not isinstance(prompt, LangfusePromptTemplate):
            return text
        return LinkedText.of(text, prompt.link_of(prompt.live.get(), prompt_args))


def _looking_up(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def looking_up(self: Any, *args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()):
            if isinstance(value, LangfusePromptTemplate):
                await value.live.aget()
        return await method(self, *args, **kwargs)

    setattr(looking_up, _MARK, True)
    return looking_up
