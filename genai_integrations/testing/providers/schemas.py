"""The plainest value that a JSON schema allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEPTH = 12
_PLAIN: dict[str, Any] = {"string": "text", "boolean": True, "null": None}


def example_of(schema: Any) -> Any:
    """A value that the schema describes, with only the required properties: the same one every time."""
    return _example(schema, schema, _DEPTH)


def _example(schema: Any, root: Any, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth == 0:
        return None
    if "$ref" in schema:
        return _example(_resolved(schema, root), root, depth - 1)
    fixed = [schema[key] for key in ("const", "default") if key in schema]
    fixed += schema.get("enum", ())
    if fixed:
        return fixed[0]
    for choice in schema.get("anyOf") or schema.get("oneOf") or ():
        return _example(choice, root, depth - 1)
    for part in schema.get("allOf", ()):
        schema = {**_resolved(part, root), **schema}
    return _typed(schema, root, depth)


def _typed(schema: Mapping[str, Any], root: Any, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        return {name: _example(properties.get(name, {}), root, depth - 1) for name in required}
    if kind == "array":
        item = schema.get("items", {})
        return [_example(item, root, depth - 1) for _ in range(schema.get("minItems", 0))]
    if kind in {"integer", "number"}:
        lowest = max(1, schema.get("minimum", 1))
        return min(lowest, schema.get("maximum", lowest))
    return _PLAIN.get(kind, "text")


def _resolved(schema: Mapping[str, Any], root: Any) -> Mapping[str, Any]:
    """The schema that a `$ref` points to, or the schema itself; nothing for a reference to nowhere."""
    if "$ref" not in schema:
        return schema
    found = root
    for step in filter(None, schema["$ref"].removeprefix("#").split("/")):
        found = found.get(step, {})
    return found if isinstance(found, Mapping) else {}
