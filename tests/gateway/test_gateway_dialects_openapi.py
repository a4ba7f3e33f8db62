"""What the OpenAPI description says of Anthropic's and the Responses API's routes, held against what they do."""

from __future__ import annotations

import jsonschema
import pytest
from dialect_bodies import answers, refusal_of, reply_of, spoilt
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from genai_integrations.apis.responses.replies import response_of
from genai_integrations.gateway.dialects.anthropic import dialect as anthropic
from genai_integrations.gateway.dialects.anthropic.replies import message_of
from genai_integrations.gateway.dialects.responses import dialect as responses
from genai_integrations.gateway.openapi import description

TEXT = {"type": "text", "text": "Hi"}
MESSAGES = {
    "model": "m",
    "max_tokens": 9,
    "stream": False,
    "system": [TEXT],
    "messages": [
        {"role": "user", "content": [TEXT, TEXT]},
        {"role": "assistant", "content": "Hi"},
    ],
    "stop_sequences": ["."],
    "metadata": {"user_id": "u"},
    "tools": [{"name": "add", "description": "Adds.", "input_schema": {"type": "object"}}],
}
RESPONSES = {
    "model": "m",
    "stream": False,
    "store": False,
    "instructions": "Be brief.",
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"role": "developer", "content": "Hi"},
    ],
    "max_output_tokens": 9,
    "metadata": {"tier": "free"},
    "tools": [{"type": "function", "name": "add", "parameters": {}, "strict": False}],
}
ROUTES = {
    "/v1/messages": (MESSAGES, anthropic.request),
    "/v1/messages/count_tokens": (MESSAGES, anthropic.counted),
    "/v1/responses": (RESPONSES, responses.request),
}


def _operation(path):
    return description()["paths"][path]["post"]


def _asked(path):
    return jsonschema.Draft202012Validator(
        _operation(path)["requestBody"]["content"]["application/json"]["schema"]
    )


def _answer(path, status):
    content = _operation(path)["responses"][status]["content"]
    return jsonschema.Draft202012Validator(content["application/json"]["schema"])


@pytest.mark.parametrize("path", ROUTES)
@settings(max_examples=40)
@given(data=st.data())
def test_body_that_is_described_is_taken(path, data):
    """Whatever else it has: a caller who holds to the description is not refused for the form of the body."""
    body, read = ROUTES[path]
    body = data.draw(spoilt(body))
    assume(_asked(path).is_valid(body))

    assert refusal_of(read, body) is None


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("body", [{}, {"model": "m"}, {"model": 5, "messages": [], "input": ""}])
def test_body_that_is_not_is_refused(path, body):
    """In the shape that is described."""
    refusal = refusal_of(ROUTES[path][1], body)

    assert not _asked(path).is_valid(body)
    dialect = responses.DIALECT if path == "/v1/responses" else anthropic.DIALECT
    assert _answer(path, "default").is_valid(dialect.failure(refusal)[1])


@settings(max_examples=40)
@given(answers())
def test_answers_are_as_described(message):
    """Of both APIs."""
    wire = reply_of(message)

    _answer("/v1/messages", "200").validate(message_of(wire, "m", thinks=True))
    _answer("/v1/responses", "200").validate(response_of(wire, RESPONSES))
