"""Cancelling tasks of our own, without losing what somebody else cancels: a caller, a time-out, the end of a program."""

from __future__ import annotations

import asyncio
from typing import Any


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel another task, and wait until it is over. How it ends is nobody's concern.

    Raises:
        asyncio.CancelledError: Only where the caller itself is cancelled meanwhile.
    """
    task.cancel()
    # Not the task itself: its cancellation could not be told from the caller's own.
    await asyncio.wait((task,))
    if not task.cancelled():
        # It was looked at, so the loop does not report it.
        task.exception()


class Interruption:
    """Cancels the task that made it, and knows that from what others cancel it for."""

    __slots__ = ("_before", "_is_made", "_task")

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in one
        self._task = task
        self._before = task.cancelling()
        self._is_made = False

    def make(self) -> None:
        """Interrupt the task."""
        self._is_made = True
        self._task.cancel()

    def is_over(self) -> bool:
        """Whether it was made, and nobody else has cancelled the task. To be asked once, where the task goes on."""
        return self._is_made and self._task.uncancel() <= self._before
