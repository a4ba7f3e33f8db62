"""Results in a JSON-lines file: one is added as soon as it is there, so that no interrupt loses it."""

from __future__ import annotations

import json
import os

from genai_integrations.errors import ConfigurationError
from genai_integrations.experiments.results import Result, result_from
from genai_integrations.jobs.lines import Lines


class Journal:
    """A file of results.

    Args:
        path: Where; it is made when the first result comes, and continued if it is there.

    Raises:
        ConfigurationError: No file can be there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._lines = Lines(path, "save_to")

    def read(self) -> dict[str, Result]:
        """The results in the file by key; of two with one key, the later.

        Raises:
            ConfigurationError: The file holds something else.
        """
        found = {}
        for at, (_, line) in enumerate(self._lines.read(), 1):
            try:
                result = result_from(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError):
                raise ConfigurationError(
                    f"line {at} of {self._lines.path} is not a result of a comparison: name another file"
                ) from None
            found[result.key] = result
        return found

    def add(self, result: Result) -> None:
        """Append a result; from the first one to `close`, nobody else may write to the file.

        Raises:
            ConfigurationError: Somebody else does.
        """
        line = json.dumps(result.as_dict(), ensure_ascii=False, default=str)
        self._lines.add(line.encode("utf-8", "replace"))

    def close(self) -> None:
        """Let others write to the file."""
        self._lines.close()
