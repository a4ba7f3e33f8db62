"""Nothing of a server is left when the tests are gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

_GUARD = Path(__file__).parent / "stranger_guard.py"
_SERVER = "import os, threading; print(os.getpid(), flush=True); threading.Event().wait()"


def test_the_program_ends_with_the_standard_input():
    """Which is closed at the end of the tests, and by the system when they die."""
    command = [sys.executable, str(_GUARD), sys.executable, "-c", _SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as guard:
        server = int(guard.stdout.readline())
        guard.stdin.close()
        guard.wait(30)

    assert not psutil.pid_exists(server)


def test_the_guard_ends_with_the_program():
    """With the same status."""
    command = [sys.executable, str(_GUARD), sys.executable, "-c", "raise SystemExit(3)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as guard:
        assert guard.wait(30) == 3
