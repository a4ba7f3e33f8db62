"""A program that this one started."""

from __future__ import annotations

import subprocess


def end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Terminate, then kill; a process that has ended by itself is left alone."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
