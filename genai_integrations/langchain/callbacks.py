"""What LangChain's callbacks and config know of a call that its record in Langfuse has to say."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig, ensure_config

from genai_integrations.calls.request import TRACE_PARAMS
from genai_integrations.langchain.errors import framework_errors
from genai_integrations.langchain.prompts.messages import MARK
from genai_integrations.runtime import given as from_program
from genai_integrations.tracing.owners import expected_generations

RunManager = CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun


_FRAMEWORKS = ("ls_", "lc_", "langgraph_", "langfuse_")
"""How keys begin that LangChain, LangGraph and Langfuse's handler put into `metadata`, or read there."""


def _params(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The client's parameters: the keys that Langfuse's own handler reads, and the caller's own as `metadata`."""
    params = {name: metadata[name] for name in TRACE_PARAMS.intersection(metadata)}
    own = {name: metadata[name] for name in metadata if not name.startswith(_FRAMEWORKS)}
    if own:
        params["metadata"] = own
    return params


def said(
    config: RunnableConfig | None, own: Mapping[str, Any] | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters of a call with what `metadata` says, such as `langfuse_user_id`.

    Args:
        config: Of the run.
        own: The model's own metadata, behind the config's.
        given: The call's parameters, whose own `metadata` leads.
    """
    if "metadata" in given:
        config = with_metadata(config, given["metadata"])
    metadata = {**(own or {}), **(ensure_config(config).get("metadata") or {})}
    others = {name: value for name, value in given.items() if name != "metadata"}
    return {**_params(metadata), **others}


def with_metadata(config: RunnableConfig | None, metadata: object) -> RunnableConfig:
    """The config with more metadata.

    Raises:
        ConfigurationError: It is no mapping.
    """
    with framework_errors:
        more = from_program.mapping("metadata", metadata or {}, '{"tier": "free"}')
    made = ensure_config(config)
    return {**made, "metadata": {**(made.get("metadata") or {}), **more}}


def _marked_with(messages: Sequence[BaseMessage]) -> dict[str, Any]:
    """The client's parameter for the prompt that the last marked message comes from."""
    for message in reversed(messages):
        mark = message.additional_kwargs.get(MARK)
        if mark is not None:
            return {MARK: mark}
    return {}


def recorded(messages: Sequence[BaseMessage], run_manager: RunManager | None) -> dict[str, Any]:
    """The client's parameters of a run, those for its record among them.

    The prompt that its messages come from, what its `metadata` says, and the generations that Langfuse's handlers have opened for it, if they watch: the
    call is written on the one in its project, so that there is one generation and not two. A run that streams is
    not given its manager.
    """
    started = expected_generations() if "langfuse" in sys.modules else ()
    if run_manager is None:
        return _marked_with(messages) | _params(_expected_metadata()) | _with(started)
    params = _params(_metadata(run_manager))
    # The handler has no public way to it; without one, it would count each call a second time.
    handlers = [row for row in run_manager.handlers if _is_langfuses(type(row))]
    opened = [getattr(row, "_runs", {}).get(run_manager.run_id) for row in handlers]
    return _marked_with(messages) | params | _with(tuple(opened))


_streaming: ContextVar[RunManager | None] = ContextVar(
    "genai_integrations_langchain_streaming", default=None
)


def expect_stream(run_manager: RunManager) -> None:
    """The stream that begins next in this context is this run's: LangChain tells a model that, but not its stream."""
    _streaming.set(run_manager)


def _expected_metadata() -> Mapping[str, Any]:
    """Of the run that is about to stream; told once."""
    run_manager = _streaming.get()
    if run_manager is None:
        return {}
    _streaming.set(None)
    return _metadata(run_manager)


def _metadata(run_manager: RunManager) -> Mapping[str, Any]:
    """The model's own, and the call's, which leads; LangChain has it the other way round."""
    return {**run_manager.metadata, **run_manager.inheritable_metadata}


def _is_langfuses(handler: type) -> bool:
    return any(kind.__module__.startswith("langfuse.") for kind in handler.__mro__)


def _with(observations: tuple[Any, ...]) -> dict[str, Any]:
    return {"langfuse_observation": observations} if observations else {}
