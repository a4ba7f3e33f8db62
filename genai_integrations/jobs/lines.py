"""A file of JSON lines that is only added to: what was written before a program was killed is there afterwards.

Each line is one write to the operating system, which has it then whatever ends the process. What a crash of the whole
machine may take is what was written since the last `sync`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from genai_integrations.errors import ConfigurationError


class Lines:
    """A file of JSON objects, one a line. Safe for threads; one process at a time may have it open.

    Args:
        path: Where; it is made when it is opened, and continued if it is there.
        argument: The argument that named it, for messages.

    Raises:
        ConfigurationError: No file can be there.
    """

    def __init__(self, path: str | os.PathLike[str], argument: str) -> None:
        self.path = Path(path)
        self.argument = argument
        if self.path.is_dir() or not self.path.parent.is_dir():
            raise ConfigurationError(
                f"{argument}={str(path)!r} is not a file in an existing folder"
            )
        self._mutex = threading.Lock()
        self._file: FileIO | None = None
        self._reader: BinaryIO | None = None
        self._end = 0

    def read(self) -> Iterator[tuple[int, bytes]]:
        """Where each whole line begins, and the line.

        A last line that a crash has cut short is taken out of the file, also where the machine stopped before the disk
        had more of it than its length; one that is no beginning of ours is given.
        """
        if not self.path.exists():
            return
        at = 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n") and line.rstrip(b"\0")[: len(_START)] in _BEGINNINGS:
                    break
                yield at, line.removesuffix(b"\n")
                at += len(line)
            else:
                return
        with self._mutex, self.path.open("rb+") as file:
            file.truncate(at)
            self._end = at

    def line_at(self, place: int) -> bytes:
        """The line that begins there, of a file that is open."""
        with self._mutex:
            assert self._reader is not None  # noqa: S101  for the type checker
            self._reader.seek(place)
            return self._reader.readline().removesuffix(b"\n")

    def open(self) -> None:
        """Be the only one who writes to it, until `close`. Lines read before that may have become more.

        Raises:
            ConfigurationError: Somebody else is.
            OSError: It cannot be written.
        """
        with self._mutex:
            if self._file is None:
                self._file = self._opened()
                self._reader = self.path.open("rb")

    def add(self, line: bytes) -> int:
        """Append a line, and say where it begins. Opens the file if it is not.

        Raises:
            ConfigurationError: As `open`.
            OSError: The disk did not take it; the file is as before.
        """
        self.open()
        with self._mutex:
            assert self._file is not None  # noqa: S101  for the type checker; `open` has seen to it
            descriptor, at, data = self._file.fileno(), self._end, line + b"\n"
            try:
                _write(descriptor, data)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, at)
                raise
            self._end = at + len(data)
            return at

    def sync(self) -> None:
        """Wait until the disk itself has what was added."""
        with self._mutex:
            if self._file is not None:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let others write to it."""
        with self._mutex:
            for file in (self._reader, self._file):
                if file is not None:
                    file.close()
            self._reader = self._file = None

    def _opened(self) -> FileIO:
        file = self.path.open("ab+", buffering=0)
        try:
            _lock(file.fileno())
        except OSError:
            file.close()
            raise ConfigurationError(
                f"{self.path} is in use: another process, or another job of this one, writes to it; "
                f"wait for it, or name another {self.argument}"
            ) from None
        self._end = file.seek(0, os.SEEK_END)
        return file


def _write(descriptor: int, data: bytes) -> None:
    """Write all of it at once; a disk that is nearly full takes a part."""
    if os.write(descriptor, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _lock(descriptor: int) -> None:
    """Lock a file for this process; the system lets go of it when the process ends, however it ends."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _FAR, os.SEEK_SET)  # what is locked there can still be read elsewhere
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_START = b'{"'
"""How every line begins."""

_BEGINNINGS = (b"", b"{", _START)
"""What is left of one that was cut."""

_FAR = 1 << 40
