"""The subset of JSON schema that OpenAI takes where `strict` is true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genai_integrations.testing.providers.openai.errors import ApiError

# https://platform.openai.com/docs/guides/structured-outputs#supported-schemas; the words are those of a public
# report: dottxt-ai/outlines#844.
_NOT_PERMITTED = frozenset(
    {
        "allOf",
        "contains",
        "default",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "if",
        "maxContains",
        "maxProperties",
        "minContains",
        "minProperties",
        "not",
        "oneOf",
        "patternProperties",
        "prefixItems",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
    }
)
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
_BESIDE_A_REFERENCE = frozenset({"$ref", "$defs", "definitions"})

Step = tuple[str, ...]


def check_strict(body: Mapping[str, Any]) -> None:
    """Refuse a strict format or tool whose schema is outside of the subset.

    Raises:
        ApiError: The first fault of the first such schema.
    """
    form = (body.get("response_format") or {}).get("json_schema") or {}
    if form.get("strict"):
        _refuse(
            form.get("schema") or {}, f"response_format '{form.get('name')}'", "response_format"
        )
    for index, tool in enumerate(body.get("tools") or ()):
        function = tool.get("function") or {}
        if function.get("strict"):
            what = f"function '{function.get('name')}'"
            param = f"tools[{index}].function.parameters"
            _refuse(function.get("parameters") or {}, what, param, "invalid_function_parameters")


def _refuse(schema: Any, what: str, param: str, code: str | None = None) -> None:
    if schema.get("type") != "object":
        fault = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    else:
        fault = next(_faults(schema, ()), "")
    if fault:
        raise ApiError(f"Invalid schema for {what}: {fault}", 400, param=param, code=code)


def _faults(schema: Any, path: Step) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    context = f"In context={path!r}, "
    if "$ref" in schema and schema.keys() - _BESIDE_A_REFERENCE:
        beside = sorted(schema.keys() - _BESIDE_A_REFERENCE)
        yield f"{context}$ref cannot have keywords {set(beside)}."
    for word in schema:
        if word in _NOT_PERMITTED:
            yield f"{context}'{word}' is not permitted."
    if schema.get("format", "date") not in _FORMATS:
        yield f"{context}'{schema['format']}' is not a valid format."
    yield from _object_faults(schema, context)
    for step, inner in _inside(schema):
        yield from _faults(inner, (*path, *step))


def _object_faults(schema: Mapping[str, Any], context: str) -> Iterator[str]:
    if schema.get("type") != "object" and "properties" not in schema:
        return
    if schema.get("additionalProperties") is not False:
        yield f"{context}'additionalProperties' is required to be supplied and to be false."
    left_out = [
        name for name in schema.get("properties", ()) if name not in schema.get("required", ())
    ]
    if left_out:
        yield (
            f"{context}'required' is required to be supplied and to be an array including every key in "
            f"properties. Missing '{left_out[0]}'."
        )


def _inside(schema: Mapping[str, Any]) -> Iterator[tuple[Step, Any]]:
    for word in ("properties", "$defs", "definitions"):
        for name, inner in schema.get(word, {}).items():
            yield (word, name), inner
    for index, inner in enumerate(schema.get("anyOf", ())):
        yield ("anyOf", str(index)), inner
    yield ("items",), schema.get("items")
