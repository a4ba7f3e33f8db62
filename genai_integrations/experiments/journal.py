"""Results in a JSON-lines file: one is added as soon as it is there, so that no interrupt loses it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from genai_integrations.errors import ConfigurationError
from genai_integrations.experiments.results import Result, result_from


class Journal:
    """A file of results.

    Args:
        path: Where; it is made when the first result comes, and continued if it is there.

    Raises:
        ConfigurationError: No file can be there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.is_dir() or not self.path.parent.is_dir():
            raise ConfigurationError(f"save_to={str(path)!r} is no file in a folder that exists")
        self._lock = threading.Lock()

    def read(self) -> dict[str, Result]:
        """The results in the file by key; of two with one key, the later.

        Raises:
            ConfigurationError: The file holds something else.
        """
        if not self.path.exists():
            return {}
        found = {}
        for at, line in enumerate(self._whole_lines(), 1):
            try:
                result = result_from(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError):
                raise ConfigurationError(
                    f"line {at} of {self.path} is no result of a comparison: name another file"
                ) from None
            found[result.key] = result
        return found

    def add(self, result: Result) -> None:
        """Append a result."""
        line = json.dumps(result.as_dict(), ensure_ascii=False, default=str)
        # Closed after each result: the operating system has it then, whatever ends this process.
        with self._lock, self.path.open("ab") as file:
            file.write(line.encode("utf-8", "replace") + b"\n")

    def _whole_lines(self) -> list[bytes]:
        """The lines; a last one that a crash has cut short is taken out of the file."""
        content = self.path.read_bytes()
        *lines, rest = content.split(b"\n")
        if rest and not rest.startswith(_START):
            return [*lines, rest]
        if rest:
            with self.path.open("rb+") as file:
                file.truncate(len(content) - len(rest))
        return lines


_START = b'{"'
"""How every line begins."""
