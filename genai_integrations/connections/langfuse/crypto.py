"""How Langfuse encrypts what it stores.

AES-256-GCM without associated data, stored as `iv:ciphertext:tag` in hex. The key is Langfuse's
`ENCRYPTION_KEY`, 32 bytes as 64 hex characters. Nothing in the text says which key it was encrypted with,
so after a rotation every key is tried in turn.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

from genai_integrations.errors import ConfigurationError, DecryptionError
from genai_integrations.runtime.masked import MaskedText

_STORED = re.compile(r"([0-9a-f]{24}):((?:[0-9a-f]{2})+):([0-9a-f]{32})", re.ASCII | re.IGNORECASE)
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII | re.IGNORECASE)
_PLACEHOLDER_KEY = "0" * 64


def decrypt(ciphertext: str, keys: Sequence[str], *, where: str) -> str:
    """Decrypt a text that Langfuse stored.

    Args:
        ciphertext: As stored, `iv:ciphertext:tag`.
        keys: Encryption keys in hex, the newest first; each is tried.
        where: What is decrypted, for the error: a connection's name and the column.

    Raises:
        DecryptionError: The text is not in Langfuse's format, or no key opens it.
    """
    # Masked, because a traceback may show the locals of every frame it passes.
    keys = [MaskedText(key) for key in keys]
    ciphertext = MaskedText(ciphertext)
    parts = _STORED.fullmatch(ciphertext)
    if parts is None:
        raise DecryptionError(
            f"{where} is not in Langfuse's encryption format (iv:ciphertext:tag in hex): "
            "save the connection again in Langfuse"
        )
    for key in keys:
        text = _opened(parts, key)
        if text is not None:
            return text
    raise DecryptionError(
        f"{where} cannot be decrypted: wrong encryption key or a damaged row "
        "(LANGFUSE_ENCRYPTION_KEY must be the ENCRYPTION_KEY of the Langfuse that stored it)"
    )


def check_keys(keys: Sequence[str]) -> None:
    """Refuse keys that can never decrypt anything; warn of the key that everybody knows.

    Raises:
        ConfigurationError: There is no key, or one is not 64 hex characters.
    """
    keys = [MaskedText(key) for key in keys]
    advice = (
        "take Langfuse's ENCRYPTION_KEY, 64 hex characters as `openssl rand -hex 32` makes them"
    )
    if not keys:
        raise ConfigurationError(f"LANGFUSE_ENCRYPTION_KEY is empty: {advice}")
    for position, key in enumerate(keys, start=1):
        if not _KEY.fullmatch(key):
            raise ConfigurationError(
                f"key {position} of {len(keys)} in LANGFUSE_ENCRYPTION_KEY has {len(key)} characters "
                f"or some that are not hex: {advice}"
            )
    if _PLACEHOLDER_KEY in keys:
        warnings.warn(
            "the Langfuse encryption key is the placeholder of its docker-compose.yml, 64 zeros, which "
            "protects nothing: change ENCRYPTION_KEY there (`openssl rand -hex 32`)",
            stacklevel=2,
        )


def _opened(parts: re.Match[str], key: str) -> str | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    iv, body, tag = (bytes.fromhex(part) for part in parts.groups())
    try:
        return AESGCM(bytes.fromhex(key)).decrypt(iv, body + tag, None).decode()
    except (InvalidTag, UnicodeDecodeError):
        return None
