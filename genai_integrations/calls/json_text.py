"""The JSON object in an answer that says more than that."""

from __future__ import annotations

import json

_DECODER = json.JSONDecoder()
_MOST_TRIES = 1000
"""Of a text full of opening braces, each of which may be read to the end."""


def json_in(text: str) -> str:
    """The text if it is JSON, else the last object in it, which is the answer; unchanged if there is none.

    Models that are not held to a schema wrap it in a fence, or say a sentence before it, or think aloud in drafts.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return _last_object(text) or text
    return text


def _last_object(text: str) -> str | None:
    found, at = None, text.find("{")
    for _ in range(_MOST_TRIES):
        if at < 0:
            break
        try:
            _, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found = text[at:end]
        at = text.find("{", end)
    return found
