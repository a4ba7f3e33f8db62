"""How things are called in a store that others may read: by hashes, apart for each Langfuse project."""

from __future__ import annotations

import hashlib
from functools import lru_cache

_SIZE = 12
"""Bytes of a hash: enough that no two names meet."""


class Names:
    """Names of one project.

    Args:
        project: What it is told apart by, such as its public key.
    """

    def __init__(self, project: str) -> None:
        self._key = hashlib.blake2b(project.encode(), digest_size=32).digest()
        self._start = f"genai:{{{hashlib.blake2b(self._key, digest_size=_SIZE).hexdigest()}}}"

    def key(self, kind: str, name: str = "") -> str:
        """A key of the store; all of one project lie together in a Redis cluster."""
        return f"{self._start}:{kind}:{self.hashed(name)}" if name else f"{self._start}:{kind}"

    def hashed(self, name: str) -> str:
        """A name that says nothing."""
        return _hashed(self._key, name)


@lru_cache(4096)
def _hashed(key: bytes, name: str) -> str:
    return hashlib.blake2b(name.encode(errors="replace"), key=key, digest_size=_SIZE).hexdigest()
