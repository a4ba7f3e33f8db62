"""What callers can ask for, looked up."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from genai_integrations.client import GenAIClient
from genai_integrations.gateway.callers import Caller
from genai_integrations.gateway.threads import Threads

_THREADS = 16
"""Projects whose connections can be read for a list at once."""


class Listing:
    """Knows the names of callers' models. For one event loop.

    A project is looked at once at a time: one whose connections take long keeps one thread, however often it asks.
    """

    def __init__(self) -> None:
        self._threads = Threads("genai-gateway-models", _THREADS)
        self._looks: WeakKeyDictionary[GenAIClient, asyncio.Task[list[str]]] = WeakKeyDictionary()

    async def names_for(self, caller: Caller) -> list[str]:
        """The names that a caller may use, in order."""
        look = self._looks.get(caller.client)
        if look is None or look.done():
            look = asyncio.create_task(self._threads.run(caller.client.models))
            look.add_done_callback(_seen)
            self._looks[caller.client] = look
        # It goes on for the others when one of them leaves.
        names = await asyncio.shield(look)
        return [name for name in names if caller.may_use(name)]

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.close()


def _seen(look: asyncio.Task[list[str]]) -> None:
    """Its error is told to who waits, if anybody does."""
    if not look.cancelled():
        look.exception()
