"""JSON schemas in the subset that OpenAI enforces (`strict: true`), meaning what they meant.

The subset: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas. What it refuses beyond
its own text is known from its answers: keywords beside `$ref`, `oneOf`, `default`, lookaround in patterns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

Schema = dict[str, Any]
"""A JSON schema."""

_TOLD = ("title", "description")
"""Keywords that check nothing, and that a model reads."""

_NUMBER = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_KEPT: Mapping[str, tuple[str, ...]] = {
    "array": ("minItems", "maxItems"),
    "boolean": (),
    "integer": _NUMBER,
    "null": (),
    "number": _NUMBER,
    "object": (),
    "string": ("pattern", "format", "minLength", "maxLength"),
}
"""Keywords that are kept as they are, by the type for which they check something."""

_UNIONS = ("anyOf", "oneOf", "allOf")
_REFUSED = frozenset(
    (
        *("$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef"),
        *("additionalItems", "contains", "maxContains", "minContains", "unevaluatedItems"),
        *("dependencies", "dependentRequired", "dependentSchemas", "if", "then", "else", "not"),
        *("maxProperties", "minProperties", "patternProperties", "propertyNames"),
        *("nullable", "unevaluatedProperties"),
    )
)
"""Keywords that check something and have no form in the subset. All others that are not here check nothing."""

_CHECKS = frozenset(
    (
        *("type", "enum", "const", "$ref", "properties", "required", "additionalProperties"),
        *("items", "prefixItems", "uniqueItems"),
        *_UNIONS,
        *(word for words in _KEPT.values() for word in words),
    )
)
_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
)
_FREE_FORMATS = frozenset(
    ("binary", "directory-path", "double", "file-path", "float", "password", "path")
)
"""Formats of Pydantic and OpenAPI that any text has."""

_UNKNOWN_REGEX = re.compile(r"\(\?(?!:)|\\[1-9]")
"""Lookaround, named groups, flags and back references."""

_REF = re.compile(r"#/(?:\$defs|definitions)/([^/]+)")

_MOST_LEVELS, _MOST_PROPERTIES, _MOST_ENUM, _MOST_TEXT = 10, 5_000, 1_000, 120_000
_LONG_ENUM, _MOST_LONG_ENUM_TEXT = 250, 15_000
"""OpenAI's limits, of a whole schema; the last one of an enumeration of more than 250 values."""


class _NotStrictError(Exception):
    """The schema has no form in the subset."""


def strict_schema(schema: Schema) -> Schema | None:
    """The schema in the subset, None where it has no form there that accepts the same.

    What may be left out has to be said: as null where null is allowed, a list as empty, all else as its default.
    Keys of which an object's schema says nothing are not allowed any more; where it allows them, it has no form.
    """
    try:
        restated = _Restating(schema).whole()
        _check_limits(restated)
    except (_NotStrictError, RecursionError):
        return None
    return restated


