"""One event loop in a thread of its own, for a library that is at its best when it never changes loops."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import weakref
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from genai_integrations.runtime.fork import after_fork_in_child

_T = TypeVar("_T")


class Leading(Protocol):
    """Keeps the way to end something."""

    def lead_to(self, end: Callable[[], object], /) -> None:
        """`end` ends it."""
        ...


class BackgroundLoop:
    """Runs coroutines from threads and from other loops, until the interpreter ends.

    It has no method to stop it, since whoever shares it would stop the work of others; `own_loop` is for one piece of
    work. A forked child starts a loop of its own.

    Args:
        name: Of the thread.
        executor: Makes the threads for what blocks; default asyncio's own.
    """

    def __init__(self, name: str, executor: Callable[[], ThreadPoolExecutor] | None = None) -> None:
        self._name = name
        self._executor = executor
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: weakref.finalize[..., BackgroundLoop] | None = None
        self._lock = threading.Lock()
        after_fork_in_child(self.abandon)

    def run(
        self, work: Coroutine[Any, Any, _T], seconds: float | None, line: Leading | None = None
    ) -> _T:
        """Run to the end and return the result; the coroutine is cancelled when it takes longer.

        Args:
            work: What to run.
            seconds: How long it may take; None for as long as it does.
            line: Gets what cancels it, from any thread.

        Raises:
            TimeoutError: It took longer, or the interpreter is ending.
        """
        future = self.submit(work)
        if line is not None:
            line.lead_to(future.cancel)
        try:
            return future.result(seconds)
        except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            # Nobody but the loop's end cancels what is waited for here.
            raise TimeoutError from None
        finally:
            # After a time-out, Ctrl-C or any other way out, nobody waits for it any more.
            future.cancel()

    async def arun(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run to the end; cancelled when the caller is.

        Raises:
            TimeoutError: The interpreter is ending.
        """
        try:
            return await asyncio.wrap_future(self.submit(work))
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is None or caller.cancelling():
                raise
            # The work was cancelled and its caller was not, who must not look as if: a TaskGroup would lose it.
            raise TimeoutError from None

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Begin, and let nobody wait for it. Never blocks: finalisers call this, in whichever thread they run.

        Nothing happens where the loop does not run: a finaliser in a forked child must not start one.
        """
        loop = self._loop
        if loop is None or loop.is_closed():
            work.close()
            return
        with contextlib.suppress(RuntimeError):  # closed in between
            loop.call_soon_threadsafe(_begin, work)
            return
        work.close()

    def abandon(self) -> object:
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

    def _close(self) -> None:
        end, self._end, self._loop = self._end, None, None
        if end is not None:
            end()

    def _running(self) -> asyncio.AbstractEventLoop:
        loop = self._loop
        if loop is not None:
            return loop
        with self._lock:
            if self._loop is None:
                self._loop = loop = asyncio.new_event_loop()
                if self._executor is not None:
                    loop.set_default_executor(self._executor())
                thread = threading.Thread(target=_serve, args=(loop,), name=self._name, daemon=True)
                thread.start()
                self._end = weakref.finalize(self, _stop, loop, thread)
            return self._loop


@contextlib.contextmanager
def own_loop(name: str) -> Generator[BackgroundLoop]:
    """A loop for one piece of work: when the block ends, what still runs is cancelled and waited for."""
    loop = BackgroundLoop(name)
    try:
        yield loop
    finally:
        loop._close()  # noqa: SLF001  ours, in the same module


_spawned: set[asyncio.Task[object]] = set()
"""Tasks that nobody waits for; a loop alone would not keep them from being collected."""


def _begin(work: Coroutine[Any, Any, object]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    _spawned.add(task)
    task.add_done_callback(_ended)


def _ended(task: asyncio.Task[object]) -> None:
    _spawned.discard(task)
    if not task.cancelled():
        # Looked at, or asyncio would report it: whoever would care is gone.
        task.exception()


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
