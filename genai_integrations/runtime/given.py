"""What a program gives: checked before anything is done with it, and shown in errors without filling them."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.plain import one_line

_LONGEST = 100
"""Characters of a value that an error shows."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = _LONGEST
_short.maxlevel = 4


def shown(value: object) -> str:
    """As `repr`, in one line and cut, however large or deep the value is."""
    try:
        return one_line(_short.repr(value), _LONGEST)
    except Exception:  # noqa: BLE001  a repr of others; numbers of more than 4,300 digits have none
        return f"<{type(value).__name__}>"


def wrong(what: str, value: object, wanted: str) -> ConfigurationError:
    """The error for a value of the wrong type. The value itself is not in it, for it may be a secret."""
    return ConfigurationError(f"{what} must be {wanted}, not {kind(value)}")


def kind(value: object) -> str:
    """What sort of value it is, without what is in it: where the type alone is right, what is wrong with it."""
    name = type(value).__name__
    if isinstance(value, str):
        return name if value else "an empty string"
    if isinstance(value, Mapping):
        return _with(name, "keys", value)
    return _with(name, "items", value) if isinstance(value, (list, tuple)) else name


def _with(name: str, what: str, parts: Iterable[object]) -> str:
    kinds = sorted({type(part).__name__ for part in parts} - {"str"})
    return f"{name} with {what} of {', '.join(kinds)}" if kinds else name


def text(what: str, value: object, like: str) -> str:
    """A text that is not empty.

    Args:
        what: What it is given for.
        value: What was given.
        like: An example.

    Raises:
        ConfigurationError: It is something else.
    """
    if not isinstance(value, str) or not value:
        raise wrong(what, value, f"a string such as {like!r}")
    return value


def text_or_none(what: str, value: object, like: str) -> str | None:
    """As `text`; None and the empty text mean that nothing is given."""
    return None if value is None or value == "" else text(what, value, like)


def texts(what: str, value: object, like: str) -> tuple[str, ...]:
    """Several texts. Raises as `text`."""
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        items = tuple(value)
        if all(isinstance(item, str) for item in items):
            return items
    raise wrong(what, value, f"a list of strings such as {like!r}")


def mapping(what: str, value: object, like: str) -> Mapping[str, Any]:
    """A mapping with texts as keys. Raises as `text`."""
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return value
    raise wrong(what, value, f"a mapping such as {like}")