class _Restating:
    """One schema on its way into the subset."""

    def __init__(self, schema: Schema) -> None:
        self._root = {name: value for name, value in schema.items() if name != "$id"}
        self._definitions: Schema = {
            **self._root.pop("definitions", {}),
            **self._root.pop("$defs", {}),
        }
        self._wanted: dict[str, None] = {}

    def whole(self) -> Schema:
        """The restated schema, with those of its definitions that it refers to."""
        root = self._root
        if "$ref" in root:
            # A model that refers to itself is nothing but a reference at the top, where an object has to be.
            told = {name: root[name] for name in _TOLD if name in root}
            root = {**self._target(root), **told}
        if "properties" in root:
            root = {"type": "object", **root}
        restated = self._node(root)
        if restated.get("type") != "object":
            raise _NotStrictError
        definitions: Schema = {}
        while missing := [name for name in self._wanted if name not in definitions]:
            definitions |= {name: self._node(self._definitions[name]) for name in missing}
        return {**restated, "$defs": definitions} if definitions else restated

    def _node(self, schema: object) -> Schema:
        if not isinstance(schema, dict) or _is_refused(schema):
            raise _NotStrictError
        told = {name: schema[name] for name in _TOLD if name in schema}
        for word in ("$ref", *_UNIONS):
            if word in schema:
                if schema.keys() & (_CHECKS - {word}):
                    raise _NotStrictError
                return (
                    self._reference(schema) if word == "$ref" else self._union(word, schema, told)
                )
        return self._typed(schema, told)

    def _reference(self, schema: Schema) -> Schema:
        self._target(schema)
        name = _name(schema)
        bare = {"$ref": "#"}
        if name is not None:
            self._wanted[name] = None
            bare = {"$ref": f"#/$defs/{name.replace('~', '~0').replace('/', '~1')}"}
        if "description" not in schema:
            return bare
        # Nothing may stand beside `$ref`.
        return {"description": schema["description"], "anyOf": [bare]}

    def _union(self, word: str, schema: Schema, told: Schema) -> Schema:
        given = schema[word]
        pairs = ((one, other) for at, one in enumerate(given) for other in given[:at])
        if word == "oneOf" and not all(self._are_apart(one, other) for one, other in pairs):
            raise _NotStrictError
        if not given or (word == "allOf" and len(given) > 1):
            raise _NotStrictError
        return {**told, "anyOf": [self._node(branch) for branch in given]}

    def _typed(self, schema: Schema, told: Schema) -> Schema:
        kinds = _kinds(schema)
        if not kinds:
            raise _NotStrictError
        restated = {"type": kinds[0] if len(kinds) == 1 else list(kinds), **told}
        kept = {"enum", "const"}.union(*(_KEPT[kind] for kind in kinds))
        restated |= {name: value for name, value in schema.items() if name in kept}
        if "string" in kinds:
            _check_text(restated)
        if "array" in kinds:
            restated["items"] = self._node(_items(schema))
        if "object" in kinds:
            restated |= self._object(schema)
        return restated

    def _object(self, schema: Schema) -> Schema:
        properties = schema.get("properties") or {}
        required = schema.get("required") or ()
        closed = schema.get("additionalProperties")
        if closed not in (None, False) or (not properties and closed is None):
            raise _NotStrictError
        if not properties.keys() >= set(required):
            raise _NotStrictError
        restated = {
            name: self._node(inner if name in required else self._said(inner))
            for name, inner in properties.items()
        }
        return {
            "properties": restated,
            "required": list(restated),
            "additionalProperties": False,
        }

    def _said(self, schema: object) -> Schema:
        """A property that might be left out, as one that is there."""
        if not isinstance(schema, dict):
            raise _NotStrictError
        default = schema.get("default")
        if default is None:
            if not self._may_be_null(schema) and not _may_be_empty(schema):
                raise _NotStrictError
            return schema
        if "const" in schema:
            return schema
        # The keyword goes, so its words have to say it.
        known = f"Default: {json.dumps(default, ensure_ascii=False)}"
        return {**schema, "description": " ".join(filter(None, (schema.get("description"), known)))}

    def _may_be_null(self, schema: object) -> bool:
        if not isinstance(schema, dict):
            return False
        if "$ref" in schema:
            return self._may_be_null(self._target(schema))
        if "enum" in schema:
            return None in schema["enum"]
        branches = [branch for word in _UNIONS for branch in schema.get(word, ())]
        return "null" in _kinds(schema) or any(map(self._may_be_null, branches))

    def _target(self, schema: Schema) -> Schema:
        seen: set[str | None] = set()
        while "$ref" in schema:
            name = _name(schema)
            if name in seen or (name is not None and name not in self._definitions):
                raise _NotStrictError
            seen.add(name)
            schema = self._root if name is None else self._definitions[name]
            if not isinstance(schema, dict):
                raise _NotStrictError
        return schema

    def _are_apart(self, one: Schema, other: Schema) -> bool:
        """Whether no value fits both, as far as types, constants and a property with these tell."""
        return self._each_apart(one, other, self._differ_in_a_property)

    def _each_apart(
        self, one: Schema, other: Schema, further: Callable[[Schema, Schema], bool]
    ) -> bool:
        one, other = self._target(one), self._target(other)
        for first, second in ((one, other), (other, one)):
            for word in ("anyOf", "oneOf"):
                if word in first:
                    return all(self._each_apart(row, second, further) for row in first[word])
        return _values_differ(one, other) or further(one, other)

    def _differ_in_a_property(self, one: Schema, other: Schema) -> bool:
        ours, theirs = one.get("properties") or {}, other.get("properties") or {}
        return _kinds(one) == _kinds(other) == ("object",) and any(
            self._each_apart(ours[name], theirs[name], lambda *_: False)
            for name in ours.keys() & theirs.keys()
        )


def _may_be_empty(schema: Schema) -> bool:
    """Whether it is a list that may have no items: Pydantic does not write the default of a `default_factory`."""
    return schema.get("type") == "array" and not schema.get("minItems")


