"""Secrets: texts that no traceback shows, and what others say without them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

MASK = "**********"


class MaskedText(str):
    """A text whose repr is masked, because a traceback may show the locals of every frame it passes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"


def scrub(body: bytes, secrets: Iterable[str]) -> bytes:
    """The bytes without secrets that a careless server echoes."""
    # The longest first, so that one inside another leaves no rest.
    for secret in sorted(secrets, key=len, reverse=True):
        body = body.replace(secret.encode(), MASK.encode())
    return body


def scrubbed(value: Any, secrets: Sequence[str]) -> Any:
    """The decoded value without the secrets in any of its texts: in JSON, escapes would have hidden them."""
    if isinstance(value, str):
        return scrub(value.encode(errors="replace"), secrets).decode()
    if isinstance(value, dict):
        return {scrubbed(key, secrets): scrubbed(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [scrubbed(item, secrets) for item in value]
    return value
