"""The shapes of OpenAI's requests, as its published description has them (`published.json`)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from genai_integrations.testing.providers.openai.errors import (
    ApiError,
    invalid,
    missing,
    wrong_value,
)

Schema = Mapping[str, Any]
Check = Callable[[Any, str], ApiError | None]
"""From a value and its place, such as `messages[0].content`, to what is wrong with it."""

_TYPES: dict[type, tuple[str, ...]] = {
    str: ("string",),
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    list: ("array",),
    dict: ("object",),
    type(None): ("null",),
}
_ARTICLES = {
    "string": "a string",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a decimal",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_TAGS = ("role", "type")
"""What tells the kinds of message, part, tool and format from each other."""


@functools.cache
def parameters(request: str) -> frozenset[str]:
    """The names that a request may have at its top."""
    return frozenset(_flat(schemas()[request])["properties"])


@functools.cache
def checked(request: str) -> Check:
    """What refuses a request of this name: made once."""
    return _check(schemas()[request])


@functools.cache
def schemas() -> dict[str, Schema]:
    """By name. Read once, which takes milliseconds."""
    data = files(__package__).joinpath("published.json").read_text(encoding="utf-8")
    schemas: dict[str, Schema] = json.loads(data)["schemas"]
    return schemas


def _check(schema: Schema) -> Check:
    """One alternative is checked, the first that fits the value's type and its `role` or `type`."""
    rows = [(row, _one(row)) for row in _alternatives(schema)]

    def check(value: Any, where: str) -> ApiError | None:
        kinds = _TYPES[type(value)]
        typed = [row for row in rows if row[0].get("type") in {*kinds, None}]
        if not typed:
            return _wrong_type(where, [row for row, _ in rows], kinds[0])
        tagged, refusal = _tagged(typed, value, where)
        for _, one in tagged:
            found = one(value, where)
            if found is None:
                return None
            refusal = refusal or found
        return refusal

    return check


def _alternatives(schema: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        yield from _alternatives(schemas()[schema["$ref"]])
    elif union := schema.get("oneOf") or schema.get("anyOf"):
        for row in union:
            yield from _alternatives(row)
    else:
        yield _flat(schema)


def _flat(schema: Schema) -> Schema:
    """`allOf` as one schema."""
    if "$ref" in schema:
        return _flat(schemas()[schema["$ref"]])
    flat = {"properties": {}, "required": [], **schema} if "properties" in schema else dict(schema)
    for part in schema.get("allOf", ()):
        inner = _flat(part)
        flat["type"] = inner.get("type")
        flat["properties"] = {**flat.get("properties", {}), **inner.get("properties", {})}
        flat["required"] = [*flat.get("required", ()), *inner.get("required", ())]
    return flat


def _tagged(
    rows: list[tuple[Schema, Check]], value: Any, where: str
) -> tuple[list[tuple[Schema, Check]], ApiError | None]:
    if not isinstance(value, dict):
        return rows, None
    for tag in _TAGS:
        known = [(_values(row, tag), row, one) for row, one in rows]
        supported = [name for names, _, _ in known for name in names]
        if not supported:
            continue
        if tag in value:
            rows = [(row, one) for names, row, one in known if value[tag] in names]
            refusal = wrong_value(f"{where}.{tag}", value[tag], supported)
        else:
            rows = [(row, one) for row, one in rows if tag not in row.get("required", ())]
            refusal = missing(f"{where}.{tag}")
        if not rows:
            return [], refusal
    return rows, None


def _values(schema: Schema, tag: str) -> list[str]:
    names: list[str] = schema.get("properties", {}).get(tag, {}).get("enum", [])
    return names


def _one(schema: Schema) -> Check:
    make = _MAKERS.get(schema.get("type", ""))
    return make(schema) if make else lambda _value, _where: None


def _object(schema: Schema) -> Check:
    properties, required = schema.get("properties", {}), schema.get("required", ())
    # Made at the first use: a schema may contain itself.
    checks = functools.cache(lambda name: _check(properties[name]))
    is_open = bool(schema.get("additionalProperties")) or not properties

    def check(value: Any, where: str) -> ApiError | None:
        prefix = f"{where}." if where else ""
        for name in required:
            if name not in value:
                return missing(f"{prefix}{name}")
        for name, inner in value.items():
            if name in properties:
                # What need not be given may be null.
                optional = inner is None and name not in required
                found = None if optional else checks(name)(inner, f"{prefix}{name}")
            else:
                found = None if is_open or not where else _unknown(f"{prefix}{name}")
            if found is not None:
                return found
        return None

    return check


def _array(schema: Schema) -> Check:
    lowest, highest = schema.get("minItems", 0), schema.get("maxItems")
    item = functools.cache(lambda: _check(schema.get("items", {})))

    def check(value: Any, where: str) -> ApiError | None:
        if len(value) < lowest:
            what = f"empty array. Expected an array with minimum length {lowest}, but got an empty array instead"
            return invalid(where, what, "empty_array")
        if highest is not None and len(value) > highest:
            what = f"array too long. Expected an array with maximum length {highest}, but got an array with length {len(value)} instead"
            return invalid(where, what, "array_above_max_length")
        inner = item()
        found = (inner(row, f"{where}[{index}]") for index, row in enumerate(value))
        return next((row for row in found if row is not None), None)

    return check


def _string(schema: Schema) -> Check:
    supported, longest = schema.get("enum"), schema.get("maxLength")

    def check(value: Any, where: str) -> ApiError | None:
        if supported is not None and value not in supported:
            return wrong_value(where, value, supported)
        if longest is not None and len(value) > longest:
            what = f"string too long. Expected a string with maximum length {longest}, but got a string with length {len(value)} instead"
            return invalid(where, what, "string_above_max_length")
        return None

    return check


def _number(schema: Schema) -> Check:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    kind = "integer" if schema["type"] == "integer" else "decimal"

    def check(value: Any, where: str) -> ApiError | None:
        if lowest is not None and value < lowest:
            what = (
                f"{kind} below minimum value. Expected a value >= {lowest}, but got {value} instead"
            )
            return invalid(where, what, f"{kind}_below_min_value")
        if highest is not None and value > highest:
            what = f"{kind} above maximum value. Expected a value <= {highest}, but got {value} instead"
            return invalid(where, what, f"{kind}_above_max_value")
        return None

    return check


_MAKERS: dict[str, Callable[[Schema], Check]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
}


def _unknown(where: str) -> ApiError:
    message = f"Unknown parameter: '{where}'."
    return ApiError(message, 400, param=where, code="unknown_parameter")


def _wrong_type(where: str, rows: list[Schema], got: str) -> ApiError:
    expected = list(dict.fromkeys(_ARTICLES[row["type"]] for row in rows))
    named = expected[0] if len(expected) == 1 else f"one of {' or '.join(expected)}"
    message = f"Invalid type for '{where}': expected {named}, but got {_ARTICLES[got]} instead."
    return ApiError(message, 400, param=where, code="invalid_type")
