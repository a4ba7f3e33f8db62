"""What a request shows as its key: the pair of a Langfuse project, or one of the gateway's own keys."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from genai_integrations.runtime.masked import MaskedText

NARROW = "sk-gw-"
"""What the gateway's own keys begin with."""

_LONGEST = 1024
"""Characters of a header with a key; the longest of Langfuse's pairs has 90."""

_PAIR = re.compile(r"([\x21-\x39\x3b-\x7e]{1,256}):([\x21-\x39\x3b-\x7e]{1,256})")
_NARROW = re.compile(r"sk-gw-([a-z2-7]{16})-([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Pair:
    """A Langfuse key pair.

    Attributes:
        public: The public key; Langfuse does not compare it, so it names nobody.
        secret: The secret key.
    """

    public: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A key that the gateway gave out.

    Attributes:
        id: By which it is found.
        secret: What proves it.
    """

    id: str
    secret: str = field(repr=False)


Shown = Pair | Token
"""What may let a request in, if it is true."""


def shown_key(headers: Mapping[str, str]) -> Shown | None:
    """The key of a request; None if it has none, or nothing that could be one.

    `Authorization: Bearer KEY`, `Authorization: Basic` (a pair, or a key in place of either half), `x-api-key: KEY`,
    where KEY is `pk-lf-...:sk-lf-...` or `sk-gw-...`.

    Args:
        headers: By name in lower case; see `callers.Headers`.
    """
    for name, read in _READERS.items():
        value = headers.get(name, "")
        if 0 < len(value) <= _LONGEST and (found := read(value.strip())):
            return found
    return None


def key_in(text: str) -> Shown | None:
    """The key that a text is."""
    # Masked, because a traceback may show the locals of every frame it passes.
    if found := _NARROW.fullmatch(text):
        return Token(found[1], MaskedText(found[2]))
    if text.startswith(NARROW):
        return None
    if found := _PAIR.fullmatch(text):
        return Pair(found[1], MaskedText(found[2]))
    return None


def _authorization(value: str) -> Shown | None:
    scheme, _, rest = value.partition(" ")
    match scheme.lower():
        case "bearer":
            return key_in(rest.strip())
        case "basic":
            return _basic(rest.strip())
    return None


def _basic(encoded: str) -> Shown | None:
    try:
        text = base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    user, _, password = text.partition(":")
    return next(
        (key for half in (user, password) if isinstance(key := key_in(half), Token)), key_in(text)
    )


_READERS = {"authorization": _authorization, "x-api-key": key_in}
