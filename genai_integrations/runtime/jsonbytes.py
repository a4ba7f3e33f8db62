"""JSON to and from bytes: orjson, with the standard library behind it for what orjson refuses."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

from genai_integrations.errors import ConfigurationError

DEEPEST = 200
"""Levels of objects and lists in what others send: more would end whoever walks through it with a RecursionError."""


def loads(data: bytes) -> Any:
    """Decode JSON of others.

    Raises:
        ValueError: It is no JSON, or nested too deeply.
    """
    # Few texts have so many brackets at all, and counting them takes next to nothing.
    if len(data) > 2 * DEEPEST and data.count(b"{") + data.count(b"[") > DEEPEST:
        _check_depth(data)
    return loads_known(data)


def loads_known(data: bytes) -> Any:
    """As `loads`, of what this process has written down itself: how deep it is was looked at when it came."""
    try:
        return orjson.loads(data)
    except ValueError:
        # NaN, lone surrogates and byte order marks: what the standard library takes, we take.
        try:
            return json.loads(data)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def _check_depth(data: bytes) -> None:
    """Raise for what is nested too deeply; brackets in texts do not count."""
    # Escapes first, so that each quote that is left begins or ends a text.
    marks = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_MARKS)
    depth = 0
    for bracket in _TEXT.sub(b"", marks):
        depth += 1 if bracket in _OPENING else -1
        if depth > DEEPEST:
            raise ValueError("nested too deeply")


_OPENING = b"{["
_NO_MARKS = bytes(sorted(set(range(256)) - set(b'"{}[]')))
_TEXT = re.compile(rb'"[^"]*"')


def dumps(value: object) -> bytes:
    """Encode as JSON.

    Raises:
        ConfigurationError: A value has no JSON form.
    """
    try:
        data = orjson.dumps(value)
    except TypeError:
        data = _dumps_slowly(value)
    else:
        # orjson writes NaN and infinity as null, without a word.
        if b"null" in data and _has_no_number(value):
            raise ConfigurationError(
                "the request has a number that JSON does not have: NaN or infinity"
            )
    return data


def _dumps_slowly(value: object) -> bytes:
    """What orjson refuses and JSON still knows: integers beyond 64 bits, integer keys, lone surrogates."""
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"the request cannot be written as JSON: {error}") from None


def _has_no_number(value: object) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(_has_no_number, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_has_no_number, value))
