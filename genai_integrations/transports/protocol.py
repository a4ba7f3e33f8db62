"""What a transport is: the one of this package, a recorder, a user's own."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from genai_integrations.calls.wire import AsyncChunks, Chunks, Wire, WireCall
from genai_integrations.transports.http.patience import Patience


class Transport(Protocol):
    """Performs attempts. Safe for threads, for several event loops and after fork."""

    def is_ready(self, call: WireCall) -> bool:
        """Whether everything is loaded that the call takes."""
        ...

    def is_aready(self, call: WireCall) -> bool:
        """As `is_ready`, for a call from an event loop."""
        ...

    def prepare(self, call: WireCall, ends: float | None) -> None:
        """Load that, which may take seconds, until the moment at which the caller's time is over.

        Raises:
            RequestTimeoutError: It was not done by then.
        """
        ...

    def aprepare(self, call: WireCall, ends: float | None) -> Awaitable[None]:
        """As `prepare`, without blocking the loop."""
        ...

    def send(self, call: WireCall, patience: Patience) -> Wire:
        """One request, one reply.

        Raises:
            CallError: The attempt failed.
            CredentialError: The key cannot be read, or may not go there.
        """
        ...

    def stream(self, call: WireCall, patience: Patience) -> Chunks:
        """One request, chunks as they arrive; `END` is the server saying that they are all.

        Nothing is sent before the first `next`. Raises as `send`, at any chunk.
        """
        ...

    def asend(self, call: WireCall, idle: float) -> Awaitable[Wire]:
        """As `send`; how long the whole may take is the caller's to bound.

        Args:
            call: What to send.
            idle: Seconds that the server may be silent.
        """
        ...

    def astream(self, call: WireCall, idle: float) -> AsyncChunks:
        """As `stream`; how long the first content may take is the caller's to bound."""
        ...

    def close(self) -> None:
        """Forget every key. Calls under way end well, this client's and others'."""
        ...

    def aclose(self) -> Awaitable[None]:
        """As `close`, from a loop."""
        ...
