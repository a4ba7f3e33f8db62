"""What LangChain's callbacks and config know of a call that its record in Langfuse has to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig, ensure_config

from genai_integrations.calls.request import TRACE_PARAMS
from genai_integrations.langchain.prompts.messages import MARK
from genai_integrations.tracing.owners import expected_generations

RunManager = CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun


def said(config: RunnableConfig | None, own: Mapping[str, Any] | None) -> dict[str, Any]:
    """The keys of `metadata` that Langfuse's own handler reads, such as `langfuse_user_id`.

    Args:
        config: Of the run.
        own: The model's own metadata, behind the config's.
    """
    metadata = {**(own or {}), **(ensure_config(config).get("metadata") or {})}
    return {name: metadata[name] for name in TRACE_PARAMS.intersection(metadata)}


def _marked_with(messages: Sequence[BaseMessage]) -> dict[str, Any]:
    """The client's parameter for the prompt that the last marked message comes from."""
    for message in reversed(messages):
        mark = message.additional_kwargs.get(MARK)
        if mark is not None:
            return {MARK: mark}
    return {}


def recorded(messages: Sequence[BaseMessage], run_manager: RunManager | None) -> dict[str, Any]:
    """The client's parameters for the record of a run.

    The prompt that its messages come from, what its `metadata` says, and the generations that Langfuse's handlers have opened for it, if they watch: the
    call is written on the one in its project, so that there is one generation and not two. A run that streams has
    no manager here.
    """
    started = expected_generations()
    if run_manager is None:
        return _marked_with(messages) | _with(started)
    metadata = run_manager.metadata
    params = {name: metadata[name] for name in TRACE_PARAMS.intersection(metadata)}
    # The handler has no public way to it; without one, it would count each call a second time.
    handlers = [row for row in run_manager.handlers if _is_langfuses(type(row))]
    opened = [getattr(row, "_runs", {}).get(run_manager.run_id) for row in handlers]
    return _marked_with(messages) | params | _with(tuple(opened))


def _is_langfuses(handler: type) -> bool:
    return any(kind.__module__.startswith("langfuse.") for kind in handler.__mro__)


def _with(observations: tuple[Any, ...]) -> dict[str, Any]:
    return {"langfuse_observation": observations} if observations else {}
