"""What takes long to load: once for each process, never on an event loop, never longer than a caller can wait.

A fork waits for what is being loaded.
A child that is forked while another thread imports a package finds that package half made, and the lock on it held by
a thread that it does not have: its own import of the package then waits for ever. Imports take a second or so, on a
busy machine many, so the fork waits for them: for every import that somebody's call of this package began, found in
the threads' stacks, and for whatever else is made in a block of `loading()`.
"""

from __future__ import annotations

import _imp
import asyncio

# Before the registration below: what is registered last is called first, and logging's takes the lock that an import
# which makes a logger wants.
import concurrent.futures.thread  # noqa: F401  as logging: its lock is wanted, too
import contextlib
import logging  # noqa: F401
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from pathlib import Path
from types import FrameType

from genai_integrations.errors import RequestTimeoutError
from genai_integrations.runtime.fork import after_fork_in_child

_PATIENCE = 60.0
"""Seconds that a fork waits at most: a load that hangs must not keep the program from forking."""

_PAUSE = 0.001
"""Seconds between two looks at what is being loaded."""

_LEAVING = 1.0
"""Seconds that a thread may take to end, once its work is done."""


class _Loads:
    """What threads load now. No load begins during a fork: the locks are held, and are new ones in the child."""

    _leaving: dict[int, float]

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(
                before=self._wait, after_in_parent=self._go_on, after_in_child=self._begin_anew
            )

    def began(self) -> None:
        with self._lock:
            self._threads.append(threading.get_ident())

    def ended(self) -> None:
        with self._lock, contextlib.suppress(ValueError):
            # In a child that was forked by this very block, the list is new.
            self._threads.remove(threading.get_ident())

    def leaves(self) -> None:
        """The calling thread is about to end.

        As it does, OpenSSL tidies up after it under a lock of its own, which a child that is forked in that instant
        finds held, and waits for when it ends.
        """
        with self._lock:
            self._leaving[threading.get_native_id()] = time.monotonic() + _LEAVING

    def _wait(self) -> None:
        ends = time.monotonic() + _PATIENCE
        while True:
            self._lock.acquire()
            # The interpreter's own: whoever begins an import takes it first.
            _imp.acquire_lock()
            self._is_held = True
            if not self._is_busy() or time.monotonic() > ends:
                return
            self._go_on()
            time.sleep(_PAUSE)

    def _is_busy(self) -> bool:
        # A load that forks itself would wait for its own end.
        here = threading.get_ident()
        now = time.monotonic()
        self._leaving = {
            thread: until
            for thread, until in self._leaving.items()
            if until > now and Path(f"/proc/self/task/{thread}").exists()
        }
        return (
            bool(self._leaving)
            or any(thread != here for thread in self._threads)
            or any(
                _imports_for_us(frame)
                for thread, frame in sys._current_frames().items()  # noqa: SLF001  documented
                if thread != here
            )
        )

    def _go_on(self) -> None:
        if self._is_held:  # else Ctrl-C came while the fork waited
            self._is_held = False
            _imp.release_lock()
            self._lock.release()

    def _begin_anew(self) -> None:
        if self._is_held:
            _imp.release_lock()
        self._renew()

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._threads: list[int] = []
        self._leaving = {}
        self._is_held = False


def _imports_for_us(frame: FrameType | None) -> bool:
    """Whether a thread imports something that code of this package wants, however deep below."""
    is_import = False
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module == "importlib._bootstrap":
            is_import = True
        elif is_import and module.partition(".")[0] == _PACKAGE:
            return True
        frame = frame.f_back
    return False


_PACKAGE = __name__.partition(".")[0]

_loads = _Loads()


@contextlib.contextmanager
def loading() -> Generator[None]:
    """Have a fork wait, a minute at most, until the block is left: for what must not be half made, and calls nobody.

    An import needs no such block.
    """
    _loads.began()
    try:
        yield
    finally:
        _loads.ended()


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
            # It makes things of what it imports, too.
            with loading():
                self._imports()
        except BaseException as error:  # noqa: BLE001  it goes on in whoever waits
            self._result = None
            result.set_exception(error)
        else:
            self.is_done = True
            result.set_result(None)
        finally:
            _loads.leaves()

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