def _is_refused(schema: Schema) -> bool:
    draft_4 = any(isinstance(schema.get(name), bool) for name in _NUMBER)
    return draft_4 or schema.get("uniqueItems") is True or not _REFUSED.isdisjoint(schema)


def _name(schema: Schema) -> str | None:
    """Which definition it refers to; None is the whole schema."""
    if schema["$ref"] == "#":
        return None
    found = _REF.fullmatch(schema["$ref"])
    if found is None:
        raise _NotStrictError
    return unquote(found[1]).replace("~1", "/").replace("~0", "~")


def _kinds(schema: Schema) -> tuple[str, ...]:
    """The types of a schema, if need be those of its values; empty if it may be anything."""
    kinds = schema.get("type")
    if kinds is None:
        values = [schema["const"]] if "const" in schema else schema.get("enum", ())
        return tuple(dict.fromkeys(_kind(value) for value in values))
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if not _KEPT.keys() >= set(kinds):
        raise _NotStrictError
    return kinds


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    for kind, types in (("string", str), ("integer", int), ("number", float), ("null", type(None))):
        if isinstance(value, types):
            return kind
    raise _NotStrictError


def _values_differ(one: Schema, other: Schema) -> bool:
    ours, theirs = _kinds(one), _kinds(other)
    if ours and theirs and not _wide(ours) & _wide(theirs):
        return True
    first, second = _values(one), _values(other)
    return first is not None and second is not None and not first & second


def _wide(kinds: tuple[str, ...]) -> set[str]:
    """An integer is a number, too."""
    return {"number" if kind == "integer" else kind for kind in kinds}


def _values(schema: Schema) -> set[tuple[bool, object]] | None:
    """The constants that fit; None if it has none. `True` is not 1 in JSON, but in Python."""
    given = [schema["const"]] if "const" in schema else schema.get("enum")
    if given is None:
        return None
    return {(_kind(value) == "boolean", value) for value in given}


def _check_text(schema: Schema) -> None:
    if schema.get("format") in _FREE_FORMATS:
        del schema["format"]
    if schema.get("format", "date") not in _FORMATS:
        raise _NotStrictError
    if _UNKNOWN_REGEX.search(schema.get("pattern", "")):
        raise _NotStrictError


def _items(schema: Schema) -> object:
    """The schema of every item. A tuple has one only if its places are alike and there are no others."""
    items = schema.get("items")
    places = schema.get("prefixItems", items if isinstance(items, list) else None)
    if places is None:
        return items
    if any(place != places[0] for place in places) or schema.get("maxItems", len(places) + 1) > len(
        places
    ):
        raise _NotStrictError
    return places[0] if places else None


def _check_limits(schema: Schema) -> None:
    definitions = schema.get("$defs", {})
    nodes = [node for root in (schema, *definitions.values()) for node in _nodes(root)]
    names = [name for node in nodes for name in node.get("properties", ())]
    enums = [node["enum"] for node in nodes if "enum" in node]
    constants = [node["const"] for node in nodes if "const" in node]
    text = sum(_length(row) for row in (names, list(definitions), constants, *enums))
    if (
        len(names) > _MOST_PROPERTIES
        or sum(map(len, enums)) > _MOST_ENUM
        or text > _MOST_TEXT
        or any(len(row) > _LONG_ENUM and _length(row) > _MOST_LONG_ENUM_TEXT for row in enums)
        or _levels(schema, definitions, {}) > _MOST_LEVELS
    ):
        raise _NotStrictError


def _nodes(schema: Schema) -> Iterator[Schema]:
    yield schema
    for inner in _inner(schema):
        yield from _nodes(inner)


def _inner(schema: Schema) -> list[Schema]:
    items = [schema["items"]] if "items" in schema else []
    return [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *items]


def _length(values: list[Any]) -> int:
    return sum(len(value) for value in values if isinstance(value, str))


def _levels(schema: Schema, definitions: Schema, known: dict[str, int]) -> int:
    """How deep objects lie in objects. What refers to itself is counted once."""
    if "$ref" in schema:
        name = _name(schema)
        if name is None or name in known:
            return known.get(name or "", 0)
        known[name] = 0
        known[name] = _levels(definitions[name], definitions, known)
        return known[name]
    below = max((_levels(inner, definitions, known) for inner in _inner(schema)), default=0)
    return below + ("properties" in schema)
