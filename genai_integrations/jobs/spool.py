"""Requests on the disk, until a provider's batch has answered them: what it does not answer is sent live."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Mapping
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.jobs.items import Entry
from genai_integrations.runtime import jsonbytes


class Spool:
    """A file without a name, which goes with the process. 8 bytes of memory a request."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._places: array[int] = array("q")
        self._end = 0

    def add(self, entry: Entry) -> bool:
        """Keep a request; False if it has more than JSON's values, and is the caller's to keep."""
        try:
            line = jsonbytes.dumps([entry.key, entry.request])
        except ConfigurationError:
            return False
        missing = entry.index + 1 - len(self._places)
        self._places.extend([-1] * missing)
        self._places[entry.index] = self._end
        self._file.seek(self._end)
        self._end += self._file.write(line + b"\n")
        return True

    def take(self, index: int) -> Entry:
        """A request that was added."""
        self._file.seek(self._places[index])
        key, request = jsonbytes.loads(self._file.readline())
        made: Mapping[str, Any] = request
        return Entry(index, key, made)

    def close(self) -> None:
        """Remove it."""
        self._file.close()
