"""Signatures of thinking blocks, which must come back as they were given."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

_KEY = b"any scripted server accepts what another one signed"
_SALT_BYTES = 16


def thinking_block(text: str, *, omitted: bool = False) -> dict[str, str]:
    """A signed block; an omitted one says nothing but is signed all the same."""
    shown = "" if omitted else text
    return {"type": "thinking", "thinking": shown, "signature": _sealed(text, shown)}


def redacted_block(text: str) -> dict[str, str]:
    """A block whose text only the server could read."""
    return {"type": "redacted_thinking", "data": _sealed(text, "")}


def is_genuine(block: Mapping[str, object]) -> bool:
    """Whether a scripted server gave the block exactly like this."""
    thinking = block["type"] == "thinking"
    seal: object = block.get("signature" if thinking else "data")
    shown: Any = block.get("thinking") if thinking else ""
    if not isinstance(seal, str) or not isinstance(shown, str):
        return False
    try:
        salt = base64.b64decode(seal, validate=True)[:_SALT_BYTES]
    except ValueError:
        return False
    return hmac.compare_digest(seal.encode(), _seal(salt, shown))


def _sealed(text: str, shown: str) -> str:
    salt = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:_SALT_BYTES]
    return _seal(salt, shown).decode()


def _seal(salt: bytes, shown: str) -> bytes:
    mac = hmac.digest(_KEY, salt + shown.encode("utf-8", "surrogatepass"), "sha256")
    return base64.b64encode(salt + mac)
