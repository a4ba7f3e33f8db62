"""Runs a program, and ends it when the one that started this is gone, however that ended.

    python stranger_guard.py PROGRAM ARGUMENT...

The end of standard input, which is also what the parent's death looks like, stops the program.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

_PATIENCE = 5.0


def main(command: list[str]) -> int:
    """Its status is the program's."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_wait_for_the_end, args=(process,), daemon=True).start()
    return process.wait()


def _wait_for_the_end(process: subprocess.Popen[bytes]) -> None:
    # Not `sys.stdin`: the interpreter cannot end while another thread holds its buffer.
    while os.read(0, 1024):
        pass
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
