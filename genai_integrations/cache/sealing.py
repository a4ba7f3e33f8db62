"""Answers sealed for a place that others may read and write: a file, a server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from genai_integrations.cache.kept import Kept, Lifetimes
from genai_integrations.cache.questions import QuestionKeys
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.loading import loading
from genai_integrations.runtime.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"
"""Of the form of what is sealed; another one is not read."""

_NONCE = 12
"""Bytes; NIST SP 800-38D."""


class _Keys(NamedTuple):
    tenant: str
    label: bytes
    questions: QuestionKeys
    cipher: AESGCM


class Sealed(NamedTuple):
    """An answer as it is written.

    Attributes:
        data: A version, a nonce, and the entry with its times, encrypted.
        at: Now, in seconds since 1970.
        until: When it is of no use any more.
    """

    data: bytes
    at: float
    until: float


class Sealing:
    """Makes keys of questions, and seals and opens answers. What was changed, moved, or sealed by another is not opened.

    Keys are derived (HKDF-SHA-256) for one tenant: a key of HMAC-SHA-256 for questions, one of AES-256-GCM for answers. An
    answer is bound to its key, its tenant and the version.

    Args:
        secret: What keys are derived from.
        tenant: Whose answers they are; asked again each time, because a project may be known late.
        lifetimes: For how long answers are kept.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        secret: Secret,
        tenant: Callable[[], str],
        lifetimes: Lifetimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secret = secret
        self._tenant = tenant
        self._lifetimes = lifetimes
        self._clock = clock
        self._known: _Keys | None = None
        # With the client, not within its first call, which may be on an event loop.
        with loading():
            import cryptography.hazmat.primitives.ciphers.aead
            import cryptography.hazmat.primitives.kdf.hkdf  # noqa: F401

    @property
    def label(self) -> bytes:
        """16 bytes that stand for the tenant, and do not tell who it is."""
        return self._keys().label

    def key(self, question: Wire) -> bytes | None:
        """See `QuestionKeys.key`."""
        return self._keys().questions.key(question)

    def seal(self, key: bytes, entry: Wire, ttl: float | None) -> Sealed | None:
        """An answer to write under a key; None if it has no JSON form."""
        keys, now = self._keys(), self._clock()
        fresh_until = now + self._lifetimes.of(key, ttl)
        until = fresh_until + self._lifetimes.stale
        try:
            data = jsonbytes.dumps(
                {"at": now, "fresh": fresh_until, "until": until, "entry": entry}
            )
        except ConfigurationError:
            return None
        nonce = os.urandom(_NONCE)
        sealed = keys.cipher.encrypt(nonce, data, _bound(keys, key))
        return Sealed(VERSION + nonce + sealed, now, until)

    def open(self, key: bytes, data: object) -> Kept | None:
        """What was written under a key; None if it is not that, or its time is over."""
        from cryptography.exceptions import InvalidTag

        keys = self._keys()
        if not isinstance(data, bytes) or data[:1] != VERSION:
            return None
        body = len(VERSION) + _NONCE
        try:
            plain = keys.cipher.decrypt(data[len(VERSION) : body], data[body:], _bound(keys, key))
        except (InvalidTag, ValueError):  # the second for what is too short
            return None
        told, now = jsonbytes.loads(plain), self._clock()
        if told["until"] <= now:
            return None
        return Kept(told["entry"], max(now - told["at"], 0.0), told["fresh"] <= now)

    def _keys(self) -> _Keys:
        tenant, known = self._tenant(), self._known
        if known is None or known.tenant != tenant:
            known = self._known = _derived(self._secret, tenant)
        return known


def _bound(keys: _Keys, key: bytes) -> bytes:
    return VERSION + keys.label + key


def _derived(secret: Secret, tenant: str) -> _Keys:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"genai_integrations kept answers 1\0" + tenant.encode()
    both = HKDF(SHA256(), length=64, salt=None, info=info).derive(secret.reveal().encode())
    questions = QuestionKeys(both[:32])
    return _Keys(tenant, questions.digest(b"tenant")[:16], questions, AESGCM(both[32:]))
