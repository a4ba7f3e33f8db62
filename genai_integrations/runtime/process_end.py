"""The end of a process: what is to be done before it, in the workers of process pools too.

`atexit` is not all. A worker of `multiprocessing` or Celery ends by `os._exit` behind their own finalizers, and
`Pool.terminate`, which a pool's `with` block calls at its end, ends its workers by SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import cast

from genai_integrations.runtime.fork import after_fork_in_child

_POOLS = ("multiprocessing", "billiard")
"""Who starts workers that end without `atexit`; billiard is Celery's copy."""

_LATE = -1
"""Among their finalizers: after those that wait for children."""


def finish_worker(finish: Callable[[], object]) -> None:
    """In a worker of a pool, have this called at its end; anywhere else nothing is done: `atexit` calls it there.

    A SIGTERM handler is set only where the signal would end the worker at once, and only from the main thread, which
    alone may. The worker then ends by the signal, as it would have.

    Args:
        finish: Takes a bounded time. May be called twice.
    """
    for package in _POOLS:
        process = sys.modules.get(f"{package}.process")
        if process is not None and process.current_process()._parent_pid is not None:  # noqa: SLF001  both have it
            sys.modules[f"{package}.util"].Finalize(None, finish, exitpriority=_LATE)
            if _may_handle_sigterm():
                _sigterm.finish_first(finish)


def _may_handle_sigterm() -> bool:
    return (
        hasattr(signal, "pthread_kill")  # not on Windows, where nothing can be done before the end
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )


class _Sigterm:
    """What SIGTERM does in a worker: a thread finishes, then the signal ends the process.

    The main thread cannot do it. It may hold what is waited for, such as the lock of an import, and does not notice
    a signal that comes in the instant before it begins to wait for a lock itself. So the signal's number is written
    to a pipe as it comes, and the thread reads that.
    """

    def __init__(self) -> None:
        self._done = threading.Event()
        self._pipe: tuple[int, int] | None = None
        after_fork_in_child(self._renew)

    def finish_first(self, finish: Callable[[], object]) -> None:
        reader, writer = self._pipe = os.pipe()
        os.set_blocking(writer, False)
        other = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        if other != -1:
            signal.set_wakeup_fd(other)  # an event loop's
        threading.Thread(
            target=self._watch, args=(reader, finish), name="genai-sigterm", daemon=True
        ).start()
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._done.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        elif self._pipe is not None:
            # Once more, for an event loop may have taken the signals' numbers for itself.
            with contextlib.suppress(BlockingIOError):
                os.write(self._pipe[1], bytes((number,)))

    def _watch(self, reader: int, finish: Callable[[], object]) -> None:
        while signal.SIGTERM not in os.read(reader, 64):
            pass
        try:
            finish()
        finally:
            self._done.set()
            while True:
                signal.pthread_kill(cast("int", threading.main_thread().ident), signal.SIGTERM)
                time.sleep(_AGAIN)

    def _renew(self) -> None:
        """In a forked child: the thread is not there, and the pipe is the parent's."""
        pipe, self._pipe = self._pipe, None
        self._done = threading.Event()
        if pipe is None:
            return
        if signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        other = signal.set_wakeup_fd(-1)
        if other not in (pipe[1], -1):
            signal.set_wakeup_fd(other)
        for end in pipe:
            os.close(end)


_AGAIN = 0.02
"""Seconds until the main thread is told again that it is over."""

_sigterm = _Sigterm()
