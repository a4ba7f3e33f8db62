"""A request that runs beside its caller: in a thread, or as a task."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

from genai_integrations.routing.probe import Awaited
from genai_integrations.routing.steps import Opened
from genai_integrations.runtime.side_threads import SideThreads

_threads = SideThreads("genai-hedge")
"""Those of this process; there are none before the first race."""


class Running(Awaited):
    """A request under way. No lock: it may be given up by the collector, in the middle of anything.

    Args:
        cut: Ends the request, from any thread, without waiting.
        discard: Closes a stream that nobody wants any more, without waiting.

    Attributes:
        outcome: What came of it, an error of ours among that; None before.
    """

    __slots__ = ("_claims", "_cut", "_discard", "outcome")

    def __init__(self, cut: Callable[[], object], discard: Callable[[Opened], object]) -> None:
        super().__init__()
        self.outcome: Any = None
        self._cut = cut
        self._discard = discard
        # Whoever takes this out first decides whether the outcome is wanted.
        self._claims = [None]

    def finish(self, outcome: Any) -> None:
        """Tell what came of it."""
        self.outcome = outcome
        try:
            self._claims.pop()
        except IndexError:
            self._drop()
        else:
            self._tell()

    def abandon(self) -> Any:
        """Nobody waits for it any more: it is ended. Returns what had come by now, closed if that is a stream."""
        try:
            self._claims.pop()
        except IndexError:
            self._drop()
            return self.outcome
        self._cut()
        return None

    def _drop(self) -> None:
        if isinstance(self.outcome, Opened):
            self._discard(self.outcome)


def in_thread(work: Callable[[], Any], cut: Callable[[], object]) -> Running:
    """Work in a thread of its own; in this one if there are too many.

    Args:
        work: Makes the request; gives what came of it, and raises nothing.
        cut: Ends it.
    """
    running = Running(cut, lambda opened: opened.rest.close())
    context = contextvars.copy_context()
    if not _threads.start(lambda: running.finish(context.run(work))):
        running.finish(work())
    return running


def in_task(work: Coroutine[Any, Any, Any]) -> Running:
    """Work in a task of the running loop.

    Args:
        work: Makes the request; gives what came of it, and raises nothing but cancellation.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)

    def call(function: Callable[[], object]) -> None:
        # A loop that was closed meanwhile has nothing left to end.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(function)

    running = Running(
        lambda: call(task.cancel), lambda opened: call(lambda: _kept(loop, opened.rest.aclose()))
    )
    _tasks.add(task)

    def ended(task: asyncio.Task[Any]) -> None:
        _tasks.discard(task)
        running.finish(None if task.cancelled() else task.result())

    task.add_done_callback(ended)
    return running


_tasks: set[asyncio.Task[Any]] = set()
"""Those at work: a loop holds its tasks weakly."""


def _kept(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
    task = loop.create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
