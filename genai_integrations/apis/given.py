"""What a caller sent, read field by field. A body comes from anybody: each field is looked at before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError

_T = TypeVar("_T", str, bool, int, Wire, list[object])

_KINDS: Mapping[type, str] = {
    bool: "true or false",
    dict: "an object",
    int: "a whole number",
    list: "a list",
    str: "a string",
}


def needed(row: Mapping[str, object], name: str, kind: type[_T], at: str = "") -> _T:
    """A field that has to be there.

    Args:
        row: The object that has it.
        name: Its name.
        kind: What it has to be.
        at: Where in the body the object stands; empty for the body itself.

    Raises:
        ConfigurationError: It is not there, or is something else.
    """
    value = row.get(name)
    if value is None:
        raise wrong(within(at, name), "is missing")
    return checked(value, kind, within(at, name))


def optional(row: Mapping[str, object], name: str, kind: type[_T], at: str = "") -> _T | None:
    """A field that may be left out, or null.

    Raises:
        ConfigurationError: It is something else.
    """
    value = row.get(name)
    return None if value is None else checked(value, kind, within(at, name))


def checked(value: object, kind: type[_T], at: str) -> _T:
    """The value, if it is of that kind: a truth value is no number, and JSON's `2.0` is a whole one.

    Raises:
        ConfigurationError: It is not.
    """
    if kind is int and type(value) is float and value.is_integer():
        return int(value)  # type: ignore[return-value]  # as has just been asked
    if type(value) is not kind:
        raise wrong(at, f"must be {_KINDS[kind]}")
    return value


def objects(value: object, at: str) -> list[Wire]:
    """A list of objects.

    Raises:
        ConfigurationError: It is something else.
    """
    rows = checked(value, list, at)
    for number, row in enumerate(rows):
        if type(row) is not dict:
            raise wrong(f"{at}.{number}", "must be an object")
    return rows  # type: ignore[return-value]  # as the loop has seen


def within(at: str, name: object) -> str:
    """The place of a field, or of an item, such as `messages.0.content`."""
    return f"{at}.{name}" if at else str(name)


def wrong(at: str, what: str) -> ConfigurationError:
    """The error for a field. It tells where, and never the value."""
    error = ConfigurationError(f"{at}: {what}")
    error.param = at
    return error
