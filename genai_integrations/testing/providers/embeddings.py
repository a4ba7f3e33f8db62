"""Embeddings without a model: texts that share words are near each other."""

from __future__ import annotations

import base64
import hashlib
import math
import struct

_SPREAD = 8


def vector_of(text: str, dimensions: int) -> list[float]:
    """A unit vector that depends on nothing but the text: words weigh most, their order a little."""
    vector = [0.0] * dimensions
    for word in text.lower().split():
        _scatter(vector, word, 1.0)
    _scatter(vector, f"\0{text}", 0.1)
    if not any(vector):
        vector[0] = 1.0
    norm = math.sqrt(sum(value * value for value in vector))
    return [value / norm for value in vector]


def as_base64(vector: list[float]) -> str:
    """The vector as OpenAI packs it: little-endian 32-bit floats in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _scatter(vector: list[float], token: str, weight: float) -> None:
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    for place, sign in zip(struct.unpack("<8I", digest), digest[:_SPREAD], strict=True):
        vector[place % len(vector)] += weight if sign & 1 else -weight
