"""What a batch asks of who runs it: each step is done by a thread or by an event loop, which decide nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genai_integrations.calls.reply import Reply
from genai_integrations.jobs.items import BatchItem, Entry


@dataclass(frozen=True, slots=True)
class Pull:
    """Take the caller's next request: `Pulled`, or None when there is none; or `Ended` if an outcome is there first."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A request as the caller gave it."""

    request: object


@dataclass(frozen=True, slots=True)
class Begin:
    """Send a request, and do not wait for its answer."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Await:
    """Wait until a request that was sent has its outcome, `Ended`; None after so many seconds."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A request that was sent, and what came of it."""

    entry: Entry
    outcome: Reply | Exception


@dataclass(frozen=True, slots=True)
class Give:
    """Hand an item to the caller, and go on when the next is wanted."""

    item: BatchItem


@dataclass(frozen=True, slots=True)
class Do:
    """Do what waits for a disk or a server; what it returns is sent back, what it raises is raised."""

    work: Callable[[], object]


Step = Pull | Begin | Await | Give | Do
