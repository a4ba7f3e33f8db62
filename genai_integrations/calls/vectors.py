"""Vectors of a reply, for the frameworks."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Sequence
from typing import Any

from genai_integrations.errors import InvalidReplyError

Vector = list[float]


def vectors_of(rows: Sequence[Any], wanted: int) -> list[Vector]:
    """The vectors, each in the place of its text.

    Args:
        rows: The reply's `data`; servers may give the rows in any order.
        wanted: How many texts were sent.

    Raises:
        InvalidReplyError: There are not as many, or one is not a vector.
    """
    places: list[Vector | None] = [None] * wanted
    for at, row in enumerate(rows):
        place = row.get("index", at)
        if place in range(wanted):
            places[place] = _vector(row.get("embedding"))
    found = [vector for vector in places if vector]
    if len(found) != wanted:
        raise InvalidReplyError(f"{wanted} texts were sent, and {len(found)} vectors came back")
    return found


def _vector(given: Any) -> Vector:
    try:
        if not isinstance(given, str):
            return list(map(float, given or ()))
        # Some servers pack vectors as OpenAI does when asked to: 32-bit floats in base64.
        packed = array("f", base64.b64decode(given, validate=True))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidReplyError(
            f"a vector of the answer cannot be read ({type(error).__name__})"
        ) from None
    return packed.tolist()
