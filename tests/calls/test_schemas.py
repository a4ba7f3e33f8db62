"""Strict schemas: in OpenAI's subset, and meaning what they meant."""

from __future__ import annotations

import copy
from enum import Enum
from typing import Annotated, Literal
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field

from genai_integrations.calls.schemas import strict_schema

TEXT, WHOLE, NOTHING = {"type": "string"}, {"type": "integer"}, {"type": "null"}
ALLOWED = frozenset(
    [
        "type",
        "title",
        "description",
        "enum",
        "const",
        "anyOf",
        "$ref",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
        "pattern",
        "format",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ]
)
FORMATS = frozenset(
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"]
)


def faults(schema, *, root=True):
    """What OpenAI's guide on structured outputs forbids and the schema has: one word a fault."""
    found = [word for word in schema if word not in ALLOWED and not (root and word == "$defs")]
    if root and (schema.get("type") != "object" or "anyOf" in schema):
        found.append("root")
    if "$ref" in schema and len(schema) > 1:
        found.append("beside $ref")
    if not schema.keys() & {"type", "anyOf", "$ref"}:
        found.append("no type")
    if schema.get("format", "date") not in FORMATS:
        found.append("format")
    if "(?=" in schema.get("pattern", "") or "(?!" in schema.get("pattern", ""):
        found.append("lookaround")
    kinds = schema.get("type") or ()
    if "array" in kinds and not isinstance(schema.get("items"), dict):
        found.append("items")
    if "object" in kinds:
        if schema.get("additionalProperties") is not False:
            found.append("additionalProperties")
        if schema.get("required") != list(schema.get("properties", {"": None})):
            found.append("required")
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [*schema.get("$defs", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return found + [fault for row in inner for fault in faults(row, root=False)]


def an_object(inner, *, required=True):
    return {
        "type": "object",
        "properties": {"x": inner},
        "required": ["x"] if required else [],
    }


def restated(inner, *, required=True, **beside):
    """The strict form of a property, None if there is none."""
    schema = strict_schema(an_object(inner, required=required) | beside)
    return schema and schema["properties"]["x"]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    colour: Colour = Field(default=Colour.RED, description="Of its coat.")


class Node(BaseModel):
    """A tree."""

    name: str
    children: list[Node] = Field(default_factory=list)
    parent: Node | None = None


class Everything(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind", description="Whose it is.")]
    place: tuple[float, float]
    first: Cat = Field(description="The first one.")
    number: UUID
    tree: Node
    count: int = 3
    mixed: Literal[1, "a"] | None = None


def test_what_pydantic_writes():
    """Unions by a discriminator, described references, tuples alike, trees, defaults, mixed constants."""
    schema = strict_schema(Everything.model_json_schema())

    assert faults(schema) == []
    assert schema["properties"]["pet"] == {
        "title": "Pet",
        "description": "Whose it is.",
        "anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
    }
    assert schema["properties"]["first"] == {
        "description": "The first one.",
        "anyOf": [{"$ref": "#/$defs/Cat"}],
    }
    assert schema["properties"]["place"]["items"] == {"type": "number"}
    assert schema["properties"]["count"]["description"] == "Default: 3"
    assert schema["properties"]["mixed"]["anyOf"][0]["type"] == ["integer", "string"]
    assert schema["$defs"]["Dog"]["properties"]["colour"] == {
        "description": 'Of its coat. Default: "red"',
        "anyOf": [{"$ref": "#/$defs/Colour"}],
    }
    assert schema["$defs"]["Node"]["required"] == ["name", "children", "parent"]


def test_a_model_that_is_only_a_reference():
    """What Pydantic writes for a model that refers to itself has an object at the top."""
    schema = strict_schema(Node.model_json_schema())

    assert faults(schema) == []
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert schema["description"] == "A tree."


KEPT = {
    "one reference in allOf": ({"allOf": [TEXT], "description": "d"}, {"description": "d", "anyOf": [TEXT]}),
    "types apart": ({"oneOf": [TEXT, WHOLE]}, {"anyOf": [TEXT, WHOLE]}),
    "constants apart": (
        {"oneOf": [{"const": "a"}, {"enum": ["b", "c"]}]},
        {"anyOf": [{"type": "string", "const": "a"}, {"type": "string", "enum": ["b", "c"]}]},
    ),
    "annotations": ({**TEXT, "examples": ["a"], "default": "b", "x-own": 1, "title": "T"}, {**TEXT, "title": "T"}),
    "a format of any text": ({**TEXT, "format": "password"}, TEXT),
    "a known format": ({**TEXT, "format": "date"}, {**TEXT, "format": "date"}),
    "an integer's format": ({**WHOLE, "format": "int64"}, WHOLE),
    "nothing unique": (
        {"type": "array", "items": TEXT, "uniqueItems": False},
        {"type": "array", "items": TEXT},
    ),
    "a tuple alike": (
        {"type": "array", "prefixItems": [WHOLE, WHOLE], "minItems": 2, "maxItems": 2},
        {"type": "array", "items": WHOLE, "minItems": 2, "maxItems": 2},
    ),
    "several types": ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
    "a group in a pattern": ({**TEXT, "pattern": "^(?:a|b)$"}, {**TEXT, "pattern": "^(?:a|b)$"}),
    "a keyword of another type": ({**TEXT, "minItems": 2}, TEXT),
}  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), KEPT.values(), ids=KEPT)
def test_restated(given, wanted):
    """What has another form with the same meaning gets it."""
    assert restated(given) == wanted


LEFT = {
    "anything": {},
    "true": True,
    "overlapping oneOf": {"oneOf": [WHOLE, {"type": "number"}]},
    "1 is not True": {"oneOf": [{"enum": [1, True]}, {"const": 1.0}]},
    "two in allOf": {"allOf": [TEXT, {"minLength": 3}]},
    "keywords beside anyOf": {"type": "string", "anyOf": [{"minLength": 3}, {"const": "a"}]},
    "keywords beside $ref": {"$ref": "#/$defs/T", "minLength": 3},
    "no such reference": {"$ref": "#/$defs/Other"},
    "a reference elsewhere": {"$ref": "https://example.com/schema"},
    "a reference to a place": {"$ref": "#/properties/x"},
    "a set": {"type": "array", "items": TEXT, "uniqueItems": True},
    "a mixed tuple": {"type": "array", "prefixItems": [TEXT, WHOLE], "maxItems": 2},
    "an open tuple": {"type": "array", "prefixItems": [TEXT, TEXT]},
    "items of any kind": {"type": "array"},
    "no items": {"type": "array", "items": False},
    "a URI": {**TEXT, "format": "uri"},
    "an unknown format": {**TEXT, "format": "semver"},
    "lookahead": {**TEXT, "pattern": "^(?!a)"},
    "lookbehind": {**TEXT, "pattern": "(?<=a)b"},
    "a back reference": {**TEXT, "pattern": r"^(.)\1$"},
    "any keys": {"type": "object", "additionalProperties": WHOLE},
    "keys by pattern": {**an_object(TEXT), "patternProperties": {"^y": TEXT}},
    "no keys said": {"type": "object"},
    "a required key that is not there": {**an_object(TEXT), "required": ["x", "y"]},
    "open": {**an_object(TEXT), "additionalProperties": True},
    "not": {**TEXT, "not": {"const": "a"}},
    "if": {**TEXT, "if": {"const": "a"}},
    "draft 4": {**WHOLE, "maximum": 3, "exclusiveMaximum": True},
    "OpenAPI's null": {**TEXT, "nullable": True},
    "an unknown type": {"type": "text"},
    "a constant that is a list": {"const": [1]},
}


@pytest.mark.parametrize("given", LEFT.values(), ids=LEFT)
def test_left_alone(given):
    """What has no form with the same meaning has none at all."""
    assert restated(given, **{"$defs": {"T": TEXT}}) is None


def test_what_may_be_left_out():
    """It is null where that is allowed, a list is empty, all else is its default; without one it stays out."""
    kinds = [{"type": ["integer", "null"]}, {"anyOf": [TEXT, NOTHING]}, {"enum": ["a", None]}]

    assert all(restated(row, required=False) for row in kinds)
    assert restated({"type": "array", "items": TEXT}, required=False)
    assert restated({**WHOLE, "default": 3}, required=False)["description"] == "Default: 3"
    assert restated({"const": "a", "default": "a"}, required=False) == {"type": "string", "const": "a"}  # fmt: skip
    assert restated({"anyOf": [TEXT, NOTHING], "default": None}, required=False) == {"anyOf": [TEXT, NOTHING]}  # fmt: skip
    for row in (TEXT, {**TEXT, "default": None}, {"type": "array", "items": TEXT, "minItems": 1}):
        assert restated(row, required=False) is None


def test_a_url_is_not_enforced():
    """Pydantic checks it, OpenAI knows no such format."""

    class Page(BaseModel):
        url: AnyUrl

    assert strict_schema(Page.model_json_schema()) is None


def deep(levels):
    """Objects in one another."""
    return TEXT if not levels else an_object(deep(levels - 1))


def test_the_limits_of_a_schema():
    """Ten levels, 5,000 properties, 1,000 values of enumerations, 15,000 characters in a long one."""
    many = {"type": "object", "properties": {f"p{n}": WHOLE for n in range(5000)}}
    many["required"] = list(many["properties"])

    assert strict_schema(deep(10))
    assert strict_schema(deep(11)) is None
    assert strict_schema(many)
    many["properties"]["more"] = WHOLE
    many["required"].append("more")
    assert strict_schema(many) is None
    assert restated({"enum": [f"{n:03}" for n in range(1000)]})
    assert restated({"enum": list(range(1001))}) is None
    assert restated({"enum": [f"{n:060}" for n in range(250)]})
    assert restated({"enum": [f"{n:060}" for n in range(251)]}) is None
    assert restated({"const": "a" * 119_999})
    assert restated({"const": "a" * 120_000}) is None


@pytest.mark.parametrize(
    "schema",
    [
        TEXT,
        {"anyOf": [an_object(TEXT), an_object(WHOLE)]},
        {"$ref": "#"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"oneOf": [{"$ref": "#/$defs/A"}] * 2}}},
    ],
)
def test_no_object_at_the_top(schema):
    """Only an object can be an answer; references that go round end."""
    assert strict_schema(schema) is None


