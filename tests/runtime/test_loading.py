"""A fork waits for what another thread loads, and for nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from genai_integrations.runtime.loading import _loads, loading

pytestmark = [
    pytest.mark.slow,
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


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are seen on Linux only")
def test_a_fork_waits_for_a_thread_that_leaves():
    """OpenSSL holds a lock while it tidies up after a thread, and a child would wait for it at its end."""
    begun, gone = threading.Event(), threading.Event()

    def leave():
        _loads.leaves()
        begun.set()
        threading.Event().wait(0.2)
        gone.set()

    thread = threading.Thread(target=leave)
    thread.start()
    begun.wait(10)
    code = forked(lambda: int(not gone.is_set()))
    thread.join()

    assert code == 0


FIRST_CALL = """
import asyncio, os, signal, sys, threading
from genai_integrations import Connection, GenAIClient
url, name, way, *pair = sys.argv[1:]
client = GenAIClient(*pair, connections=[Connection.of("home", "openai", "sk", url)])
QUESTION = [{"role": "user", "content": "hi"}]
def ask():
    if way == "async":
        return asyncio.run(client.acompletion("gpt-4o", QUESTION)).choices
    return client.completion("gpt-4o", QUESTION).choices
class Notice:
    begun, may_go_on = threading.Event(), threading.Event()
    def find_spec(self, found, path=None, target=None):
        if found == name and not self.begun.is_set():
            self.begun.set()
            self.may_go_on.wait(0.2)  # a fork that does not wait is there long before
sys.meta_path.insert(0, Notice())
thread = threading.Thread(target=ask)
thread.start()
assert Notice.begun.wait(60), name
child = os.fork()
if not child:
    signal.alarm(30)  # ends a child that waits for ever
    os._exit(0 if ask() else 1)
assert os.waitpid(child, 0)[1] == 0
thread.join()
"""


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("aiohappyeyeballs", "async"),
        ("urllib3", "sync"),
        ("genai_integrations.transports.openai.dialect", "sync"),
        ("genai_integrations.transports.openai.dialect", "async"),
        ("opentelemetry.trace", "sync"),
    ],
)
def test_a_fork_in_a_first_call(name, way, provider, langfuse, monkeypatch):
    """Whatever the call is importing just then, the child has it whole, and its own call is answered."""
    monkeypatch.delenv("LANGFUSE_TRACING_ENABLED")
    pair = (langfuse.public_key, langfuse.secret_key, langfuse.host)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FIRST_CALL, f"{provider.url}/v1", name, way, *pair],
        capture_output=True, check=False, text=True, timeout=120,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
