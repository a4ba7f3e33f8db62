"""JSON schemas in the forms that Anthropic takes."""

from __future__ import annotations

import pytest

from genai_integrations.calls.enforced_schemas import enforceable, of_tool

CLOSED = {"additionalProperties": False}
TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, {"type": "object", "properties": {}}),
        ({"type": "object", "properties": {"a": TEXT}}, {"type": "object", "properties": {"a": TEXT}}),
        ({"properties": {"a": TEXT}, "title": "T"}, {"type": "object", "properties": {"a": TEXT}, "title": "T"}),
        (
            {"type": "object", "anyOf": [
                {"properties": {"a": TEXT, "b": TEXT}, "required": ["a", "b"]},
                {"properties": {"a": TEXT}, "required": ["a"]},
            ]},
            {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a"]},
        ),
        (
            {"properties": {"c": TEXT}, "required": ["c"], "allOf": [{"properties": {"a": TEXT}, "required": ["a"]}]},
            {"type": "object", "properties": {"a": TEXT, "c": TEXT}, "required": ["a", "c"]},
        ),
    ],
)  # fmt: skip
def test_the_arguments_of_a_tool_are_an_object(given, wanted):
    """One that is said without a union at the top, which the API refuses."""
    assert of_tool(given) == wanted


# Of the SDK's own tests: github.com/anthropics/anthropic-sdk-python, tests/lib/_parse/test_transform.py.
PUBLISHED = [
    ({"type": "boolean", "description": "A flag"}, {"type": "boolean", "description": "A flag"}),
    ({"type": "string", "enum": ["foo", "bar"]}, {"type": "string", "enum": ["foo", "bar"]}),
    (
        {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1}]},
        {"anyOf": [{"type": "string"}, {"type": "integer", "description": "{minimum: 1}"}]},
    ),
    (
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "default": "John"},
                "age": {"type": "integer", "minimum": 0},
            },
            "required": ["name"],
            "description": "Person object",
        },
        {
            "type": "object",
            "description": "Person object",
            "properties": {
                "name": {"type": "string", "description": "{default: John}"},
                "age": {"type": "integer", "description": "{minimum: 0}"},
            },
            "additionalProperties": False,
            "required": ["name"],
        },
    ),
    (
        {"type": "array", "items": {"type": "string"}, "minItems": 2, "description": "A list of strings"},
        {"type": "array", "description": "A list of strings\n\n{minItems: 2}", "items": {"type": "string"}},
    ),
    (
        {"type": "string", "format": "email", "default": "user@example.com", "description": "User email"},
        {"type": "string", "description": "User email\n\n{default: user@example.com}", "format": "email"},
    ),
    (
        {"$ref": "#/$defs/Tier", "$defs": {"Tier": {"type": "string", "enum": ["free"], "title": "Tier"}}},
        {"$ref": "#/$defs/Tier", "$defs": {"Tier": {"type": "string", "enum": ["free"], "title": "Tier"}}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), PUBLISHED)
def test_a_schema_is_enforced_in_the_form_of_anthropics_own_sdk(given, wanted):
    """What is not enforced stands in the description, for the model to read."""
    assert enforceable(given) == wanted


@pytest.mark.parametrize(
    "given",
    [
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"a": TEXT}, "additionalProperties": True},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
        {"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {"n": {"$ref": "#/$defs/Node"}}}}},
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A"}},
            "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/B"}]}, "B": {"type": "array", "items": {"$ref": "#/$defs/A"}}},
        },
        {"$ref": "https://example.com/schema.json"},
        {"type": "object", "properties": {"a": {}}},
        {"type": "tuple"},
        {"type": "object", "properties": {"a": True}},
    ],
    ids=str,
)  # fmt: skip
def test_a_schema_that_would_mean_something_else_is_not_enforced(given):
    """Open objects could only be empty; what refers to itself or to elsewhere is refused by the API."""
    assert enforceable(given) is None


def test_a_property_may_have_the_name_of_a_keyword():
    """`properties` holds names, not keywords."""
    given = {"type": "object", "properties": {"minimum": TEXT, "anyOf": TEXT, "$defs": TEXT}}

    assert enforceable(given) == {**given, **CLOSED}


def test_pydantics_schemas_are_enforced():
    """Optional fields, lists and models in models."""
    from pydantic import BaseModel, Field

    class Inner(BaseModel):
        n: int = Field(ge=1, description="count")

    class Outer(BaseModel):
        name: str | None = None
        inner: list[Inner]

    assert enforceable(Outer.model_json_schema()) == {
        "type": "object",
        "title": "Outer",
        "properties": {
            "name": {
                "title": "Name", "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": "{default: null}",
            },
            "inner": {"type": "array", "title": "Inner", "items": {"$ref": "#/$defs/Inner"}},
        },
        "required": ["inner"],
        "additionalProperties": False,
        "$defs": {
            "Inner": {
                "type": "object",
                "title": "Inner",
                "properties": {
                    "n": {"type": "integer", "title": "N", "description": "count\n\n{minimum: 1}"}
                },
                "required": ["n"],
                "additionalProperties": False,
            }
        },
    }  # fmt: skip
