"""JSON schemas as providers enforce them: every property named, none beyond."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
"""A JSON schema."""

_NESTED = ("$defs", "definitions", "properties")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")


def strict_schema(schema: Schema) -> Schema | None:
    """The schema in the form that a provider holds an answer to; None if it cannot have it.

    An object of any keys cannot, because every property must be named.
    """
    return _strict(schema) if _is_closed(schema) else None


def _is_closed(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        open_keys = schema.get("additionalProperties", False) is not False
        if open_keys or not schema.get("properties"):
            return False
    if not schema.keys() - {"title", "description", "default"}:
        return False  # anything at all
    return all(_is_closed(inner) for inner in _inner(schema))


def _inner(schema: Schema) -> list[Any]:
    found = [inner for name in _NESTED for inner in schema.get(name, {}).values()]
    found += [inner for name in _LISTS for inner in schema.get(name, ())]
    return [*found, *([schema["items"]] if "items" in schema else [])]


def _strict(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    strict = {name: value for name, value in schema.items() if name != "default"}
    for name in _NESTED:
        if name in strict:
            strict[name] = {key: _strict(inner) for key, inner in strict[name].items()}
    for name in _LISTS:
        if name in strict:
            strict[name] = [_strict(inner) for inner in strict[name]]
    if "items" in strict:
        strict["items"] = _strict(strict["items"])
    if "properties" in strict:
        strict |= {"additionalProperties": False, "required": list(strict["properties"])}
    return strict
