"""JSON to and from bytes: orjson, with the standard library behind it for what orjson refuses."""

from __future__ import annotations

import json
from typing import Any

import orjson

from genai_integrations.errors import ConfigurationError


def loads(data: bytes) -> Any:
    """Decode JSON.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return orjson.loads(data)
    except ValueError:
        # NaN, lone surrogates and byte order marks: what the standard library takes, we take.
        try:
            return json.loads(data)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def dumps(value: Any) -> bytes:
    """Encode as JSON.

    Raises:
        ConfigurationError: A value has no JSON form.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        # Integers beyond 64 bits, integer keys and lone surrogates.
        try:
            return json.dumps(value).encode()
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"the request cannot be written as JSON: {error}") from None
