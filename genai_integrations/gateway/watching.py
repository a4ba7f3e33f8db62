"""Notices that a client went away, and ends what was done for it."""

from __future__ import annotations

import asyncio

from genai_integrations.gateway.exchange import Receive

QUICK = 0.2
"""Seconds that most refusals and kept answers do not take: nobody is watched before, since watching takes a task."""


class Watch:
    """Cancels the task that made it when the client goes away.

    Args:
        receive: ASGI's own; the body has been read.

    Attributes:
        is_gone: Whether the client went away.
    """

    __slots__ = ("_looking", "_receive", "_task", "_timer", "is_gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(loop)
        self._looking: asyncio.Task[None] | None = None
        self.is_gone = False
        self._timer = loop.call_later(QUICK, self._look)

    def end(self) -> None:
        """The answer is whole, or about to be."""
        self._task = None
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()

    def _look(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None:
            self.is_gone = True
            self._task.cancel()
