"""Which narrow key a token is: read from the store at most half a minute ago."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from genai_integrations.errors import CredentialStoreError
from genai_integrations.gateway.keys.guesses import Guesses
from genai_integrations.gateway.keys.narrow import Terms
from genai_integrations.gateway.keys.pairs import AWAY, may_try, unknown, wrong_key
from genai_integrations.gateway.keys.shown import Pair, Token
from genai_integrations.gateway.keys.stores import KeyStore
from genai_integrations.gateway.refusals import Refused
from genai_integrations.gateway.threads import Threads
from genai_integrations.runtime.bounded_map import BoundedMap

_log = logging.getLogger("genai_integrations")

_FRESH = 30.0
"""Seconds for which what was read counts: a key that is revoked is refused within them."""

_PAUSE = 5.0
"""Seconds between two looks for a key while the store is away."""

_MOST = 16_384

_THREADS = 8
"""Keys that are read at once."""


@dataclass(slots=True)
class _Known:
    terms: Terms
    pair: Pair = field(repr=False)
    read_at: float
    asked_at: float


class Tokens:
    """Knows narrow keys by what was read of them. For one event loop.

    Args:
        store: Where they are.
        guesses: Counts what turns out wrong.
        away: Seconds for which a known key works on while the store does not answer.
        clock: Monotonic seconds.
        wall: Seconds since 1970.
    """

    def __init__(
        self,
        store: KeyStore,
        guesses: Guesses,
        *,
        away: float = AWAY,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._guesses = guesses
        self._away = away
        self._clock = clock
        self._wall = wall
        self._hash_key = secrets.token_bytes(32)
        self._known: BoundedMap[bytes, _Known] = BoundedMap(_MOST)
        self._threads = Threads("genai-gateway-tokens", _THREADS)

    async def of(self, token: Token, address: str = "") -> tuple[Terms, Pair]:
        """The terms of a key, and the pair of its project, which is still to be confirmed.

        Raises:
            Refused: There is no such key any more (401), the store cannot be read (503), or too many were wrong (429).
        """
        mark = hmac.digest(self._hash_key, f"{token.id}-{token.secret}".encode(), hashlib.sha256)
        known, now = self._known.get(mark), self._clock()
        if known is None:
            known = await self._first(mark, token, address)
        elif now >= known.read_at + _FRESH and now >= known.asked_at + _PAUSE:
            known.asked_at = now
            known = await self._again(mark, token, known)
        if now >= known.read_at + self._away:
            raise unknown()
        if known.terms.is_over(self._wall()):
            raise wrong_key()
        return known.terms, known.pair

    async def _first(self, mark: bytes, token: Token, address: str) -> _Known:
        may_try(self._guesses, address)
        try:
            return await self._read(mark, token)
        except CredentialStoreError as error:
            _log.warning("%s", error)
            raise unknown() from None
        except Refused:
            self._guesses.wrong(address)
            raise

    async def _again(self, mark: bytes, token: Token, known: _Known) -> _Known:
        try:
            return await self._read(mark, token)
        except CredentialStoreError as error:
            _log.warning("%s; what was last read of a key stays in use", error)
            return known

    async def _read(self, mark: bytes, token: Token) -> _Known:
        asked_at = self._clock()
        key = await self._threads.run(self._store.get, token.id)
        pair = key.pair(token.secret) if key is not None else None
        if key is None or pair is None:
            self._known.remove(mark)
            raise wrong_key()
        known = _Known(key.terms, pair, asked_at, asked_at)
        self._known.put(mark, known)
        return known

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.close()
