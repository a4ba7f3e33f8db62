"""One event loop in a thread of its own, for a library that is at its best when it never changes loops."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar

from genai_integrations.network import drop_sockets_after_fork

_T = TypeVar("_T")


class BackgroundLoop:
    """Runs coroutines from threads and from other loops. A forked child starts a loop of its own."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: weakref.finalize[..., BackgroundLoop] | None = None
        self._lock = threading.Lock()
        drop_sockets_after_fork(self)

    def run(self, work: Coroutine[Any, Any, _T], seconds: float) -> _T:
        """Run to the end and return the result; the coroutine is cancelled when it takes longer.

        Raises:
            TimeoutError: It took longer.
        """
        future = self.submit(work)
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            raise TimeoutError from None
        finally:
            # After a time-out, Ctrl-C or any other way out, nobody waits for it any more.
            future.cancel()

    async def arun(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run to the end; cancelled when the caller is."""
        return await asyncio.wrap_future(self.submit(work))

    def stop(self) -> None:
        """End the loop and its thread."""
        with self._lock:
            self._loop = None
            end, self._end = self._end, None
        if end is not None:
            end()

    def abandon(self) -> Any:
        """In a forked child: the thread is not there, so its loop is forgotten."""
        loop, self._loop = self._loop, None
        if self._end is not None:
            self._end.detach()
        self._lock = threading.Lock()
        return loop

    def submit(self, work: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        """Begin; whoever waits for the result may also cancel it."""
        loop = self._running()
        if loop.is_closed():
            # The interpreter is ending, and what is open ends with it.
            work.close()
            raise TimeoutError
        return asyncio.run_coroutine_threadsafe(work, loop)

    def _running(self) -> asyncio.AbstractEventLoop:
        loop = self._loop
        if loop is not None:
            return loop
        with self._lock:
            if self._loop is None:
                self._loop = loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=_serve, args=(loop,), name="genai-translation", daemon=True
                )
                thread.start()
                # Also when nobody calls stop(): at the end of this object's life, or the interpreter's.
                self._end = weakref.finalize(self, _stop, loop, thread)
            return self._loop


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    if thread is not threading.current_thread():
        thread.join(_STOPPING)


_STOPPING = 2.0
"""Seconds to wait for the loop to close what it has open."""


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
