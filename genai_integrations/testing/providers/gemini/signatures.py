"""Thought signatures: how Gemini hands its thinking to the client, and wants it back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from genai_integrations.testing.providers.gemini.errors import GoogleError

_NUMBERS = itertools.count(1)
_KEY = b"the scripted provider's own"
_NONCE = 8
_FIRST_STRICT = 3
_FAMILY = re.compile(r"gemini-(\d+)")
_PASSED = (b"skip_thought_signature_validator", b"context_engineering_is_the_way_to_go")
"""What Google's documentation allows in place of a signature, for calls that come from elsewhere."""


def is_strict(model: str) -> bool:
    """Whether the model is a Gemini 3 or newer: it signs every call and wants the signatures back."""
    match = _FAMILY.search(model)
    return match is not None and int(match[1]) >= _FIRST_STRICT


def signature_for(name: str) -> str:
    """A new signature for a call of that function; for a text if the name is empty."""
    nonce = next(_NUMBERS).to_bytes(_NONCE, "big")
    return base64.b64encode(nonce + _seal(nonce, name)).decode()


def check_signatures(contents: Sequence[Mapping[str, Any]], model: str) -> None:
    """Refuse signatures that this server did not give, or not for that part, and calls that lost theirs.

    A call may not lose its signature while its turn lasts: until the user says something that is no result.

    Raises:
        GoogleError: The signatures did not come back unchanged.
    """
    start = _start_of_turn(contents)
    for index, content in enumerate(contents):
        parts = content["parts"]
        for part in parts:
            _check_part(part)
        calls = [part for part in parts if "functionCall" in part]
        if index >= start and calls and is_strict(model) and "thoughtSignature" not in calls[0]:
            name = calls[0]["functionCall"].get("name")
            raise GoogleError(
                "Function call is missing a thought_signature in functionCall parts. This is required for "
                f"tools to work correctly. Additional data, function call `default_api:{name}` , "
                f"position {index + 1}."
            )


def _start_of_turn(contents: Sequence[Mapping[str, Any]]) -> int:
    said = [
        index
        for index, content in enumerate(contents)
        if content.get("role", "user") != "model"
        and not any("functionResponse" in part for part in content["parts"])
    ]
    return said[-1] if said else 0


def _check_part(part: Mapping[str, Any]) -> None:
    if "thoughtSignature" not in part:
        return
    text = part["thoughtSignature"]
    signature = base64.b64decode(text.replace("-", "+").replace("_", "/"))
    name = part.get("functionCall", {}).get("name", "")
    nonce, seal = signature[:_NONCE], signature[_NONCE:]
    if signature not in _PASSED and not hmac.compare_digest(seal, _seal(nonce, name)):
        raise GoogleError("Corrupted thought signature.")


def _seal(nonce: bytes, name: str) -> bytes:
    return hmac.digest(_KEY, nonce + name.encode("utf-8", "surrogatepass"), hashlib.sha512)
