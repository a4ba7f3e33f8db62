"""What waits to be sent to one Langfuse project."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genai_integrations.runtime.masked import MaskedText
from genai_integrations.settings import TraceSettings

if TYPE_CHECKING:
    from genai_integrations.tracing.exporter import Exporter
    from genai_integrations.tracing.media import Medium
    from genai_integrations.tracing.record import Record

_log = logging.getLogger("genai_integrations")

_MOST_BYTES = 1 << 25
"""Bytes of one project that wait at most: its texts may be long, and another project's need room too."""

_LONGEST_REST = 30.0
"""Seconds after which a server that fails is asked again at the latest."""

_SILENCE = 60.0
"""Seconds between two warnings of one kind and project."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Whose traces they are.

    Attributes:
        host: Langfuse's address without a trailing slash.
        public_key: The project's public key.
        secret_key: The project's secret key; shows masked.
    """

    host: str
    public_key: str
    secret_key: MaskedText


class Rest:
    """For how long not to ask again after failures: twice as long after each.

    Attributes:
        until: Moment (of `time.monotonic`) at which it is over.
    """

    __slots__ = ("_failures", "until")

    def __init__(self) -> None:
        self.end()

    def begin(self, asked: float | None = None) -> None:
        """After a failure.

        Args:
            asked: Seconds that the server asked for.
        """
        own = 2.0 ** min(self._failures, 5)
        self._failures += 1
        self.until = time.monotonic() + min(own if asked is None else asked, _LONGEST_REST)

    def end(self) -> None:
        """After a success."""
        self._failures = 0
        self.until = 0.0


class Lane:
    """What may be on its way to one host at once, so that one that hangs does not hold every thread.

    Attributes:
        busy: How many sends are on their way.
        behind: Who waits for one of them to end.
    """

    __slots__ = ("_most", "behind", "busy")

    def __init__(self, most: int) -> None:
        self._most = most
        self.busy = 0
        self.behind: list[Outbox] = []

    @property
    def is_full(self) -> bool:
        """Whether nothing more may begin."""
        return self.busy >= self._most


class Host:
    """One Langfuse server, for all of its projects.

    Attributes:
        spans: Exports on their way: two, because a server has many projects, and a process four threads.
        media: Uploads on their way: one, because they are large.
        rest: After a failure to reach it.
    """

    __slots__ = ("__weakref__", "media", "rest", "spans")

    def __init__(self) -> None:
        self.spans = Lane(2)
        self.media = Lane(1)
        self.rest = Rest()


class Outbox:
    """What waits to be sent to one project. All clients with its key pair share it.

    Every field belongs to the exporter, and is changed under its lock.

    Args:
        pair: Whose it is.
        host: The server of the project.
        settings: How it is sent.
        exporter: Who sends it.
    """

    def __init__(
        self, pair: KeyPair, host: Host, settings: TraceSettings, exporter: Exporter
    ) -> None:
        self.pair = pair
        self.host = host
        self.settings = settings
        self._exporter = exporter
        self._warned: dict[str, float] = {}
        self.forget()

    def forget(self) -> None:
        """Be empty and at rest, which a forked child begins with: what waits is the parent's."""
        # Lists, though what waits is a queue: an empty deque takes as much as ten empty lists, and projects are many.
        self.records: list[Record] = []
        self.media: list[Medium] = []
        self.bytes = 0
        self.batch = self.settings.batch
        self.due: float | None = None
        self.is_sending = False
        self.tries = 0
        self.rest = Rest()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits and nothing is on its way."""
        return not (self.records or self.media or self.is_sending)

    @property
    def is_full(self) -> bool:
        """Whether nothing more fits."""
        return len(self.records) >= self.settings.queue or self.bytes >= _MOST_BYTES

    @property
    def lane(self) -> Lane:
        """Where its next send belongs: spans go before media."""
        return self.host.spans if self.records else self.host.media

    def put(self, record: Record) -> None:
        """Take a span that has ended; it is dropped if too many wait. Never waits for a server, and never raises."""
        self._exporter.put(self, record)

    def flush(self) -> None:
        """Send what waits now, and wait for it, at most twice the time-out of an export."""
        self._exporter.flush(self)

    def warn(self, kind: Literal["queue", "send"], problem: str) -> None:
        """Say in the log what goes wrong, but of each kind not each time."""
        now = time.monotonic()
        if now - self._warned.get(kind, -_SILENCE) >= _SILENCE:
            self._warned[kind] = now
            _log.warning("traces for Langfuse at %s: %s", self.pair.host, problem)
