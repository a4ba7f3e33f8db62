"""The values that the scripted provider makes up: embeddings, examples of schemas, pieces of text."""

from __future__ import annotations

import base64
import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import call

from genai_integrations.testing.providers.dialect import Script
from genai_integrations.testing.providers.embeddings import vector_of
from genai_integrations.testing.providers.openai.chat import completion_of, pieces_of
from genai_integrations.testing.providers.schemas import example_of

ASK = {"messages": [{"role": "user", "content": "hi"}]}


def embed(provider, **parameters):
    """The decoded reply to an embedding request."""
    status, _, body = call(provider, {"model": "e", **parameters}, "/v1/embeddings")
    assert status == 200, body
    return body


def test_embeddings_depend_on_their_text_alone(provider):
    """One text has one vector in every call and place, another text another."""
    first = embed(provider, input="a b")["data"][0]["embedding"]
    rows = embed(provider, input=["b a", "a b"])["data"]

    assert rows[1]["embedding"] == first
    assert rows[0]["embedding"] != first
    assert [row["index"] for row in rows] == [0, 1]
    assert len(first) == 1536


def test_embeddings_have_the_length_and_format_asked_for(provider):
    """`dimensions` and base64 are honoured, and the words are counted."""
    plain = embed(provider, input="one two", dimensions=5)
    packed = embed(provider, input="one two", dimensions=5, encoding_format="base64")
    vector = struct.unpack("<5f", base64.b64decode(packed["data"][0]["embedding"]))

    assert vector == pytest.approx(plain["data"][0]["embedding"])
    assert plain["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    large = {"model": "text-embedding-3-large", "input": [1, 2, 3]}
    _, _, body = call(provider, large, "/x/embeddings")
    assert (len(body["data"][0]["embedding"]), body["usage"]["prompt_tokens"]) == (3072, 3)


def test_shared_words_bring_texts_nearer():
    """A question is nearer to the text about it than to another."""
    question, about, other = (
        vector_of(text, 512)
        for text in ("capital of france", "paris is the capital of france", "cats sleep all day")
    )

    def nearness(left, right):
        return sum(a * b for a, b in zip(left, right, strict=True))

    assert nearness(question, about) > nearness(question, other) + 0.2


@given(st.text(), st.integers(min_value=1, max_value=64))
def test_every_vector_has_length_one(text, dimensions):
    """Whatever the text and size, the vector is a unit vector."""
    assert math.hypot(*vector_of(text, dimensions)) == pytest.approx(1)


def test_a_vector_whose_parts_cancel_out_has_length_one_too():
    """In one dimension, the words of this text add up to nothing."""
    assert vector_of("19", 1) == [1.0]


@given(st.text())
def test_a_stream_carries_every_text_unchanged(text):
    """The pieces of a stream add up to the scripted text, white space included."""
    completion, texts = completion_of(ASK, "m", Script("p", text))
    pieces = pieces_of(completion, texts, include_usage=False)
    events = [json.loads(piece.data.removeprefix(b"data: ")) for piece in pieces[:-1]]

    assert completion["choices"][0]["message"]["content"] == text
    assert "".join(e["choices"][0]["delta"].get("content") or "" for e in events) == text


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "text"),
        ({"type": "number"}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "maximum": 0}, 0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["string", "null"]}, "text"),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 7}, 7),
        ({"type": "string", "default": "d"}, "d"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"oneOf": [{"type": "boolean"}]}, True),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}}], "required": ["a"]}, {"a": 1}),
        ({"type": "object"}, {}),
        ({"properties": {"a": {}, "b": {"type": "string"}}, "required": ["b"]}, {"b": "text"}),
        ({}, "text"),
        (True, None),
        (
            {
                "$defs": {"City": {"type": "object", "properties": {"n": {"type": "string"}},
                                   "required": ["n"]}},
                "type": "object",
                "properties": {"city": {"$ref": "#/$defs/City"}, "more": {"type": "string"}},
                "required": ["city"],
            },
            {"city": {"n": "text"}},
        ),
        ({"$ref": "#/absent/x"}, "text"),
        ({"$ref": "#/title", "title": "t"}, "text"),
        ({"$defs": {"N": {"type": "integer"}}, "allOf": [{"$ref": "#/$defs/N"}]}, 1),
    ],
)  # fmt: skip
def test_schemas_have_a_plainest_value(schema, value):
    """Only what is required, and the first of what may be chosen."""
    assert example_of(schema) == value


def test_a_schema_that_contains_itself_ends():
    """Endless schemas are cut off."""
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}

    assert "next" in example_of(node)["next"]
