"""What is known of a provider's own batches: while they are filled, and once they are submitted."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.calls.wire import Operation
from genai_integrations.transports.batch_dialect import Account


class Digest:
    """A digest of keys, one after the other; how many they were, and what it is."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.count = 0

    def add(self, key: str) -> None:
        """The next one."""
        self._hash.update(key.encode())
        self.count += 1

    def __str__(self) -> str:
        return self._hash.hexdigest()[:20]


@dataclass(slots=True)
class Group:
    """Requests that go into one batch.

    Attributes:
        account: Whom they are for.
        mark: Of the batch.
        lines: The requests as they stand in it.
        rows: Which requests they are, in rising order.
        seen: The keys of those requests, digested.
        size: Bytes of the lines.
    """

    account: Account
    mark: str
    lines: list[bytes] = field(default_factory=list)
    rows: array[int] = field(default_factory=lambda: array("q"))
    seen: Digest = field(default_factory=Digest)
    size: int = 0


@dataclass(slots=True)
class Open:
    """A batch that a provider has, or may have.

    Attributes:
        name: In the journal.
        account: Whose it is; None after a restart, until the connection is found.
        target: The connection's name, the model, and what is asked.
        mark: See `Group`.
        rows: Which requests it has.
        since: When it was submitted, in seconds since 1970.
        digest: Of the keys of its requests.
        seen: The keys of its requests as they come again, after a restart.
        ids: What the provider calls it; several while it is not clear which of them it is.
        is_cancelled: Whether its end was asked for.
    """

    name: str
    account: Account | None
    target: tuple[str, str, Operation]
    mark: str
    rows: Sequence[int]
    since: float
    digest: str
    seen: Digest = field(default_factory=Digest)
    ids: Sequence[str] = ()
    is_cancelled: bool = False

    def as_dict(self, state: str) -> dict[str, Any]:
        """What the journal has of it."""
        return {
            "state": state,
            "ids": list(self.ids),
            "target": list(self.target),
            "mark": self.mark,
            "since": self.since,
            "digest": self.digest,
            "rows": ranges(self.rows),
        }


def ranges(rows: Sequence[int]) -> list[list[int]]:
    """Rising numbers as pairs of first and last."""
    found: list[list[int]] = []
    for row in rows:
        if found and row == found[-1][1] + 1:
            found[-1][1] = row
        else:
            found.append([row, row])
    return found


def opened(name: str, state: Mapping[str, Any]) -> Open:
    """A batch as a journal has it.

    Raises:
        KeyError: It is none.
        TypeError: It is none.
        ValueError: It is none.
    """
    rows = array("q", (row for first, last in state["rows"] for row in range(first, last + 1)))
    connection, model, operation = state["target"]
    target = (connection, model, operation)
    found = Open(name, None, target, state["mark"], rows, state["since"], state["digest"])
    found.ids = state["ids"]
    return found
