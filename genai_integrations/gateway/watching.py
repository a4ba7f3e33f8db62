"""Notices that a client went away, and ends what was done for it."""

from __future__ import annotations

import asyncio

from genai_integrations.gateway.exchange import Receive
from genai_integrations.runtime.cancelling import Interruption

QUICK = 0.2
"""Seconds that most refusals and kept answers do not take: nobody is watched before, since watching takes a task."""


class Watch(Interruption):
    """Interrupts the task that made it when the client goes away.

    Args:
        receive: ASGI's own; the body has been read.
    """

    __slots__ = ("_has_ended", "_looking", "_receive", "_timer")

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self._receive = receive
        self._looking: asyncio.Task[None] | None = None
        self._has_ended = False
        self._timer = asyncio.get_running_loop().call_later(QUICK, self._look)

    def end(self) -> None:
        """The answer is whole, or about to be."""
        self._has_ended = True
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()

    def _look(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._has_ended:
            self.make()
