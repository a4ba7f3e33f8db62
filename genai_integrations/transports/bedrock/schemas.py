"""JSON schemas of tools for models that know only a part of the standard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.wire import Wire

_TOP = ("type", "properties", "required", "additionalProperties")
"""Keywords that a schema may have at its top. Source: Amazon Nova user guide, "Defining a tool"."""

_DEFINITIONS = ("$defs", "definitions")
_ANYTHING: Wire = {"type": "object"}
"""In place of what refers to itself: it has no form without references."""


def plain_schema(schema: Mapping[str, Any]) -> Wire:
    """The schema without references, and with nothing at its top but what an object needs."""
    known = {
        f"#/{place}/{name}": inner
        for place in _DEFINITIONS
        for name, inner in (schema.get(place) or {}).items()
    }
    top = {name: schema[name] for name in _TOP if name in schema}
    found: Wire = _inlined({**_target(schema, known), **top}, known, ())
    return {"type": "object", **{name: found[name] for name in _TOP if name in found}}


def _target(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the whole schema refers to, if it is nothing but that."""
    found: Mapping[str, Any] = known.get(str(schema.get("$ref")), {})
    return found


def _inlined(value: Any, known: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_inlined(item, known, inside) for item in value]
    if not isinstance(value, dict):
        return value
    place = value.get("$ref")
    if not isinstance(place, str):
        return {name: _inlined(item, known, inside) for name, item in value.items()}
    if place in inside or place not in known:
        return _ANYTHING
    told = {name: item for name, item in value.items() if name != "$ref"}
    return {**_inlined(known[place], known, (*inside, place)), **told}
