"""JSON schemas in the words that Gemini reads.

`parametersJsonSchema` and `responseJsonSchema` take JSON Schema, and read a subset of it: https://ai.google.dev/api/
generate-content#GenerationConfig ("responseJsonSchema"), https://ai.google.dev/gemini-api/docs/structured-output ("the
model ignores unsupported properties"). The older `parameters` and `responseSchema` are messages of their own, in which
a name that is not known refuses the whole request, so they are not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_LEFT_OUT = frozenset(("$schema", "discriminator", "examples", "strict"))
"""What checks nothing."""

_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not")


def restated(schema: Any) -> Any:
    """The schema with what Gemini would not see said otherwise; what it was made of stays as it is."""
    if not isinstance(schema, Mapping):
        return schema
    made = {name: _inner(name, value) for name, value in schema.items() if name not in _LEFT_OUT}
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if isinstance(made.get("allOf"), list) and len(made["allOf"]) == 1:
        # What Pydantic wrote around a reference with a description.
        (only,) = made.pop("allOf")
        made = {**only, **made}
    _include_bounds(made)
    if "$ref" in made and any(not name.startswith("$") for name in made):
        # "If $ref is set on a sub-schema, no other properties, except for those starting as a $, may be set."
        made["anyOf"] = [{"$ref": made.pop("$ref")}]
    return made


def _inner(name: str, value: Any) -> Any:
    if name in _SCHEMAS and isinstance(value, Mapping):
        return {key: restated(inner) for key, inner in value.items()}
    if name in _LISTS and isinstance(value, (list, tuple)):
        return [restated(inner) for inner in value]
    return restated(value) if name in _SINGLE else value


def _include_bounds(schema: Schema) -> None:
    """Bounds that a whole number must not reach, as such that it may: the others are not in the subset."""
    for name, bound, step in (
        ("exclusiveMinimum", "minimum", 1),
        ("exclusiveMaximum", "maximum", -1),
    ):
        value = schema.pop(name, None)
        if schema.get("type") == "integer" and type(value) is int and bound not in schema:
            schema[bound] = value + step
