"""Prompts that were fetched: kept, renewed behind the scenes, and used on while Langfuse is away."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakSet

from genai_integrations.errors import GenAIError, PromptError, PromptNotFoundError
from genai_integrations.prompts.template import Prompt

_log = logging.getLogger("genai_integrations")

PAUSE = 10.0
"""Seconds for which a Langfuse that failed is not asked again by those who have something else to use."""


class Key(NamedTuple):
    """Which prompt: the version, else the version that has the label now."""

    name: str
    version: int | None
    label: str | None


@dataclass(slots=True, eq=False)
class _Kept:
    """A prompt, until when it counts as fresh, and whether its age has been told."""

    prompt: Prompt
    fresh_until: float
    is_due: bool = False
    must_wait: bool = False
    told: bool = False


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
        self._kept: dict[Key, _Kept] = {}
        self._failed: dict[Key | None, tuple[float, GenAIError]] = {}
        self._told: set[Key] = set()
        self.begin_anew()
        _caches.add(self)

    def begin_anew(self) -> None:
        """Forget whoever held a lock or was fetching: they are not in a forked child."""
        self._lock = threading.Lock()
        self._asked: dict[Key, Future[Prompt]] = {}
        self._due: deque[Key] = deque()
        self._is_renewing = False
        for kept in self._kept.values():
            kept.is_due = False

    def expire(self) -> None:
        """Have the next call of each prompt wait for what Langfuse has now."""
        with self._lock:
            for kept in self._kept.values():
                kept.must_wait = True
            self._failed.clear()

    def get(self, key: Key, fallback: Prompt | None = None) -> Prompt:
        """The prompt, fetched if it is not there; one of several callers asks, the others wait for it.

        Args:
            key: Which one.
            fallback: What to use where Langfuse has none to give.

        Raises:
            PromptNotFoundError: Langfuse has none.
            PromptError: Langfuse cannot be asked.
        """
        known = self._known(key, fallback)
        if known is None:
            future, is_mine = self._joined(key)
            if is_mine:
                self._run(key, future)
            known = self._outcome(key, future, fallback)
        return known

    async def aget(self, key: Key, fallback: Prompt | None = None) -> Prompt:
        """As `get`, without blocking the event loop; what is there is given at once."""
        known = self._known(key, fallback)
        if known is None:
            future, is_mine = self._joined(key)
            if is_mine:
                # In a thread of its own: one of the loop's pool could be taken back before it starts.
                _in_a_thread(self._run, key, future)
            with contextlib.suppress(GenAIError):
                await asyncio.wrap_future(future)
            known = self._outcome(key, future, fallback)
        return known

    def _known(self, key: Key, fallback: Prompt | None) -> Prompt | None:
        """What can be given without waiting."""
        kept = self._kept.get(key)
        if kept is None or kept.must_wait:
            error = self._recent_failure(key)
            return None if error is None else self._instead(key, fallback, error)
        if kept.fresh_until <= time.monotonic():
            self._renew(key, kept)
        return kept.prompt

    def _joined(self, key: Key) -> tuple[Future[Prompt], bool]:
        """The fetch that is under way, or a new one, which the caller has to run."""
        with self._lock:
            future = self._asked.get(key)
            if future is not None:
                return future, False
            future = self._asked[key] = Future()
            future.set_running_or_notify_cancel()  # so that no waiting task can cancel it for all
            kept = self._kept.get(key)
            if kept is None or kept.must_wait:
                return future, True
            del self._asked[key]
        future.set_result(kept.prompt)
        return future, False

    def _run(self, key: Key, future: Future[Prompt]) -> None:
        try:
            prompt = self._fetched(key)
        except GenAIError as error:
            self._left(key)
            future.set_exception(error)
        except BaseException:
            self._left(key)
            future.set_exception(PromptError(f"fetching prompt {key.name!r} was interrupted"))
            raise
        else:
            self._left(key)
            future.set_result(prompt)

    def _left(self, key: Key) -> None:
        with self._lock:
            self._asked.pop(key, None)

    def _fetched(self, key: Key) -> Prompt:
        """Ask Langfuse, and remember what came of it."""
        try:
            prompt = self._fetch(key)
        except PromptNotFoundError as error:
            with self._lock:
                self._kept.pop(key, None)
                self._failed[key] = time.monotonic() + PAUSE, error
            raise
        except GenAIError as error:
            with self._lock:
                self._failed[None] = time.monotonic() + PAUSE, error
            raise
        fresh_until = math.inf if key.version is not None else time.monotonic() + self._ttl
        with self._lock:
            self._kept[key] = _Kept(prompt, fresh_until)
            self._failed.pop(key, None)
            self._failed.pop(None, None)
            self._told.discard(key)
        return prompt

    def _outcome(self, key: Key, future: Future[Prompt], fallback: Prompt | None) -> Prompt:
        error = future.exception()
        if error is None:
            return future.result()
        instead = self._instead(key, fallback, error)
        if instead is None:
            raise copy.copy(error)  # each waiting caller raises one of its own
        return instead

    def _recent_failure(self, key: Key) -> GenAIError | None:
        now = time.monotonic()
        for row in (self._failed.get(key), self._failed.get(None)):
            if row is not None and now < row[0]:
                return row[1]
        return None

    def _instead(self, key: Key, fallback: Prompt | None, error: BaseException) -> Prompt | None:
        """The last good version, else the fallback, if there is one of them."""
        kept = self._kept.get(key)
        if kept is not None:
            kept.must_wait = False
            self._tell_age(key, kept, error)
            return kept.prompt
        if fallback is not None and key not in self._told:
            self._told.add(key)
            _log.warning("%s; its fallback is used", error)
        return fallback

    def _tell_age(self, key: Key, kept: _Kept, error: BaseException) -> None:
        kept.fresh_until = max(kept.fresh_until, time.monotonic() + PAUSE)
        if not kept.told:
            kept.told = True
            _log.warning("%s; version %s of %r is used on", error, kept.prompt.version, key.name)

    def _renew(self, key: Key, kept: _Kept) -> None:
        """Have the thread fetch it; there is one thread, and none while nothing is due."""
        with self._lock:
            if kept.is_due:
                return
            kept.is_due = True
            self._due.append(key)
            if self._is_renewing:
                return
            self._is_renewing = True
        _in_a_thread(self._renew_due)

    def _renew_due(self) -> None:
        while True:
            with self._lock:
                if not self._due:
                    self._is_renewing = False
                    return
                key = self._due.popleft()
            self._renew_one(key)

    def _renew_one(self, key: Key) -> None:
        kept = self._kept.get(key)
        error: GenAIError | None = self._recent_failure(key)
        if error is None:
            try:
                self._fetched(key)
            except GenAIError as failure:
                error = failure
        if kept is not None:
            if error is not None:
                self._tell_age(key, kept, error)
            kept.is_due = False


def _in_a_thread(work: Callable[..., None], *args: Any) -> None:
    try:
        threading.Thread(target=work, args=args, name="genai-prompts", daemon=True).start()
    except RuntimeError:  # no thread can be had, or the interpreter is shutting down
        work(*args)


_caches: WeakSet[PromptCache] = WeakSet()


def _after_fork() -> None:
    for cache in _caches:
        cache.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
