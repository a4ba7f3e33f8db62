"""A fork waits for what is being loaded.

A child that is forked while another thread imports a package finds that package half made, and the lock on it held by
a thread that it does not have: its own import of the package then waits for ever. Imports take a second or so, on a
busy machine many, so the fork waits for them.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Generator

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