def test_nothing_is_changed_in_place():
    """The caller's schema stays as it was, whatever its shape."""
    given = Everything.model_json_schema()
    before = copy.deepcopy(given)

    strict_schema(given)

    assert given == before


def test_definitions_by_their_older_name():
    """`definitions`, and names that need an escape."""
    schema = an_object({"$ref": "#/definitions/a~1b"}) | {"definitions": {"a/b": TEXT}}

    strict = strict_schema(schema)

    assert strict["$defs"] == {"a/b": TEXT}
    assert strict["properties"]["x"] == {"$ref": "#/$defs/a~1b"}


# Schemas of all that is kept, and of what is not; values that nearly fit.
NAMES = ("a", "b", "c")
LEAVES = st.sampled_from(
    (
        *(TEXT, WHOLE, NOTHING, {"type": "number", "minimum": 1}, {"type": "boolean"}),
        *({"const": "a"}, {"enum": ["a", 1]}, {**TEXT, "minLength": 2}, {**TEXT, "pattern": "^a"}),
        *({"type": ["string", "null"]}, {**WHOLE, "default": 3}, {"$ref": "#/$defs/D"}, {}),
        *({"$ref": "#/$defs/D", "description": "d"}, {"const": 1, "default": 1}),
    )
)


def objects(inner):
    """Objects of some properties, of which some are required."""
    some = st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=3)
    return st.builds(
        lambda properties, required: {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in required],
        },
        some,
        st.sets(st.sampled_from(NAMES)),
    )


