"""State in a file of JSON: it outlives the program, and the processes of one machine share it.

No database of SQLite's: what that knows of its locks a forked child inherits, and then waits for a lock that nobody
holds.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.sharing.store import FORGOTTEN, SEEN, Found, Sent, StoreAway

_PATIENCE = 1.0
"""Seconds to wait for another process that is writing."""

_AGAIN = 0.005


@dataclass(slots=True)
class _Content:
    """What is in the file.

    Attributes:
        records: By key, each with its `amounts`, its `firsts` and when it `ends`.
        seen: Messages that were taken in, and when.
        cooldowns: By key and target when each ends, and when that was said.
    """

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    cooldowns: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)


class FileStore:
    """Keeps state in a file, which is opened for each exchange and replaced as a whole.

    Args:
        path: Of the file; made at the first exchange. Beside it lies a lock, `path.lock`.

    Raises:
        ConfigurationError: Its folder does not exist.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path).absolute()
        self.where = str(path)
        if not self._path.parent.is_dir():
            raise ConfigurationError(
                f"the folder of router_args['state_file'] {str(path)!r} does not exist: make it first"
            )

    def exchange(self, key: str, sent: Sent) -> Found:
        """Add what a mirror has to tell, and give what all have told, at one moment."""
        now = time.time()
        with self._locked() as content:
            is_new = key not in content.records
            record = content.records.setdefault(key, {"amounts": {}, "firsts": {}, "ends": None})
            amounts, firsts = record["amounts"], record["firsts"]
            if sent.amounts and sent.token not in content.seen:
                content.seen[sent.token] = now
                for name, amount in sent.amounts.items():
                    amounts[name] = amounts.get(name, 0.0) + amount
            for number, text in sent.firsts.items():
                firsts.setdefault(str(number), text)
            if sent.seconds:
                record["ends"] = now + sent.seconds
            _forget(content, now)
        return Found(is_new, amounts, {int(number): text for number, text in firsts.items()})

    def cooldowns(
        self, key: str, changes: Mapping[str, float]
    ) -> Mapping[str, tuple[float, float]]:
        """Note which cooldowns began or ended, and give those of all; the clock is the machine's."""
        now = time.time()
        with self._locked() as content:
            rows = content.cooldowns.setdefault(key, {})
            for name, seconds in changes.items():
                known = rows.get(name, (0.0, 0.0))[0] if seconds else 0.0
                rows[name] = (max(known, now + seconds), now)
            for name, row in list(rows.items()):
                if max(row) < now - FORGOTTEN:
                    del rows[name]
        return {name: (max(ends - now, 0.0), said) for name, (ends, said) in rows.items()}

    @contextlib.contextmanager
    def _locked(self) -> Generator[_Content]:
        """What is in the file, with nobody else at it; what is changed is written at the end."""
        try:
            with _lock(self._path.with_name(f"{self._path.name}.lock")):
                # One without a byte is new, too: made by `mktemp`, or left so by a machine that stopped.
                before = self._path.read_bytes() if self._path.exists() else b""
                content = _Content(**json.loads(before or b"{}"))
                yield content
                after = json.dumps(
                    {name: getattr(content, name) for name in _Content.__slots__}
                ).encode()
                if after != before:
                    self._write(after)
        except (OSError, ValueError, TypeError) as error:
            raise StoreAway(f"{self.where}: {type(error).__name__}: {error}") from None

    def _write(self, content: bytes) -> None:
        # Replaced at once, so that a program which is killed leaves the old or the new one.
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        new.write_bytes(content)
        new.replace(self._path)


def _forget(content: _Content, now: float) -> None:
    content.seen = {token: at for token, at in content.seen.items() if at > now - SEEN}
    content.records = {
        key: row for key, row in content.records.items() if not row["ends"] or row["ends"] > now
    }


@contextlib.contextmanager
def _lock(path: Path) -> Generator[None]:
    """Alone among all processes. It is given back in so many words, for a forked child has the file open, too."""
    try:
        import fcntl
    except ImportError:  # Windows, where one process may have the file
        yield
        return
    ends = time.monotonic() + _PATIENCE
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise
                time.sleep(_AGAIN)
            else:
                break
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
