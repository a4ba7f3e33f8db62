"""The file of a tape: lines that several threads and processes append, each at once or not at all."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.tape.form import decoded

_log = logging.getLogger("genai_integrations")


def append(path: Path, line: bytes) -> None:
    """Append a line. If that cannot be done it is told in the log, since the call that it is of went well.

    Args:
        path: Made, with its folder, if it is not there.
        line: With its end.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _opened(path) as file:
            _append(file, line)
    except OSError as error:
        _log.warning("a call is not on the tape %s: %s", path, error)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The file, locked for this writer alone, where the machine has such locks."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        with contextlib.suppress(ImportError):  # Windows; appending alone keeps lines apart there
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _append(file: int, line: bytes) -> None:
    before = os.fstat(file).st_size
    if before and os.pread(file, 1, before - 1) != b"\n":
        # Whoever wrote last was killed in the middle of it.
        line = b"\n" + line
    try:
        while line:
            line = line[os.write(file, line) :]
    except OSError:
        os.ftruncate(file, before)
        raise


def read(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a tape, each with the number of its line.

    Raises:
        ConfigurationError: There is no such tape, or it is something else.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigurationError(
            f"the tape {str(path)!r} cannot be read ({error.strerror}): make it with GenAIClient(record=...)"
        ) from None
    found = broken = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = decoded(line, f"{path}:{number}")
        if row is None:
            broken += 1
            _log.warning("%s:%d was not written to its end, and is left out", path, number)
            continue
        found += 1
        yield number, row
    if broken and not found:
        raise ConfigurationError(
            f"{str(path)!r} is not a tape: make one with GenAIClient(record=...)"
        )
