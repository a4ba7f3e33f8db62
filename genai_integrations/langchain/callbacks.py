"""What LangChain's callbacks and config know of a call that its record in Langfuse has to say."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.runnables import RunnableConfig, ensure_config

from genai_integrations.routing.request import TRACE_PARAMS
from genai_integrations.tracing.owners import expected_generation

RunManager = CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun


def said(config: RunnableConfig | None) -> dict[str, Any]:
    """The keys of a config's `metadata` that Langfuse's own handler reads, such as `langfuse_user_id`."""
    metadata = ensure_config(config).get("metadata") or {}
    return {name: metadata[name] for name in TRACE_PARAMS.intersection(metadata)}


def recorded(run_manager: RunManager | None) -> dict[str, Any]:
    """The client's parameters for the record of a run.

    What its `metadata` says, and the generation that Langfuse's handler has opened for it, if it watches: the call
    is written on that one, so that there is one generation and not two. A run that streams has no manager here.
    """
    started = expected_generation()
    if run_manager is None:
        return _with(started)
    metadata = run_manager.metadata
    params = {name: metadata[name] for name in TRACE_PARAMS.intersection(metadata)}
    for handler in run_manager.handlers:
        # The handler has no public way to it; without one, it would count each call a second time.
        runs = getattr(handler, "_runs", None)
        if type(handler).__module__.startswith("langfuse.") and isinstance(runs, dict):
            params |= _with(runs.get(run_manager.run_id))
    return params


def _with(observation: Any | None) -> dict[str, Any]:
    return {} if observation is None else {"langfuse_observation": observation}
