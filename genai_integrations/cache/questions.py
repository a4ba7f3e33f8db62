"""The key of a question: the same for the same one, and telling nothing to who has not the hash's own key."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Mapping

import orjson

from genai_integrations.calls.wire import Wire


def question_key(question: Wire, hash_key: bytes) -> bytes | None:
    """What the answer to a question is kept under, in whatever order its keys are: 32 bytes of HMAC-SHA-256.

    Returns:
        None for a question with something in it that JSON does not know. It has no exact form.
    """
    try:
        data = orjson.dumps(_canonical(question))
    except (TypeError, ValueError, RecursionError):
        return None
    return hmac.digest(hash_key, data, hashlib.sha256)


_PLAIN = frozenset((str, int, bool, type(None)))


def _canonical(value: object) -> object:
    """The value with its keys in order and `1.0` as `1`.

    Raises:
        ValueError: A number is none of JSON's.
        TypeError: Keys have no order.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {name: _canonical(value[name]) for name in sorted(value)}  # type: ignore[index,call-overload]  # a mapping
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("JSON has no such number")
        return int(value) if value.is_integer() else value
    return value
