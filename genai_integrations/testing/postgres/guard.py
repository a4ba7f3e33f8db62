"""Ends a throw-away Postgres when the program that started it is gone, however that ended.

`LangfuseDatabase` starts it with the database's folder as the only argument. The end of standard input,
which is also what the parent's death looks like, stops the server and deletes the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

_PATIENCE = 10.0
_AT_ONCE = getattr(signal, "SIGQUIT", signal.SIGTERM)
"""Postgres stops without writing anything more; nobody will read it."""


def main(home: Path) -> None:
    """Wait for the end of standard input, then clean up."""
    sys.stdin.read()
    lock = home / "data" / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        os.kill(int(lock.read_text().split()[0]), _AT_ONCE)
        deadline = time.monotonic() + _PATIENCE
        while lock.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
