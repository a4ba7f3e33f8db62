"""The end of a process: what is to be done before it, in the workers of process pools too.

`atexit` is not all. A worker of `multiprocessing` or Celery ends by `os._exit` behind their own finalizers, and
`Pool.terminate`, which a pool's `with` block calls at its end, ends its workers by SIGTERM.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

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
            _finish_at_sigterm(finish)


def _finish_at_sigterm(finish: Callable[[], object]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def end(number: int, _frame: FrameType | None) -> None:
        try:
            finish()
        finally:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    signal.signal(signal.SIGTERM, end)
