"""Checks of what a program gives: each takes a name and a value, and gives the value to keep or raises.

`router_args` and the features beside it are tables of them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown
from genai_integrations.runtime.masked import MaskedText

Check = Callable[[str, object], object]
"""Takes a name and what was given for it; gives the value to keep, or raises."""


def wrong(name: str, value: object, wanted: str) -> ConfigurationError:
    """The error for a value; it shows a short form of it."""
    return ConfigurationError(f"router_args[{name!r}] must be {wanted}, not {shown(value)}")


_PLACE = re.compile(r"^router_args\['([\w.-]+)'\]")


def by_itself(error: ConfigurationError) -> ConfigurationError:
    """The same of an argument that was not given in `router_args`: a call's own, or one of the client."""
    return ConfigurationError(_PLACE.sub(r"\1", str(error)))


def count(name: str, value: object) -> int:
    """A whole number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise wrong(name, value, "a whole number, 0 or more")
    return value


_LONGEST = 1e9
"""Seconds, 31 years: more is as good as for ever, and a server that counts milliseconds in 64 bits takes no more."""


def seconds(name: str, value: object) -> float:
    """Seconds, above 0; of more than `_LONGEST` that."""
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 0 < value <= sys.float_info.max
    ):
        return min(float(value), _LONGEST)
    raise wrong(name, value, "a number of seconds above 0")


def seconds_or_none(name: str, value: object) -> float | None:
    """Seconds, or None."""
    return None if value is None else seconds(name, value)


def seconds_or_zero(name: str, value: object) -> float:
    """Seconds, from 0 on."""
    if value == 0 and not isinstance(value, bool):
        return 0.0
    try:
        return seconds(name, value)
    except ConfigurationError:
        raise wrong(name, value, "a number of seconds, 0 or more") from None


def from_zero(name: str, value: object) -> float:
    """A number from 0 on, with a fraction if need be."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and 0 <= value <= sys.float_info.max:  # type: ignore[operator]  # it is a number
        return float(value)  # type: ignore[arg-type]  # as above
    raise wrong(name, value, "a number, 0 or more")


def names(name: str, value: object) -> tuple[str, ...]:
    """A list of names."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        found = tuple(item for item in value if isinstance(item, str) and item)
        if len(found) == len(value):
            return found
    raise wrong(name, value, "a list of names")


def names_or_none(name: str, value: object) -> tuple[str, ...] | None:
    """A list of names, or None."""
    return None if value is None else names(name, value)


def flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise wrong(name, value, "True or False")
    return value


def flag_or_names(name: str, value: object) -> bool | tuple[str, ...]:
    """True, False, or a list of names."""
    if isinstance(value, str):
        raise wrong(name, value, "True, False or a list of names")
    return value if isinstance(value, bool) else names(name, value)


def above_zero(name: str, value: object) -> int:
    """A whole number from 1 on."""
    found = count(name, value)
    if found == 0:
        raise wrong(name, value, "a whole number above 0")
    return found


def of_module(module: str) -> Check:
    """The check of the argument's own name in a module of `calls`, which is loaded with the first value for it."""

    def check(name: str, value: object) -> object:
        found: Check = getattr(import_module(f"genai_integrations.calls.{module}"), name)
        return found(name, value)

    return check


def text_or_none(name: str, value: object) -> str | None:
    """A text that is not empty, or None; a path is one, too."""
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if found is None or (isinstance(found, str) and found):
        return found
    raise wrong(name, value, "a string")


def secret_text(name: str, value: object) -> str | None:
    """As `text_or_none`, for a text that nothing may show."""
    if value is None or (isinstance(value, str) and value):
        return value and MaskedText(value)
    raise ConfigurationError(f"router_args[{name!r}] must be a string, not {type(value).__name__}")


def options(**checks: Check) -> Check:
    """The check of a mapping that may have these keys, each with a check of its own."""

    def check(name: str, value: object) -> Mapping[str, Any]:
        if not isinstance(value, Mapping) or not checks.keys() >= value.keys():
            raise wrong(name, value, f"a mapping with only the keys {', '.join(checks)}")
        return {key: checks[key](f"{name}.{key}", item) for key, item in value.items()}

    return check
