"""JSON schemas in the forms that Claude takes, at Anthropic and on Bedrock: of a tool's arguments, and of an enforced answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.runtime import jsonbytes

Schema = dict[str, Any]

_UNIONS = ("anyOf", "oneOf", "allOf")
_TOLD = ("title", "description")

_KEPT: Mapping[str, tuple[str, ...]] = {
    "array": (),
    "boolean": (),
    "integer": (),
    "null": (),
    "number": (),
    "object": ("required",),
    "string": (),
}
"""Keywords that are enforced, by type, beside `enum`, `const` and those that are looked into."""

_FORMATS = frozenset(
    ("date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid")
)
_DEFINITIONS = {"#/$defs/": "$defs", "#/definitions/": "definitions"}
_MOST_ENFORCED_ITEMS = 1
"""`minItems` is enforced up to here."""


class _NotEnforcedError(Exception):
    """The schema has no form that is enforced."""


def of_tool(given: object) -> Schema:
    """The schema of a tool's arguments: an object, and none of several at the top, which the API refuses.

    Several become one that has the properties of all, and requires what each of them does.
    """
    schema: Schema = dict(given) if isinstance(given, Mapping) else {}
    for word in _UNIONS:
        branches = schema.pop(word, None)
        if isinstance(branches, list):
            schema = _joined(schema, [row for row in branches if isinstance(row, Mapping)], word)
    if schema.get("type") != "object":
        schema = {**schema, "type": "object"}
    return schema if "properties" in schema else {**schema, "properties": {}}


def _joined(schema: Schema, branches: Sequence[Mapping[str, Any]], word: str) -> Schema:
    properties = dict(schema.get("properties") or {})
    for branch in branches:
        properties = {**(branch.get("properties") or {}), **properties}
    wanted = [set(branch.get("required") or ()) for branch in branches]
    shared = set.union(*wanted) if word == "allOf" else set.intersection(*wanted)
    required = [name for name in properties if name in shared.union(schema.get("required") or ())]
    return {**schema, "properties": properties, **({"required": required} if required else {})}


def enforceable(schema: Mapping[str, Any]) -> Schema | None:
    """The schema in the form that is enforced, None if it has none that means the same.

    What is not enforced in it is said in its description, as Anthropic's own SDK does. Without a form are open
    objects, which could only be empty, and schemas that refer to themselves.

    Source: platform.claude.com, "Structured outputs", "JSON Schema limitations".
    """
    try:
        _refuse_cycles(schema)
        return _Enforced(schema).whole()
    except (_NotEnforcedError, RecursionError):
        return None


class _Enforced:
    """One schema on its way into that form."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema

    def whole(self) -> Schema:
        root = {name: value for name, value in self._root.items() if name not in ("$schema", "$id")}
        definitions: Schema = {
            place: {name: self._node(inner) for name, inner in (root.pop(place) or {}).items()}
            for place in ("$defs", "definitions")
            if place in root
        }
        return {**self._node(root), **definitions}

    def _node(self, given: object) -> Schema:
        if not isinstance(given, Mapping):
            raise _NotEnforcedError
        left = dict(given)
        told = {name: left.pop(name) for name in _TOLD if name in left}
        if "$ref" in left:
            return {"$ref": left["$ref"]}
        sent = self._sent(left)
        if left:
            rest = ", ".join(f"{name}: {_shown(value)}" for name, value in left.items())
            told["description"] = "\n\n".join(
                filter(None, (told.get("description"), f"{{{rest}}}"))
            )
        return {**sent, **told}

    def _sent(self, left: Schema) -> Schema:
        """What is enforced of a schema, taken out of it."""
        for word in _UNIONS:
            branches = left.pop(word, None)
            if isinstance(branches, list):
                left.pop("type", None)
                own = "anyOf" if word == "oneOf" else word
                return {own: [self._node(branch) for branch in branches]}
        sent: Schema = {name: left.pop(name) for name in ("enum", "const") if name in left}
        kinds = left.pop("type", None)
        if kinds is not None:
            sent["type"] = kinds
        elif not sent:
            raise _NotEnforcedError
        for kind in (kinds,) if isinstance(kinds, str) else kinds or ():
            if kind not in _KEPT:
                raise _NotEnforcedError
            sent |= {name: left.pop(name) for name in _KEPT[kind] if name in left}
            sent |= self._inner(kind, left)
        return sent

    def _inner(self, kind: str, left: Schema) -> Schema:
        if kind == "object":
            properties = left.pop("properties", None) or {}
            if left.pop("additionalProperties", False) is not False or not properties:
                raise _NotEnforcedError
            inner = {name: self._node(row) for name, row in properties.items()}
            return {"properties": inner, "additionalProperties": False}
        if kind == "array":
            items = {"items": self._node(left.pop("items"))} if "items" in left else {}
            least = left.get("minItems")
            if isinstance(least, int) and least <= _MOST_ENFORCED_ITEMS:
                items["minItems"] = left.pop("minItems")
            return items
        if kind == "string" and left.get("format") in _FORMATS:
            return {"format": left.pop("format")}
        return {}


def _shown(value: object) -> str:
    return value if isinstance(value, str) else jsonbytes.dumps(value).decode()


def _refuse_cycles(schema: Mapping[str, Any]) -> None:
    """Raise if a definition leads to itself, or a reference out of the schema."""
    known: dict[str, set[str]] = {"": set(_references(_without_definitions(schema)))}
    for start, place in _DEFINITIONS.items():
        for name, inner in (schema.get(place) or {}).items():
            known[f"{start}{name}"] = set(_references(inner))
    for name in known:
        seen, ahead = set(), [name]
        while ahead:
            for target in known.get(ahead.pop(), {""}):
                if target == name or target not in known:
                    raise _NotEnforcedError
                if target not in seen:
                    seen.add(target)
                    ahead.append(target)


def _without_definitions(schema: Mapping[str, Any]) -> Schema:
    return {name: value for name, value in schema.items() if name not in _DEFINITIONS.values()}


def _references(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == "$ref" and isinstance(inner, str):
                yield inner
            else:
                yield from _references(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _references(inner)
