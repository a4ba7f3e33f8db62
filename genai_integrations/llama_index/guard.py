"""Refuses keys and addresses before LlamaIndex shows the arguments of a call to its handlers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from llama_index.core.llms.function_calling import FunctionCallingLLM

from genai_integrations.errors import GenAIError
from genai_integrations.llama_index.params import check_params

Given = Callable[[tuple[Any, ...], dict[str, Any]], Mapping[str, Any] | None]
"""Finds a provider's parameters among the arguments of a method."""


def _all_named(_args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
    return kwargs


def _llm_kwargs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any] | None:
    """The others are variables of the prompt, which may have any name."""
    third: Mapping[str, Any] | None = args[2] if len(args) > 2 else None  # noqa: PLR2004
    return kwargs.get("llm_kwargs", third)


_GIVEN: Mapping[str, Given] = {
    "chat": _all_named,
    "complete": _all_named,
    "stream_chat": _all_named,
    "stream_complete": _all_named,
    "chat_with_tools": _all_named,
    "stream_chat_with_tools": _all_named,
    "predict_and_call": _all_named,
    "structured_predict": _llm_kwargs,
    "stream_structured_predict": _llm_kwargs,
}
"""Methods that are given parameters; each has an async twin whose name begins with an `a`."""


class GuardedLLM(FunctionCallingLLM):
    """An LLM none of whose events or spans shows a key that a call was given.

    LlamaIndex decorates the methods of every class, and what it puts there records all arguments before the
    method runs. So the check goes around that, in each class anew.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for row, given in _GIVEN.items():
            for name in (row, f"a{row}"):
                method = getattr(cls, name)
                if not hasattr(method, _MARK):
                    setattr(cls, name, _guarded(method, given))


_MARK = "_genai_integrations_guarded"


def _guarded(method: Callable[..., Any], given: Given) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            check_params(given(args, kwargs) or {})
            try:
                return await method(self, *args, **kwargs)
            except GenAIError as error:
                # Without our own frames, which tell nobody but us anything.
                raise error.with_traceback(None) from error.__cause__

    else:

        @functools.wraps(method)
        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            check_params(given(args, kwargs) or {})
            try:
                return method(self, *args, **kwargs)
            except GenAIError as error:
                # As above.
                raise error.with_traceback(None) from error.__cause__

    setattr(guarded, _MARK, True)
    return guarded
