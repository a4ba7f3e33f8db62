"""A scripted provider refuses all that OpenAI refuses, in OpenAI's words."""

from __future__ import annotations

import pytest
from wire import USER, call

from genai_integrations.testing.provider import ScriptedProvider

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
OBJECT = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def _form(**schema):
    inner = {"name": "Menu", "strict": True, "schema": {**OBJECT, **schema}}
    return {"response_format": {"type": "json_schema", "json_schema": inner}}


def _tool(**schema):
    function = {"name": "add", "strict": True, "parameters": {**OBJECT, **schema}}
    return {"tools": [{"type": "function", "function": function}]}


def _titled(**title):
    return {"properties": {"title": title}, "required": ["title"]}


@pytest.mark.parametrize(
    ("change", "code", "param", "message"),
    [
        ({"messages": [{"role": "user", "content": "x", "cache_control": {}}]}, "unknown_parameter",
         "messages[0].cache_control", "Unknown parameter: 'messages[0].cache_control'."),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "missing_required_parameter",
         "messages[0].content[0].text", "Missing required parameter: 'messages[0].content[0].text'."),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "missing_required_parameter",
         "messages[0].content[0].type", "Missing required parameter: 'messages[0].content[0].type'."),
        ({"messages": [{"role": "system", "content": [IMAGE]}]}, "invalid_value", "messages[0]",
         ("Invalid 'messages[0]'. Image URLs are only allowed for messages with role 'user', but this message with "
         "role 'system' contains an image URL.")),
        ({"seed": "x"}, "invalid_type", "seed",
         "Invalid type for 'seed': expected an integer, but got a string instead."),
        ({"n": 129}, "integer_above_max_value", "n",
         "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 129 instead."),
        ({"reasoning_effort": "huge"}, "invalid_value", "reasoning_effort",
         "Invalid value: 'huge'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'."),
        ({"stop": ["a", "b", "c", "d", "e"]}, "array_above_max_length", "stop",
         ("Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 "
         "instead.")),
        ({"model": "o3", "max_tokens": 5}, "unsupported_parameter", "max_tokens",
         "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
        ({"model": "gpt-5.2", "reasoning_effort": "low", "logprobs": True}, "unsupported_parameter", "logprobs",
         "Unsupported parameter: 'logprobs' is not supported with this model."),
        ({"model": "gpt-5-mini", "temperature": 0.5}, "unsupported_value", "temperature",
         ("Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is "
         "supported.")),
        (_form(additionalProperties=True), None, "response_format",
         ("Invalid schema for response_format 'Menu': In context=(), 'additionalProperties' is required to be supplied "
         "and to be false.")),
        (_form(properties={"title": {"type": "string"}}), None, "response_format",
         ("Invalid schema for response_format 'Menu': In context=(), 'required' is required to be supplied and to be "
         "an array including every key in properties. Missing 'title'.")),
        (_form(**_titled(type="string", default="x")), None, "response_format",
         "Invalid schema for response_format 'Menu': In context=('properties', 'title'), 'default' is not permitted."),
        (_form(**_titled(type="string", format="uri")), None, "response_format",
         "Invalid schema for response_format 'Menu': In context=('properties', 'title'), 'uri' is not a valid format."),
        (_tool(type="array"), "invalid_function_parameters", "tools[0].function.parameters",
         ("Invalid schema for function 'add': schema must be a JSON Schema of 'type: \"object\"', got 'type: "
         "\"array\"'.")),
    ],
)  # fmt: skip
def test_what_openai_refuses(provider, change, code, param, message):
    """The status is 400, and the body is OpenAI's."""
    status, _, body = call(provider, {"model": "gpt-4o", "messages": USER, **change})

    assert status == 400
    assert body["error"] == {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [{"role": "user", "content": [IMAGE, {"type": "text", "text": "What?"}]}]},
        {"messages": [{"role": "developer", "content": "Be short."}, *USER]},
        {"model": "o3", "max_completion_tokens": 5, "temperature": 1},
        {"model": "gpt-5.2", "temperature": 0.5},
        {"model": "gpt-5.5", "temperature": 0.5, "logprobs": True, "reasoning_effort": "none"},
        {"temperature": None, "stop": None, "seed": None, "tools": None},
        {"stop": "a", "seed": 7, "metadata": {"a": "b"}, "tool_choice": None},
        _form(**_titled(anyOf=[{"type": "string", "format": "date"}, {"type": "null"}])),
        _tool(**_titled(type="string")),
    ],
)
def test_what_openai_takes(provider, change):
    """Nothing is refused beyond that."""
    assert call(provider, {"model": "gpt-4o", "messages": USER, **change})[0] == 200


def test_a_server_that_takes_more():
    """Keys that compatible servers know are taken wherever they stand, where they are allowed."""
    messages = [{"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}}]
    with ScriptedProvider(also_accepts=["cache_control"]) as server:
        assert call(server, {"model": "m", "messages": messages})[0] == 200
        status, _, body = call(server, {"model": "m", "messages": [{**messages[0], "id": "x"}]})

    assert (status, body["error"]["param"]) == (400, "messages[0].id")
