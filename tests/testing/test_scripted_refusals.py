"""The scripted provider refuses what OpenAI's API refuses."""

from __future__ import annotations

import pytest
from wire import CHAT, USER, call

from genai_integrations.testing.provider import ScriptedProvider

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ASSISTANT = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "done"}


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"model": None}, "model", "must provide a model"),
        ({"messages": None}, "messages", "expected an array"),
        ({"messages": []}, "messages", "empty array"),
        ({"messages": ["hi"]}, "messages[0]", "expected an object"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role", "'robot'"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content", "null"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "array"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content", "null"),
        ({"messages": [*USER, RESULT]}, "messages[1].role", "must be a response"),
        ({"messages": [*USER, ASSISTANT]}, "messages[2].role", "c1"),
        ({"messages": [*USER, ASSISTANT, *USER]}, "messages[2].role", "c1"),
        ({"messages": [*USER, ASSISTANT, RESULT, RESULT]}, "messages[3].role", "response"),
        ({"colour": "blue"}, None, "Unrecognized request argument supplied: colour"),
        ({"a": 1, "b": 2}, None, "arguments supplied: a, b"),
        ({"temperature": 2.5}, "temperature", "from 0 to 2"),
        ({"temperature": "hot"}, "temperature", "decimal"),
        ({"n": 0}, "n", "at least 1"),
        ({"max_tokens": 1.5}, "max_tokens", "integer"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens", "same time"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "when 'stream'"),
        ({"tools": []}, "tools", "empty array"),
        ({"tools": [{"type": "function"}]}, "tools[0].function.name", "Missing"),
        ({"tool_choice": "required"}, "tool_choice", "'tools' are specified"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.name", "Miss"),
        ({"response_format": {"type": "json_schema", "json_schema": 3}}, "response_format.json_schema.name", "Miss"),
        ({"response_format": "json"}, "response_format", "expected an object"),
        ({"tools": 3}, "tools", "expected an array of objects"),
        ({"tools": [{"type": "function", "function": "f"}]}, "tools[0].function.name", "Missing"),
        ({"messages": [*USER, {**ASSISTANT, "tool_calls": 3}]}, "messages[1].tool_calls", "array of objects"),
        ({"messages": [*USER, {**ASSISTANT, "tool_calls": [3]}]}, "messages[1].tool_calls", "array of objects"),
    ],
)  # fmt: skip
def test_wrong_chat_requests_get_400(provider, change, param, words):
    """The error has OpenAI's shape, names the parameter and says what is wrong."""
    status, _, body = call(provider, {"model": "gpt-4o", "messages": USER, **change})

    assert status == 400
    assert body["error"].keys() == {"message", "type", "param", "code"}
    assert body["error"]["param"] == param
    assert body["error"]["type"] == "invalid_request_error"
    assert words in body["error"]["message"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input": None}, "expected one of a string or an array, but got null instead"),
        ({"input": ""}, "cannot be an empty"),
        ({"input": ["a", ""]}, "cannot be an empty"),
        ({"encoding_format": "hex"}, "base64"),
        ({"input": []}, "cannot be an empty"),
        ({"input": [{"text": "a"}]}, "Invalid type for 'input[0]'"),
        ({"input": ["a"] * 2049}, "Expected an array with maximum length 2048"),
        ({"dimensions": 0}, "Expected a value >= 1"),
        ({"stream": True}, "Unrecognized"),
    ],
)
def test_wrong_embedding_requests_get_400(provider, change, words):
    """Embeddings are checked in the same way."""
    status, _, body = call(provider, {"model": "e", "input": "x", **change}, "/v1/embeddings")

    assert status == 400
    assert words in body["error"]["message"]


def test_missing_parameters_are_named(provider):
    """Without messages or input, the error says which is missing."""
    for path, name in ((CHAT, "messages"), ("/v1/embeddings", "input")):
        status, _, body = call(provider, {"model": "m"}, path)

        assert (status, body["error"]["param"]) == (400, name)
        assert body["error"]["code"] == "missing_required_parameter"


def test_a_body_that_is_no_json_gets_400(provider):
    """Broken JSON, no object and no body are refused alike."""
    for content in (b"{broken", b"[1]", b"", b"\xff"):
        status, _, body = call(provider, content)

        assert status == 400
        assert "could not parse" in body["error"]["message"]
    assert [request.malformed for request in provider.requests] == [True, False, False, True]


def test_unknown_addresses_and_methods_are_refused(provider):
    """An address that is none gets 404, a wrong method 405."""
    assert call(provider, {}, "/v1/completions")[0] == 404
    assert call(provider, b"", CHAT, method="GET")[0] == 405


def test_tool_results_in_any_order_are_fine(provider):
    """Several results of one message may come in any order."""
    other = {**CALL, "id": "c2"}
    messages = [
        *USER,
        {"role": "assistant", "tool_calls": [CALL, other], "content": ""},
        {**RESULT, "tool_call_id": "c2"},
        RESULT,
    ]

    assert call(provider, {"model": "m", "messages": messages})[0] == 200


def test_compatible_servers_may_accept_more():
    """Parameters beyond OpenAI's own are accepted where they are allowed."""
    with ScriptedProvider(also_accepts=["top_k"]) as provider:
        body = {"model": "m", "messages": USER, "top_k": 5}

        assert call(provider, body)[0] == 200
        assert call(provider, {**body, "min_p": 1})[0] == 400
