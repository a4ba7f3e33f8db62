"""What takes long to load: once for each process, never on an event loop, never longer than a caller can wait.

A fork waits for what is being loaded.
A child that is forked while another thread imports a package finds that package half made, and the lock on it held by
a thread that it does not have: its own import of the package then waits for ever. Imports take a second or so, on a
busy machine many, so the fork waits for them.
"""

from __future__ import annotations

import asyncio
import contextlib

# Before the registration below: what is registered last is called first, and logging's takes the lock that an import
# which makes a logger wants.
import logging  # noqa: F401
import os
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future

from genai_integrations.errors import RequestTimeoutError
from genai_integrations.runtime.fork import after_fork_in_child

_PATIENCE = 60.0
"""Seconds that a fork waits at most: a load that hangs must not keep the program from forking."""


class _Loads:
    """Which threads load something now. The lock is held during a fork, and is a new one in the child."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(
                before=self._wait, after_in_parent=self._go_on, after_in_child=self.renew
            )

    def renew(self) -> None:
        self.ended = threading.Condition()
        self.threads: list[int] = []

    def _wait(self) -> None:
        self.ended.acquire()
        # A load that forks itself would wait for its own end.
        here = threading.get_ident()
        self.ended.wait_for(lambda: all(thread == here for thread in self.threads), _PATIENCE)

    def _go_on(self) -> None:
        self.ended.release()


_loads = _Loads()


@contextlib.contextmanager
def loading() -> Generator[None]:
    """Have a fork wait, a minute at most, until the block is left. For imports, and nothing that calls out."""
    here = threading.get_ident()
    loads = _loads
    with loads.ended:
        loads.threads.append(here)
    try:
        import encodings.idna  # noqa: F401  else loaded by the first thread that looks up a host

        yield
    finally:
        with loads.ended:
            # In a child that was forked by this very block, the list is new.
            if here in loads.threads:
                loads.threads.remove(here)
                loads.ended.notify_all()


class Loading:
    """Imports something once, in a thread, for all who wait for it. A failed import is tried again.

    Args:
        name: Of what is imported, for people.
        imports: Does it.

    Attributes:
        is_done: It is imported.
    """

    def __init__(self, name: str, imports: Callable[[], object]) -> None:
        self._name = name
        self._imports = imports
        self._result: Future[None] | None = None
        self._lock = threading.Lock()
        self.is_done = False
        after_fork_in_child(self._renew)

    def load(self, ends: float | None = None) -> None:
        """Have it imported.

        Args:
            ends: Moment of `time.monotonic` until which the caller can wait; None for as long as it takes. The
                import goes on, for those who come later.

        Raises:
            RequestTimeoutError: It was not done by then.
        """
        if not self.is_done:
            try:
                self._begun().result(_left(ends))
            except TimeoutError:
                raise self._late() from None

    async def aload(self, ends: float | None = None) -> None:
        """As `load`, without blocking the loop."""
        if not self.is_done:
            try:
                async with asyncio.timeout(_left(ends)):
                    await asyncio.wrap_future(self._begun())
            except TimeoutError:
                raise self._late() from None

    def _begun(self) -> Future[None]:
        with self._lock:
            result = self._result
            if result is None:
                self._result = result = Future()
                # A future that runs cannot be cancelled, whoever stops waiting for it.
                result.set_running_or_notify_cancel()
                # No daemon: the interpreter's end must not cut into an extension module's import.
                threading.Thread(target=self._run, args=(result,), name="genai-import").start()
            # Not what the attribute holds by now: an import that failed at once has let go of it.
            return result

    def _run(self, result: Future[None]) -> None:
        try:
            # A child that is forked in the middle would wait for ever on an import lock that nobody holds there.
            with loading():
                self._imports()
        except BaseException as error:  # noqa: BLE001  it goes on in whoever waits
            self._result = None
            result.set_exception(error)
        else:
            self.is_done = True
            result.set_result(None)

    def _late(self) -> RequestTimeoutError:
        return RequestTimeoutError(
            f"the deadline came while {self._name} was being imported, which happens once: call again"
        )

    def _renew(self) -> object:
        """In a forked child: the thread is not there."""
        held = self._lock, self._result
        self._lock = threading.Lock()
        self._result = None
        return held


def _left(ends: float | None) -> float | None:
    return None if ends is None else max(ends - time.monotonic(), 0.0)
