"""Scores in Langfuse that count for a rollout."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from genai_integrations.connections.langfuse.scores import Scored
from genai_integrations.errors import GenAIError
from genai_integrations.routing.variants.track import Track, is_score
from genai_integrations.routing.variants.watching import Traced
from genai_integrations.runtime.fork import after_fork_in_child

_log = logging.getLogger("genai_integrations")

EVERY = 10.0
"""Seconds between two looks at Langfuse's scores."""

OVERLAP = 300.0
"""Seconds that are read again: servers take a while to show a score, and clocks differ."""

_MOST = 100_000

ReadScores = Callable[[str, float], Iterable[Scored]]
"""Takes a score's name and a moment, seconds since 1970; gives the scores of that name since then. It may take time."""


class Scores:
    """Reads the scores that Langfuse has of this process's traces, and counts each once.

    Args:
        tracks: The rollouts with a score.
        traced: Who answered in which trace.
        read: Reads scores.
    """

    def __init__(self, tracks: Sequence[Track], traced: Traced, read: ReadScores) -> None:
        self._tracks = tracks
        self._traced = traced
        self._read = read
        self._since = time.time() - OVERLAP
        self._next_at = 0.0
        self._counted: dict[str, None] = {}
        self._reading = threading.Lock()
        after_fork_in_child(self._after_fork)

    def read_when_due(self) -> None:
        """Look, if it is time."""
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + EVERY
            self.read()

    def read(self) -> None:
        """Look now. Where Langfuse cannot be asked, it is asked the next time."""
        with self._reading:
            self._read_all()

    def _read_all(self) -> None:
        began = time.time()
        try:
            for track in self._tracks:
                if track.state == "running" and track.rollout.score:
                    for row in self._read(track.rollout.score, self._since):
                        self._count(track, row)
        except GenAIError as error:
            _log.warning("the scores of a rollout cannot be read now: %s", error)
        else:
            self._since = began - OVERLAP

    def _after_fork(self) -> object:
        old, self._reading = self._reading, threading.Lock()
        return old

    def _count(self, track: Track, row: Scored) -> None:
        model = self._traced.model(row.trace_id, track.name)
        key = f"{track.name}\0{row.id}"
        if model is None or key in self._counted or not is_score(row.value):
            return
        self._counted[key] = None
        while len(self._counted) > _MOST:
            del self._counted[next(iter(self._counted))]
        track.scored(model, row.value)
