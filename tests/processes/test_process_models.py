"""Web servers, task queues and process pools, for real: whatever their workers ask arrives in Langfuse, once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import ask_all

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="these servers fork"),
]

TEXTS = [f"question {number}".replace(" ", "-") for number in range(100)]
ONCE = dict.fromkeys(TEXTS, 1)


def test_gunicorn(start, free_port, counted):
    """Four workers with four threads each, forked after the application was loaded and has asked."""
    options = ("--preload", "--workers=4", "--threads=4", f"--bind=127.0.0.1:{free_port}")
    with start("-m", "gunicorn", *options, "wsgi:application"):
        processes = ask_all(free_port, TEXTS)

    assert len(processes) > 1
    assert counted() == {**ONCE, "warm": 1}


def test_uvicorn(start, free_port, counted):
    """Four workers, each a new process with event loop."""
    options = ("--workers=4", f"--port={free_port}", "--log-level=warning")
    with start("-m", "uvicorn", *options, "asgi:application"):
        processes = ask_all(free_port, TEXTS)

    assert len(processes) > 1
    assert counted() == ONCE


def test_celery(start, counted, tmp_path, monkeypatch):
    """Four workers, forked after the application has asked; the main process is told to end while they live."""
    with start("-m", "celery", "-A", "tasks", "worker", "--pool=prefork", "--concurrency=4"):
        with start("-m", "tasks", *TEXTS) as asking:
            assert asking.wait(120) == 0

    assert counted() == {**ONCE, "warm": 1}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool(method, start, counted):
    """Its workers end by SIGTERM as soon as they are not needed any more."""
    with start("-m", "pool", method, *TEXTS) as program:
        assert program.wait(120) == 0

    assert counted() == (ONCE if method != "fork" else {**ONCE, "warm": 1})
