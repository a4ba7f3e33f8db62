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
    """Whether a scripted server gave the block exactly like this, or a real Claude may have, as in examples."""
    thinking = block["type"] == "thinking"
    seal: object = block.get("signature" if thinking else "data")
    shown: Any = block.get("thinking") if thinking else ""
    if not isinstance(seal, str) or not isinstance(shown, str):
        return False
    try:
        data = base64.b64decode(seal, validate=True)
    except ValueError:
        return False
    if is_a_real_claudes(data):
        return True
    salt = data[:_SALT_BYTES]
    return hmac.compare_digest(seal.encode(), _seal(salt, shown))


def is_a_real_claudes(seal: bytes) -> bool:
    """Whether a seal has the form of a real one, which nobody here can check: a field, numbered 2, of its length."""
    if seal[:1] != b"\x12":
        return False
    length = shift = 0
    for at, byte in enumerate(seal[1:6], start=2):
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return 0 <= len(seal) - at - length < _SALT_BYTES < length
    return False


def _sealed(text: str, shown: str) -> str:
    salt = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:_SALT_BYTES]
    return _seal(salt, shown).decode()


def _seal(salt: bytes, shown: str) -> bytes:
    mac = hmac.digest(_KEY, salt + shown.encode("utf-8", "surrogatepass"), "sha256")
    return base64.b64encode(salt + mac)
