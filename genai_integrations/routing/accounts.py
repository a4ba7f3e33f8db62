"""Which accounts are empty: every connection with the same key is of one account, whatever its name and models."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.credentials import (
    GoogleDefault,
    GoogleServiceAccount,
    open_credential,
)
from genai_integrations.connections.origins import PLACEHOLDERS
from genai_integrations.errors import GenAIError
from genai_integrations.runtime.bounded_map import BoundedMap

_MOST_ACCOUNTS = 1024


class Accounts:
    """Remembers empty accounts for a while, by a keyed hash of the key. Safe for threads and after fork.

    The hash's own key is random and lives in memory only. While no account is empty, no key is looked at.

    Args:
        clock: Monotonic seconds.

    Attributes:
        were_any: Whether an account was ever empty; without, nothing here needs to be asked.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hash_key = secrets.token_bytes(32)
        self._empty: BoundedMap[bytes, tuple[float, float]] = BoundedMap(_MOST_ACCOUNTS)
        self._last_ends_at = 0.0
        self.were_any = False

    def emptied(self, connection: Connection, seconds: float) -> None:
        """The connection's account has no credit; leave it alone for so long."""
        name = self.name_of(connection)
        if name is not None:
            now = self._clock()
            self.were_any = True
            self._empty.put(name, (now, now + seconds))
            self._last_ends_at = max(self._last_ends_at, now + seconds)

    def free_at(self, connection: Connection) -> float:
        """As `Health.free_at`: 0 for an account that is not known to be empty."""
        now = self._clock()
        if now >= self._last_ends_at:
            # Almost always, and then no key need be looked at.
            return 0.0
        _, ends_at = self._known(connection)
        return ends_at if now < ends_at else 0.0

    def answered(self, connection: Connection, began: float) -> None:
        """An attempt that began at this moment was answered: if that was after the account was empty, it is no more."""
        if self._clock() >= self._last_ends_at:
            return
        since, ends_at = self._known(connection)
        if ends_at and began >= since:
            self.emptied(connection, 0.0)

    def _known(self, connection: Connection) -> tuple[float, float]:
        """From when until when the account is empty."""
        return self._empty.get(self.name_of(connection) or b"") or (0.0, 0.0)

    def name_of(self, connection: Connection) -> bytes | None:
        """A keyed hash of the Google Cloud project, or else of the key; None for what is no key, or cannot be had."""
        try:
            key = connection.secret.reveal().strip()
            # Only credentials in JSON can name a project: several keys of one are one account.
            key = (_project(connection) if key.startswith("{") else None) or key
        except GenAIError:
            return None
        if not key or key.lower() in PLACEHOLDERS:
            return None
        return hmac.digest(self._hash_key, key.encode(), hashlib.sha256)


def _project(connection: Connection) -> str | None:
    credential = open_credential(connection)
    if isinstance(credential, (GoogleServiceAccount, GoogleDefault)):
        return credential.project_id
    return None
