"""Which project a key pair is of: Langfuse says it, and it is remembered for a minute.

What is remembered of a pair is an HMAC with a random key of this process, so neither a dump of the memory nor the time
that a look-up takes tells anything of a key.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from genai_integrations.errors import ConfigurationError, CredentialError, CredentialStoreError
from genai_integrations.gateway.keys.guesses import Guesses
from genai_integrations.gateway.keys.shown import Pair
from genai_integrations.gateway.refusals import Refused
from genai_integrations.gateway.threads import Threads
from genai_integrations.runtime.bounded_map import BoundedMap

_log = logging.getLogger("genai_integrations")

FRESH = 60.0
"""Seconds for which Langfuse's word counts: a pair that is revoked there is refused here within them."""

_RENEWED_AT = 45.0
"""Seconds after which it is asked again behind the scenes, so that nobody waits for it."""

AWAY = 900.0
"""Seconds for which a pair that is known works on while Langfuse does not answer."""

_PATIENCE = 1.0
"""Seconds that a known pair waits for Langfuse, before it counts as away."""

_PAUSE = 5.0
"""Seconds between two questions about a pair while Langfuse is away."""

_REFUSED = 10.0
"""Seconds for which a pair that Langfuse has refused is not asked for again."""

_MOST_PAIRS = 16_384
_MOST_REFUSED = 8192
_THREADS = 8
"""Questions to Langfuse at once."""

_MOST_FLIGHTS = 256
"""Pairs that may wait for such a question."""

Ask = Callable[[str, str], str]
"""The project of a public and a secret key, as `fetch_project_id` says it."""


@dataclass(slots=True)
class _Known:
    """A pair that Langfuse has confirmed.

    Attributes:
        project: Of which it is.
        confirmed_at: When Langfuse said so last.
        asked_at: When it was asked last.
    """

    project: str
    confirmed_at: float
    asked_at: float


class KeyPairs:
    """Knows the projects of key pairs. For one event loop.

    Args:
        ask: Asks Langfuse, in a thread.
        away: See `AWAY`.
        guesses: Counts what turns out wrong.
        refused: Told of a pair's mark when Langfuse refuses it; see `mark`.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        away: float = AWAY,
        guesses: Guesses | None = None,
        refused: Callable[[bytes], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._away = away
        self._guesses = guesses or Guesses()
        self._tell_refused = refused
        self._clock = clock
        self._hash_key = secrets.token_bytes(32)
        self._known: BoundedMap[bytes, _Known] = BoundedMap(_MOST_PAIRS)
        self._refused: BoundedMap[bytes, float] = BoundedMap(_MOST_REFUSED)
        self._flights: dict[bytes, asyncio.Task[str]] = {}
        self._threads = Threads("genai-gateway-keys", _THREADS)

    def mark(self, pair: Pair) -> bytes:
        """What stands for a pair in this process."""
        return hmac.digest(self._hash_key, f"{pair.public}:{pair.secret}".encode(), hashlib.sha256)

    def is_fresh(self, mark: bytes) -> bool:
        """Whether Langfuse has confirmed it within the minute."""
        known = self._known.get(mark)
        return known is not None and self._clock() < known.confirmed_at + FRESH

    async def project_of(self, pair: Pair, address: str = "") -> str:
        """The project of a pair.

        Args:
            pair: As the request shows it.
            address: Who asks, for counting what is wrong.

        Raises:
            Refused: Langfuse refuses it (401), cannot be asked (503), or the address was wrong too often (429).
        """
        mark = self.mark(pair)
        known, now = self._known.get(mark), self._clock()
        if known is None:
            return await self._new(mark, pair, address)
        if now >= known.confirmed_at + FRESH:
            return await self._renewed(mark, pair, known)
        if now >= known.confirmed_at + _RENEWED_AT and now >= known.asked_at + _PAUSE:
            self._flight(mark, pair)
        return known.project

    async def _new(self, mark: bytes, pair: Pair, address: str) -> str:
        may_try(self._guesses, address)
        if mark not in self._flights and len(self._flights) >= _MOST_FLIGHTS:
            raise unknown()
        try:
            if self._clock() >= (self._refused.get(mark) or 0.0):
                # Shielded: who leaves does not end it for the others.
                return await asyncio.shield(self._flight(mark, pair))
        except CredentialStoreError:
            raise unknown() from None
        except CredentialError:
            pass
        self._guesses.wrong(address)
        raise wrong_key()

    async def _renewed(self, mark: bytes, pair: Pair, known: _Known) -> str:
        """Of a pair that was confirmed more than a minute ago."""
        # Of every pause one moment is waited for, though a question may be under way for longer.
        since = self._clock() - known.asked_at
        try:
            if since >= _PAUSE or (since < _PATIENCE and mark in self._flights):
                async with asyncio.timeout(_PATIENCE):
                    return await asyncio.shield(self._flight(mark, pair))
        except (CredentialStoreError, TimeoutError):
            pass
        except CredentialError:
            raise wrong_key() from None
        if self._clock() < known.confirmed_at + self._away:
            return known.project
        raise unknown()

    def _flight(self, mark: bytes, pair: Pair) -> asyncio.Task[str]:
        """The question about a pair that is under way, or a new one."""
        known, flight = self._known.get(mark), self._flights.get(mark)
        if known is not None and self._clock() >= known.asked_at + _PAUSE:
            known.asked_at = self._clock()
        if flight is None:
            flight = self._flights[mark] = asyncio.create_task(self._asked(mark, pair))
            flight.add_done_callback(_seen)
        return flight

    async def _asked(self, mark: bytes, pair: Pair) -> str:
        asked_at = self._clock()
        try:
            project = await self._threads.run(self._ask, pair.public, pair.secret)
        except CredentialStoreError as error:
            _log.warning("a key pair is not confirmed: %s", error)
            raise
        except ConfigurationError as error:
            _log.error("no key pair can be confirmed: %s", error)
            raise CredentialStoreError(str(error)) from None
        except CredentialError:
            self._known.remove(mark)
            self._refused.put(mark, self._clock() + _REFUSED)
            if self._tell_refused is not None:
                self._tell_refused(mark)
            raise
        finally:
            self._flights.pop(mark, None)
        self._known.put(mark, _Known(project, asked_at, asked_at))
        return project

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.close()


def _seen(flight: asyncio.Task[str]) -> None:
    """Those who wait for it are told what went wrong; if nobody does any more, that is no news."""
    if not flight.cancelled():
        flight.exception()


def may_try(guesses: Guesses, address: str) -> None:
    """Let a key be tried that nobody knows yet.

    Raises:
        Refused: The address was wrong too often.
    """
    if wait := guesses.wait(address):
        raise Refused(
            429,
            "too_many_keys",
            "too many wrong keys came from here: wait a while",
            retry_after=wait,
        )


def wrong_key() -> Refused:
    """What a request is told whose key is none, whatever is wrong with it."""
    return Refused(401, "invalid_api_key", "the key is wrong, revoked or expired")


def unknown() -> Refused:
    """What a request is told where nobody can say whether its key is right."""
    return Refused(
        503,
        "keys_unavailable",
        "keys cannot be checked now: try again in a moment",
        retry_after=_PAUSE,
    )
