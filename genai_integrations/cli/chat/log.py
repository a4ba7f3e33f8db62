"""What was said in `genai chat`, kept on this machine: one file for each conversation, a question and its answer a line."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from genai_integrations.errors import ConfigurationError

_ENDING = ".jsonl"
_READABLE_BY_OWNER, _FOLDER_OF_OWNER = 0o600, 0o700


@dataclass(frozen=True, slots=True)
class Said:
    """One question and its answer.

    Attributes:
        model: The name that was asked.
        question: Its text; of files that were attached only the names are in it.
        answer: The text, or the part of it that came.
        system: The instructions at the time.
        at: When, in UTC and ISO 8601.
        served: Who answered.
        usd: US dollars, where the price is known.
    """

    model: str
    question: str
    answer: str
    system: str = ""
    at: str = ""
    served: str | None = None
    usd: float | None = None


class ChatLog:
    """One conversation's file, which is made with its first line.

    Args:
        folder: Where conversations are kept.
        path: The file of one that goes on; None begins another.
    """

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        self.folder = folder
        self._path = path

    @classmethod
    def last(cls, folder: Path) -> ChatLog | None:
        """The conversation that was last added to; None if there is none."""
        try:
            files = [row for row in folder.iterdir() if row.suffix == _ENDING]
            newest = max(files, key=lambda row: (row.stat().st_mtime_ns, row.name), default=None)
        except OSError:
            return None
        return cls(folder, newest) if newest is not None else None

    @property
    def is_first(self) -> bool:
        """Whether nothing was ever kept on this machine."""
        return not self.folder.exists()

    def said(self) -> list[Said]:
        """What was said so far; a line that is damaged is passed over.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        if self._path is None:
            return []
        try:
            text = self._path.read_text("utf-8", errors="replace")
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be read: {error.strerror}") from None
        return list(_lines(text))

    def keep(self, said: Said) -> None:
        """Add one.

        Raises:
            OSError: It cannot be written.
        """
        line = json.dumps({**asdict(said), "at": _now()}, ensure_ascii=False) + "\n"
        self.folder.mkdir(_FOLDER_OF_OWNER, parents=True, exist_ok=True)
        if self._path is None:
            self._path = (
                self.folder / f"{_now()[:19].replace(':', '')}-{secrets.token_hex(3)}{_ENDING}"
            )
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self._path, flags, _READABLE_BY_OWNER), "wb") as file:
            # In one piece: two terminals may continue the same conversation.
            file.write(line.encode(errors="replace"))


def _lines(text: str) -> Iterator[Said]:
    for line in text.splitlines():
        try:
            row = json.loads(line)
            yield Said(**{name: row[name] for name in Said.__match_args__ if name in row})
        except (ValueError, TypeError):
            continue


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
