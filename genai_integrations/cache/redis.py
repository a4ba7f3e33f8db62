"""Answers by the exact question, on a Redis server that machines share."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from genai_integrations.cache.kept import Kept
from genai_integrations.cache.sealing import Sealing
from genai_integrations.calls.wire import Wire
from genai_integrations.runtime.redis_link import RedisAway, RedisLink

_log = logging.getLogger("genai_integrations")

_PREFIX = b"genai:answers:1:"
"""The number is the version's."""

_AT_ONCE = 500
"""Names that one round of deleting asks for."""


class RedisAnswers:
    """Keeps answers on a Redis server, sealed. Safe for threads, for several event loops and after fork.

    While the server is away nothing is found there and nothing kept, at once. How much it holds is the server's own
    business (`maxmemory`); each answer leaves by itself when its time is over.

    Args:
        link: The server.
        sealing: Makes the keys, and seals.
        max_bytes: Most bytes of one answer; a larger one is not kept.
    """

    def __init__(self, link: RedisLink, sealing: Sealing, *, max_bytes: int = 16 * 1024**2) -> None:
        self._link = link
        self._sealing = sealing
        self._max_bytes = max_bytes

    def __repr__(self) -> str:
        return f"RedisAnswers({self._link.where!r})"

    def key(self, question: Wire) -> bytes | None:
        """See `QuestionKeys.key`."""
        return self._sealing.key(question)

    def get(self, key: bytes) -> Kept | None:
        """The answer; None if it is not there, or is none of ours."""
        with self._away():
            return self._sealing.open(key, self._link.ask(lambda db: db.get(self._name(key))))
        return None

    async def aget(self, key: bytes) -> Kept | None:
        """As `get`."""
        with self._away():
            found = await self._link.aask(lambda db: db.get(self._name(key)))
            return self._sealing.open(key, found)
        return None

    def put(self, key: bytes, entry: Wire, ttl: float | None = None) -> None:
        """Keep an answer, if it has a JSON form and is not too large."""
        if (written := self._written(key, entry, ttl)) is not None:
            with self._away():
                self._link.ask(lambda db: db.set(*written[:2], px=written[2]))

    async def aput(self, key: bytes, entry: Wire, ttl: float | None = None) -> None:
        """As `put`."""
        if (written := self._written(key, entry, ttl)) is not None:
            with self._away():
                await self._link.aask(lambda db: db.set(*written[:2], px=written[2]))

    def clear(self) -> None:
        """Forget every answer of this tenant."""
        with self._away():
            self._link.ask(self._unlink)

    async def aclear(self) -> None:
        """As `clear`."""
        with self._away():
            await self._link.aask(self._aunlink)

    def _unlink(self, db: Any) -> None:
        at = None
        while at != 0:
            at, names = db.scan(at or 0, match=self._name(b"") + b"*", count=_AT_ONCE)
            if names:
                db.unlink(*names)

    async def _aunlink(self, db: Any) -> None:
        at = None
        while at != 0:
            at, names = await db.scan(at or 0, match=self._name(b"") + b"*", count=_AT_ONCE)
            if names:
                await db.unlink(*names)

    def _name(self, key: bytes) -> bytes:
        return _PREFIX + self._sealing.label.hex().encode() + b":" + key.hex().encode()

    def _written(
        self, key: bytes, entry: Wire, ttl: float | None
    ) -> tuple[bytes, bytes, int] | None:
        """A name, what is written under it, and for how many milliseconds."""
        sealed = self._sealing.seal(key, entry, ttl)
        if sealed is None or len(sealed.data) > self._max_bytes:
            return None
        return self._name(key), sealed.data, max(round((sealed.until - sealed.at) * 1000), 1)

    @contextlib.contextmanager
    def _away(self) -> Any:
        """A server that is away is as one that has nothing."""
        try:
            yield
        except RedisAway as away:
            _log.debug("the cache is skipped: %s", away)
