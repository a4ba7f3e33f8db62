"""JSON schemas of tools for models that know only a part of the standard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.wire import Wire

_TOP = ("type", "properties", "required", "additionalProperties")
"""Keywords that a schema may have at its top. Source: Amazon Nova user guide, "Defining a tool"."""

_DEFINITIONS = ("$defs", "definitions")
_ANYTHING: Wire = {"type": "object"}
"""In place of what refers to itself, which has no form without references, and of what is beyond `_MOST`."""

_MOST = 200_000
"""Values and letters of a schema without references: twenty that each name the next one twice would be a million."""


def plain_schema(schema: Mapping[str, Any]) -> Wire:
    """The schema without references, and with nothing at its top but what an object needs."""
    known = {
        f"#/{place}/{name}": inner
        for place in _DEFINITIONS
        for name, inner in (schema.get(place) or {}).items()
    }
    top = {name: schema[name] for name in _TOP if name in schema}
    found: Wire = _Inlining(known).of({**_target(schema, known), **top})
    return {"type": "object", **{name: found[name] for name in _TOP if name in found}}


def _target(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the whole schema refers to, if it is nothing but that."""
    found: Mapping[str, Any] = known.get(str(schema.get("$ref")), {})
    return found


class _Inlining:
    """Puts what references name in their place, as long as the whole stays within a bound.

    Args:
        known: What they may name.
    """

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = known
        self._left = _MOST

    def of(self, value: Any, inside: tuple[str, ...] = ()) -> Any:
        """The value without references; `inside` has those that led to it."""
        self._left -= len(value) if isinstance(value, str) else 1
        if isinstance(value, list):
            return [self.of(item, inside) for item in value]
        if not isinstance(value, dict):
            return value
        place = value.get("$ref")
        if not isinstance(place, str):
            return {name: self.of(item, inside) for name, item in value.items()}
        if place in inside or place not in self._known or self._left < 0:
            return _ANYTHING
        told = {name: item for name, item in value.items() if name != "$ref"}
        return {**self.of(self._known[place], (*inside, place)), **told}
