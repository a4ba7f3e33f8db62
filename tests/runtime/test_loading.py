"""A fork waits for what another thread loads, and for nothing else."""

from __future__ import annotations

import os
import threading

import pytest

from genai_integrations.runtime.loading import loading

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def forked(work):
    """The exit code of a child that does this: 0 unless it says otherwise."""
    child = os.fork()
    if not child:
        try:
            os._exit(work() or 0)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_fork_waits():
    """The child sees what the other thread has made."""
    begun, made = threading.Event(), threading.Event()

    def load():
        with loading():
            begun.set()
            # A fork that does not wait is there long before.
            threading.Event().wait(0.2)
            made.set()

    thread = threading.Thread(target=load)
    thread.start()
    begun.wait(10)
    code = forked(lambda: int(not made.is_set()))
    thread.join()

    assert code == 0


def test_a_fork_within_a_load():
    """Does not wait for itself; the child can load and fork too, and so can the parent."""

    def child():
        with loading():
            return forked(lambda: 5)

    with loading():
        assert forked(child) == 5
    assert forked(child) == 5


def test_nothing_is_loading():
    """There is nothing to wait for, also after a load that failed."""
    with pytest.raises(ValueError, match="no"), loading():
        raise ValueError("no")

    assert forked(lambda: 3) == 3