def nested(inner):
    """One level more."""
    branches = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        objects(inner),
        st.builds(lambda row: {"type": "array", "items": row}, inner),
        st.builds(lambda row: {"type": "array", "prefixItems": [row, row], "maxItems": 2}, inner),
        st.builds(lambda rows: {"anyOf": rows}, branches),
        st.builds(lambda rows: {"oneOf": rows}, branches),
        st.builds(lambda row: {"allOf": [row]}, inner),
    )


SCHEMAS = objects(st.recursive(LEAVES, nested, max_leaves=6)).map(
    lambda schema: {**schema, "$defs": {"D": an_object({"enum": ["a", "b"]})}}
)
VALUES = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        st.sampled_from((None, True, 0, 1, 3, 1.5, "", "a", "ab", "b")),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2),
            st.dictionaries(st.sampled_from((*NAMES, "x")), inner, max_size=2),
        ),
        max_leaves=5,
    ),
    max_size=3,
)


def fits(value, schema):
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def closed(schema):
    """The schema without keys of which it does not speak."""
    if isinstance(schema, dict):
        shut = {"additionalProperties": False} if "properties" in schema else {}
        return {name: closed(row) for name, row in schema.items()} | shut
    return [closed(row) for row in schema] if isinstance(schema, list) else schema


def everything_required(schema):
    """The schema with all said, as the strict form wants it."""
    if isinstance(schema, dict):
        said = {"required": list(schema["properties"])} if "properties" in schema else {}
        return {name: everything_required(row) for name, row in schema.items()} | said
    return [everything_required(row) for row in schema] if isinstance(schema, list) else schema


@settings(max_examples=300, deadline=None)
@given(schema=SCHEMAS, values=st.lists(VALUES, min_size=5, max_size=8))
def test_the_same_is_accepted(schema, values):
    """Of answers that say everything and no more, both take the same; what the strict form takes always fits."""
    strict = strict_schema(schema)
    if strict is None:
        return

    assert faults(strict) == []
    whole = everything_required(closed(schema))
    for value in values:
        assert fits(value, strict) == fits(value, whole)
        assert not fits(value, strict) or fits(value, schema)
