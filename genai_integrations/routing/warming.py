"""Everything that a first call would load, read and connect of our own, done before it; nothing is sent to a provider."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Iterator, Sequence

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.connections.registry import Snapshot
from genai_integrations.errors import GenAIError
from genai_integrations.routing.parts import Parts

_LATE = ("genai_integrations.routing.abandoned", "genai_integrations.calls.views")
"""Modules that come with a first answer, or with showing it."""


def warm_up(parts: Parts, models: Sequence[str]) -> None:
    """For calls from threads. What cannot be had is left for the call to say.

    Args:
        parts: Of the client.
        models: The names that are to be asked.
    """
    with contextlib.suppress(GenAIError):
        for observer in parts.observers:
            if not observer.is_ready:
                observer.prepare()
        for call in _calls(parts, models, parts.registry.load()):
            if not parts.transport.is_ready(call):
                parts.transport.prepare(call, None)
    _load_late()


async def awarm_up(parts: Parts, models: Sequence[str]) -> None:
    """As `warm_up`, for calls from an event loop, which is not blocked."""
    with contextlib.suppress(GenAIError):
        for observer in parts.observers:
            if not observer.is_ready:
                await asyncio.to_thread(observer.prepare)
        for call in _calls(parts, models, await parts.registry.aload()):
            if not parts.transport.is_aready(call):
                await parts.transport.aprepare(call, None)
    await asyncio.to_thread(_load_late)


def _load_late() -> None:
    for name in _LATE:
        importlib.import_module(name)
    # The price map is a file, read when something first has a price.
    from genai_integrations.models import prices

    prices.costs("openai", "gpt-4o-mini", {"prompt_tokens": 1, "completion_tokens": 1})


def _calls(parts: Parts, models: Sequence[str], snapshot: Snapshot) -> Iterator[WireCall]:
    """A call, and a stream, to each target that these names may lead to."""
    plans = parts.planner.plans(snapshot)
    for model in dict.fromkeys(models):
        with contextlib.suppress(GenAIError):
            plan = plans.plan(model)
            for target in [row for group in (plan.targets, *plan.fallbacks) for row in group]:
                for stream in (False, True):
                    body: Wire = {"model": target.model, "messages": [], "stream": stream}
                    yield WireCall(target.connection, target.model, "chat/completions", body)
