"""The one attempt that a half-open circuit lets through, and how others wait for its outcome."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Generator, Sequence

from genai_integrations.errors import GenAIError


class Awaited:
    """Something under way that any number of calls, in threads and in event loops, may wait for.

    There is no lock in here: a generator that is collected finishes its probe, and the collector may run in any thread
    in the middle of anything, so whatever lock that thread holds would be waited for in vain.

    Attributes:
        is_done: Whether it is over.
    """

    __slots__ = ("_callbacks", "is_done")

    def __init__(self) -> None:
        self.is_done = False
        self._callbacks: list[Callable[[], None]] = []

    def add_done_callback(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once, in whatever thread, when it is over; at once if it is.

        It must not raise, block, or take a lock that others hold for long.
        """
        self._callbacks.append(callback)
        # Only after it is in: whoever finishes between these two lines sees it, or is seen here.
        if self.is_done:
            self._call_back()

    def remove_done_callback(self, callback: Callable[[], None]) -> None:
        """Forget a callback, if it has not been called."""
        with contextlib.suppress(ValueError):
            self._callbacks.remove(callback)

    def _tell(self) -> None:
        """It is over."""
        self.is_done = True
        self._call_back()

    def _call_back(self) -> None:
        # `pop` gives each callback to one thread only, also where two come here at once. Who came first is first.
        with contextlib.suppress(IndexError):
            while True:
                self._callbacks.pop(0)()


class Probe(Awaited):
    """An attempt under way whose outcome decides for others too. The call that makes it finishes it.

    Args:
        timeout: Seconds that the attempt may take.
        expires_at: The moment, on the clock of `Health`, from which nobody needs to wait for it any more, whatever
            became of it.

    Attributes:
        error: Why the target failed; None if it answered, or if the attempt ended without saying anything of it
            (cancelled, or its request was refused).
    """

    __slots__ = ("error", "expires_at", "timeout")

    def __init__(self, timeout: float, expires_at: float) -> None:
        super().__init__()
        self.timeout = timeout
        self.expires_at = expires_at
        self.error: GenAIError | None = None

    def finish(self, error: GenAIError | None = None) -> None:
        """Tell everyone who waits. Only the first call counts."""
        if self.is_done:
            return
        self.error = error
        self._tell()


def wait_for_any(awaited: Sequence[Awaited], seconds: float | None) -> None:
    """Block this thread until one of them is over, at most so long; None waits on."""
    # A bare lock as the signal: `threading.Event` has an inner lock, which the collector may find taken.
    signal = threading.Lock()
    signal.acquire()

    def wake() -> None:
        # Two probes may be done, and one release is enough.
        with contextlib.suppress(RuntimeError):
            signal.release()

    with _calling_back(awaited, wake):
        signal.acquire(timeout=threading.TIMEOUT_MAX if seconds is None else seconds)


async def async_wait_for_any(awaited: Sequence[Awaited], seconds: float | None) -> None:
    """As `wait_for_any`, without blocking the loop and without a thread."""
    loop = asyncio.get_running_loop()
    signal = asyncio.Event()

    def wake() -> None:
        # A loop that was closed meanwhile has nobody left to wake.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(signal.set)

    with _calling_back(awaited, wake), contextlib.suppress(TimeoutError):
        await asyncio.wait_for(signal.wait(), seconds)


@contextlib.contextmanager
def _calling_back(awaited: Sequence[Awaited], wake: Callable[[], None]) -> Generator[None]:
    for one in awaited:
        one.add_done_callback(wake)
    try:
        yield
    finally:
        for one in awaited:
            one.remove_done_callback(wake)
