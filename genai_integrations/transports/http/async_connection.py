"""One connection of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from genai_integrations.runtime.network import readable

if TYPE_CHECKING:
    from genai_integrations.transports.http.async_answer import AsyncAnswer

Place = tuple[str, str | None]
"""An origin, and the proxy on the way to it: connections by another proxy are others."""


class Connection(asyncio.Protocol):
    """A connection. Its bytes are those of one answer at a time; what comes unasked ends it.

    Args:
        place: Where it leads.
        lost: Told when it is gone while it is idle.

    Attributes:
        place: The same.
        transport: The loop's own; that of the encrypted connection behind a proxy.
        answer: Who takes the bytes that come; None while nobody asks.
        is_open: Whether it can still be written to.
    """

    def __init__(self, place: Place, lost: Callable[[Connection], None]) -> None:
        self.place = place
        self.transport: Any = None
        self.answer: AsyncAnswer | None = None
        self.is_open = True
        self._lost = lost
        self._room: asyncio.Future[None] | None = None
        self._is_full = False
        self._has_bytes: Callable[[], bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self.answer is None:
            self.close()
        else:
            self.answer.feed(data)

    def eof_received(self) -> None:
        """The server has said its last word, also where it still listens."""
        # asyncio would first send what waits to be sent, and whoever says no more may not read it any more.
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.is_open = False
        self.let_go()
        if self.answer is not None:
            self.answer.lost(exc)
        else:
            self._lost(self)

    def pause_writing(self) -> None:
        """The server takes less than it is sent."""
        self._is_full = True

    def resume_writing(self) -> None:
        """It took some."""
        self._is_full = False
        self.let_go()

    def let_go(self) -> None:
        """Whoever waits for room need not wait any more."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    async def room(self) -> None:
        """Wait until the server takes more, or has answered, or is gone; what has come by now is heard in any case.

        A server may answer and read on, or hang up: then the next write would fail, and the answer be lost with it.
        """
        if self._is_full and self.is_open:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        else:
            # In its next turn the loop looks at its sockets, and in the one after reads what it has seen.
            for _ in range(2):
                await asyncio.sleep(0)

    def close(self) -> None:
        """End it at once: nobody waits for what is still to be sent."""
        self.is_open = False
        self.transport.abort()

    def is_quiet(self) -> bool:
        """Whether an idle connection is open, and nothing came over it that nobody asked for.

        The loop may not have come round to reading it yet, so the socket itself is asked.
        """
        if not self.is_open or self.transport.is_closing():
            return False
        if self._has_bytes is None:
            sock = self.transport.get_extra_info("socket")
            self._has_bytes = readable(sock.fileno())
        return not self._has_bytes()
