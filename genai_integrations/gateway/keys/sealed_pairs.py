"""A project's key pair, sealed with a key that the gateway gives out: the store alone opens nothing.

Whoever holds the narrow key holds what opens the pair; whoever holds the store has neither.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import TYPE_CHECKING

from genai_integrations.gateway.keys.shown import Pair
from genai_integrations.runtime.masked import MaskedText

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
"""Bytes; NIST SP 800-38D."""


def proof_of(secret: str) -> bytes:
    """What is kept to know a secret again. It has 256 random bits, so a plain hash cannot be turned round."""
    return hashlib.sha256(b"genai_integrations gateway key 1\0" + secret.encode()).digest()


def is_proof(secret: str, proof: bytes) -> bool:
    """Whether it is the secret, in a time that does not tell how much of it is."""
    return hmac.compare_digest(proof_of(secret), proof)


def sealed(pair: Pair, secret: str, terms: bytes) -> bytes:
    """A pair, sealed for who holds the secret, and bound to the terms: with others it does not open."""
    nonce = os.urandom(_NONCE)
    plain = json.dumps([pair.public, pair.secret]).encode()
    return nonce + _cipher(secret).encrypt(nonce, plain, terms)


def opened(data: bytes, secret: str, terms: bytes) -> Pair | None:
    """The pair; None if something of it was changed."""
    from cryptography.exceptions import InvalidTag

    try:
        plain = _cipher(secret).decrypt(data[:_NONCE], data[_NONCE:], terms)
    except (InvalidTag, ValueError):  # the second for what is too short
        return None
    public, secret = json.loads(plain)
    return Pair(public, MaskedText(secret))


def _cipher(secret: str) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"genai_integrations gateway key pair 1"
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=info).derive(secret.encode()))
