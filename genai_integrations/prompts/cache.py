"""Prompts that were fetched: kept, renewed behind the scenes, and used on while Langfuse is away.

What is known of a prompt is nothing, `Kept` or `Failed`. A `Kept` one is fresh, stale (given at once, while a newer
one is fetched) or expired (after `refresh()`: whoever wants it waits for a fetch that begins after that).
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from genai_integrations.errors import GenAIError, PromptNotFoundError
from genai_integrations.prompts.template import Prompt
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.runtime.single_flight import SingleFlight, own_copy

_log = logging.getLogger("genai_integrations")

PAUSE = 10.0
"""Seconds for which a Langfuse that failed is not asked again by those who have something else to use."""

PATIENCE = 0.5
"""Seconds to wait for a prompt that may well not be there, and that a call can do without."""

_MOST_PROMPTS = 2048
"""Prompts remembered, also those that are not there: a program that makes names up cannot fill the memory."""


class Key(NamedTuple):
    """Which prompt: the version, else the version that has the label now."""

    name: str
    version: int | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A prompt, and the `time.monotonic()` moment until which it is fresh."""

    prompt: Prompt
    fresh_until: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no prompt to give, and until when nobody asks again who has a fallback."""

    error: GenAIError
    until: float

    @classmethod
    def just_now(cls, error: GenAIError) -> Failed:
        """It failed just now."""
        # Without its frames: it is kept, and what they hold would be, too.
        return cls(error.with_traceback(None), time.monotonic() + PAUSE)

    @property
    def is_recent(self) -> bool:
        """Whether there is no use in asking again."""
        return time.monotonic() < self.until


class _Entry:
    """What is known of one prompt.

    Attributes:
        fetches: Each brings what is known from then on.
        expired: The number of the last fetch whose prompt `refresh()` has made too old.
        is_told: Whether a warning has said what is used in place of what Langfuse does not give.
    """

    def __init__(self) -> None:
        self.fetches: SingleFlight[Kept | Failed] = SingleFlight("genai-prompts")
        self.expired = 0
        self.is_told = False

    def known(self) -> Kept | Failed | None:
        """What the last fetch brought, expired or not."""
        latest = self.fetches.latest
        return None if latest is None else latest.value

    def current(self) -> Kept | Failed | None:
        """What the last fetch brought, unless it has expired."""
        latest = self.fetches.latest
        return None if latest is None or latest.number <= self.expired else latest.value

    def kept(self) -> Kept | None:
        """A prompt to give at once."""
        current = self.current()
        return current if isinstance(current, Kept) else None

    def tell(self, message: str, *args: object) -> None:
        """Warn, once until Langfuse gives a prompt again."""
        if not self.is_told:
            self.is_told = True
            _log.warning(message, *args)


class PromptCache:
    """Keeps prompts for a time, and gives an older one at once while a thread fetches the newer one.

    The SDK's own cache fetches pinned versions again and again, asks a Langfuse that is away up to nine times,
    lets one prompt's users change it for the others, and does not say when it uses an old one.

    Args:
        fetch: Asks Langfuse, once; raises `GenAIError`.
        ttl: Seconds for which a prompt counts as fresh.
    """

    def __init__(self, fetch: Callable[[Key], Prompt], ttl: float) -> None:
        self._fetch = fetch
        self._ttl = ttl
        self._entries: BoundedMap[Key, _Entry] = BoundedMap(_MOST_PROMPTS)
        self._away: Failed | None = None
        self._due: dict[Key, None] = {}
        # One thread renews all that is due, and there is none while nothing is.
        self._renewals: SingleFlight[None] = SingleFlight("genai-prompts")

    def expire(self) -> None:
        """Have the next call of each prompt wait for what Langfuse has now."""
        self._away = None
        for entry in self._entries.values():
            entry.expired = entry.fetches.begun

    def get(self, key: Key, fallback: Prompt | None = None) -> Prompt:
        """The prompt, fetched if it is not there; one of several callers asks, the others wait for it.

        Args:
            key: Which one.
            fallback: What to use where Langfuse has none to give.

        Raises:
            PromptNotFoundError: Langfuse has none.
            PromptError: Langfuse cannot be asked.
        """
        entry = self._entry(key)
        known = self._usable(key, entry, fallback) or entry.fetches.do(
            partial(self._fetched, key, entry), after=entry.expired, known=entry.kept
        )
        return _given(entry, known, fallback)

    async def aget(self, key: Key, fallback: Prompt | None = None) -> Prompt:
        """As `get`, without blocking the event loop; what is there is given at once."""
        entry = self._entry(key)
        known = self._usable(key, entry, fallback) or await entry.fetches.ado(
            partial(self._fetched, key, entry), after=entry.expired, known=entry.kept
        )
        return _given(entry, known, fallback)

    def find(self, key: Key) -> Prompt | None:
        """The prompt, or None where Langfuse has none of that label, or cannot be asked in time.

        For one that may well not be there. That it is not is known as long as a prompt is fresh, and then looked up anew
        behind the scenes: only who comes first waits, and not for long.
        """
        entry = self._entry(key)
        known = self._known(key, entry)
        if known is None:
            with contextlib.suppress(TimeoutError):
                known = entry.fetches.do(
                    partial(self._fetched, key, entry),
                    after=entry.expired,
                    known=entry.current,
                    limit=time.monotonic() + PATIENCE,
                )
        return known.prompt if isinstance(known, Kept) else None

    async def afind(self, key: Key) -> Prompt | None:
        """As `find`, without blocking the event loop."""
        entry = self._entry(key)
        known = self._known(key, entry)
        if known is None:
            with contextlib.suppress(TimeoutError):
                known = await entry.fetches.ado(
                    partial(self._fetched, key, entry),
                    after=entry.expired,
                    known=entry.current,
                    limit=time.monotonic() + PATIENCE,
                )
        return known.prompt if isinstance(known, Kept) else None

    def _known(self, key: Key, entry: _Entry) -> Kept | Failed | None:
        """What is known, that there is none among it; renewed behind the scenes when it is old."""
        current = entry.current()
        if isinstance(current, Kept):
            return self._usable(key, entry, None)
        if current is not None and time.monotonic() >= current.until - PAUSE + self._ttl:
            entry.fetches.start(partial(self._fetched, key, entry))
        is_away = current is None and self._away is not None and self._away.is_recent
        return self._away if is_away else current

    def _entry(self, key: Key) -> _Entry:
        return self._entries.get(key) or self._entries.get_or_put(key, _Entry())

    def _usable(self, key: Key, entry: _Entry, fallback: Prompt | None) -> Kept | Failed | None:
        """What will do without waiting, or None."""
        current = entry.current()
        if isinstance(current, Kept):
            if current.fresh_until <= time.monotonic():
                self._renew(key)
            return current
        if fallback is None or isinstance(entry.known(), Kept):
            return None
        failures = (row for row in (current, self._away) if row is not None)
        return next((row for row in failures if row.is_recent), None)

    def _fetched(self, key: Key, entry: _Entry) -> Kept | Failed:
        """Ask Langfuse, unless that has failed just now and there is an older version to use on."""
        known = entry.known()
        if isinstance(known, Kept) and self._away is not None and self._away.is_recent:
            return _used_on(key, entry, known, self._away.error)
        try:
            prompt = self._fetch(key)
        except PromptNotFoundError as error:
            return Failed.just_now(error)
        except GenAIError as error:
            failed = self._away = Failed.just_now(error)
            if isinstance(known, Failed | None):
                return failed
            return _used_on(key, entry, known, error)
        self._away = None
        entry.is_told = False
        return Kept(prompt, math.inf if key.version is not None else time.monotonic() + self._ttl)

    def _renew(self, key: Key) -> None:
        self._due[key] = None
        self._renewals.start(self._renew_due)

    def _renew_due(self) -> None:
        while self._due:
            key, _ = self._due.popitem()
            entry = self._entries.get(key)
            kept = entry.kept() if entry is not None else None
            if entry is not None and kept is not None and kept.fresh_until <= time.monotonic():
                entry.fetches.do(partial(self._fetched, key, entry))


def _used_on(key: Key, entry: _Entry, kept: Kept, error: GenAIError) -> Kept:
    entry.tell("%s; version %s of %r stays in use", error, kept.prompt.version, key.name)
    return Kept(kept.prompt, max(kept.fresh_until, time.monotonic() + PAUSE))


def _given(entry: _Entry, known: Kept | Failed, fallback: Prompt | None) -> Prompt:
    if isinstance(known, Kept):
        return known.prompt
    if fallback is None:
        raise own_copy(known.error)
    entry.tell("%s; its fallback is used", known.error)
    return fallback
