"""The scripted provider refuses what Bedrock refuses."""

from __future__ import annotations

import copy

import pytest
from bedrock_wire import (
    CLAUDE,
    NOVA,
    NOW,
    USER,
    WEATHER,
    content_of,
    converse,
    path_of,
    post,
    refused,
)

CALL = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {}}}
ASSISTANT = {"role": "assistant", "content": [CALL]}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}]}}
ANSWER = {"role": "user", "content": [RESULT]}
TOOLS = {"tools": [WEATHER, NOW]}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
PDF = {"document": {"format": "pdf", "name": "paper", "source": {"bytes": "JVBERi0="}}}


def user(*blocks):
    """A conversation of one message with those blocks."""
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def image(**fields):
    """A conversation about an image."""
    source = {"format": "png", "source": {"bytes": "aGk="}, **fields}
    return user({"text": "x"}, {"image": source})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "must start with a user message"),
        ({"messages": []}, "must start with a user message"),
        ({"messages": [ASSISTANT]}, "must start with a user message"),
        ({"messages": [*USER, *USER]}, "must alternate between user and assistant"),
        (user(), "content field in the Message object at messages.0 is empty"),
        (user({"text": " "}), "ContentBlock object at messages.0.content.0 is blank"),
        (user({}), "ContentBlock object at messages.0.content.0 must set one of"),
        (user({"text": "a", "image": {}}), "must set one of"),
        ({"messages": [{"role": "robot", "content": [{"text": "x"}]}]}, "'robot' at 'messages.1.member.role'"),
        ({"messages": [{"role": "user"}]}, "Value null at 'messages.1.member.content'"),
        (image(format="bmp"), "'messages.1.member.content.2.member.image.format'"),
        (image(source={"bytes": ""}), "length greater than or equal to 1"),
        ({"inferenceConfig": {"temperature": 1.5}}, "value less than or equal to 1"),
        ({"inferenceConfig": {"maxTokens": 0, "topP": -1}}, "2 validation errors detected"),
        ({"toolConfig": {"tools": []}}, "'toolConfig.tools' failed to satisfy"),
        ({"toolConfig": {"tools": [{"toolSpec": {"name": "a b", "inputSchema": {"json": {}}}}]}}, "regular expression"),
        ({"requestMetadata": {"a" * 300: "x"}}, "requestMetadata"),
        ({"toolConfig": {**TOOLS, "toolChoice": {"tool": {"name": "other"}}}}, "other"),
        ({"messages": [*USER, ASSISTANT, ANSWER]}, "toolConfig field must be defined"),
        ({"messages": [*USER, ASSISTANT, *USER], "toolConfig": TOOLS}, "messages.2.content for the following Ids: t1"),
        ({"messages": [*USER, ASSISTANT], "toolConfig": TOOLS}, "Expected toolResult blocks at messages.2"),
        ({"messages": [ANSWER], "toolConfig": TOOLS}, "exceeds the number of toolUse"),
        ({**user({"text": "x"}, PDF, PDF)}, "duplicate document names"),
        (user(PDF), "text block must be included"),
    ],
)  # fmt: skip
def test_wrong_conversations_get_a_validation_exception(provider, body, words):
    """The error says what is wrong, and where."""
    status, name, message = refused(provider, {"messages": USER, **body} if body else {})

    assert (status, name) == (400, "ValidationException")
    assert words in message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{broken", "not a JSON object"),
        (b"", "not a JSON object"),
        ([1], "not a JSON object"),
        ({"messages": "hi"}, "STRING_VALUE can not be converted to list at 'messages'"),
        ({"messages": [{"role": "user", "content": "hi"}]}, "at 'messages.0.content'"),
        ({"messages": USER, "inferenceConfig": {"maxTokens": True}}, "BOOLEAN_VALUE"),
        ({"messages": USER, "inferenceConfig": {"stopSequences": [1]}}, "NUMBER_VALUE"),
        (image(source={"bytes": "?"}), "not valid base64"),
    ],
)
def test_what_cannot_be_read_gets_a_serialization_exception(provider, body, words):
    """Broken JSON, values of another type and broken base64."""
    status, name, message = refused(provider, body)

    assert (status, name) == (400, "SerializationException")
    assert words in message


def test_unknown_fields_are_ignored(provider):
    """As all of AWS's services do; free documents are not looked into."""
    body = {"messages": USER, "colour": "blue", "toolConfig": copy.deepcopy(TOOLS)}
    body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]["x-own"] = [None]

    assert post(provider, body).status == 200


def test_results_of_one_turn_may_come_in_any_order(provider):
    """Several results are one message."""
    calls = [{"toolUse": {**CALL["toolUse"], "toolUseId": number}} for number in ("t1", "t2")]
    results = [{"toolResult": {**RESULT["toolResult"], "toolUseId": n}} for n in ("t2", "t1")]
    messages = [
        *USER,
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
    ]

    assert converse(provider, messages, toolConfig=TOOLS)["stopReason"] == "end_turn"
    messages[2]["content"].append(results[0])
    assert "exceeds" in refused(provider, {"messages": messages, "toolConfig": TOOLS})[2]


def thought(provider):
    """What a Claude thinks before it calls a tool, as it came over the wire."""
    fields = {"additionalModelRequestFields": THINKING}
    return content_of(converse(provider, **fields))[0]


def loop(*first):
    """A tool loop whose assistant turn begins with those blocks."""
    return {
        "messages": [*USER, {"role": "assistant", "content": [*first, CALL]}, ANSWER],
        "toolConfig": TOOLS,
        "additionalModelRequestFields": THINKING,
    }


def test_reasoning_goes_back_as_it_came(provider):
    """With its own signature the loop goes on; changed, unsigned or left out it does not."""
    good = thought(provider)
    changed, unsigned = copy.deepcopy(good), copy.deepcopy(good)
    changed["reasoningContent"]["reasoningText"]["text"] += "!"
    del unsigned["reasoningContent"]["reasoningText"]["signature"]

    assert post(provider, loop(good)).status == 200
    for blocks, words in (
        ([changed], "messages.1.content.0: Invalid `signature` in `thinking` block"),
        ([unsigned], "messages.1.content.0.thinking.signature: Field required"),
        ([], "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`"),
        ([{"text": "so"}, good], "but found `text`"),
    ):  # fmt: skip
        status, name, message = refused(provider, loop(*blocks))
        assert (status, name) == (400, "ValidationException")
        assert words in message


def test_reasoning_may_be_left_out_where_it_is_off(provider):
    """Without thinking, and with other models, nothing is asked of the turn before."""
    off = {**loop(), "additionalModelRequestFields": {"thinking": {"type": "disabled"}}}

    assert post(provider, off).status == 200
    assert post(provider, loop(), path_of(NOVA)).status == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"inferenceConfig": {"maxTokens": 1000}}, "must be greater than `thinking.budget"),
        ({"inferenceConfig": {"temperature": 0.5}}, "only be set to 1"),
        ({"toolConfig": {**TOOLS, "toolChoice": {"any": {}}}}, "forces tool use"),
        (
            {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 9}}},
            "greater than or equal to 1024",
        ),
        ({"additionalModelRequestFields": {"seed": 1}}, "seed: Extra inputs are not permitted"),
    ],
)
def test_claude_refuses_what_does_not_go_together(provider, fields, words):
    """The model's own errors come as Bedrock passes them on."""
    body = {"messages": USER, "additionalModelRequestFields": THINKING, **fields}
    status, name, message = refused(provider, body)

    assert (status, name) == (400, "ValidationException")
    assert message.startswith("The model returned the following errors: ")
    assert words in message
    assert post(provider, body, path_of(NOVA)).status == 200


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        ("amazon.titan-embed-text-v1", {}, "required key [inputText] not found"),
        ("amazon.titan-embed-text-v1", {"inputText": ""}, "minLength: 1"),
        ("amazon.titan-embed-text-v1", {"inputText": ["a"]}, "expected type: String"),
        ("amazon.titan-embed-text-v1", {"inputText": "a", "dimensions": 256}, "[dimensions]"),
        ("amazon.titan-embed-text-v2:0", {"inputText": "a", "dimensions": 3}, "/dimensions"),
        ("amazon.titan-embed-image-v1", {}, "'inputText' or 'inputImage'"),
        (
            "amazon.titan-embed-image-v1",
            {"inputText": "a", "embeddingConfig": {"outputEmbeddingLength": 3}},
            "outputEmbeddingLength",
        ),
        ("cohere.embed-english-v3", {"texts": ["a"]}, "required key [input_type]"),
        ("cohere.embed-english-v3", {"input_type": "image"}, "required key [texts]"),
        ("cohere.embed-english-v3", {"texts": ["a"] * 97, "input_type": "x"}, "count: 96"),
        (
            "cohere.embed-english-v3",
            {"texts": ["a"], "input_type": "x", "output_dimension": 256},
            "extraneous key [output_dimension] is not permitted",
        ),
        (CLAUDE, {"messages": []}, "only by Converse"),
        ("cohere.embed-english-v3", [1], "JSONObject"),
    ],
)
def test_wrong_embedding_requests(provider, model, body, words):
    """The error lists what is missing and what is too much."""
    status, name, message = refused(provider, body, path_of(model, "invoke"))

    assert (status, name) == (400, "ValidationException")
    assert words in message


def test_unknown_addresses_are_refused(provider):
    """A method or an operation that is none, and a path with a slash too many."""
    signed = {"authorization": "AWS4-HMAC-SHA256 x"}
    for path, method in (
        (path_of(), "GET"),
        ("/model/x/sing", "POST"),
        ("/" + path_of(), "POST"),
        ("/", "POST"),
    ):
        reply = post(provider, {"messages": USER}, path, headers=signed, method=method)
        assert reply.status == 404
        assert reply.headers["x-amzn-errortype"].startswith("UnknownOperationException")


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        (NOVA, {"toolConfig": {"tools": [NOW, {"cachePoint": {"type": "default"}}]}}, "toolConfig/tools/1: extraneous key [cachePoint]"),
        (NOVA, {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}}}, "doesn't support the outputConfig.textFormat field"),
        ("us.anthropic.claude-opus-4-7", {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}}}, "output_config.format: Extra inputs are not permitted"),
        (CLAUDE, {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": '{"type": "object", "properties": {}}'}}}}}, "must be explicitly set to false"),
    ],
)  # fmt: skip
def test_what_a_family_does_not_take(provider, model, fields, words):
    """Each says so in its own words, as recorded in public issues."""
    status, name, message = refused(provider, {"messages": USER, **fields}, path_of(model))

    assert (status, name) == (400, "ValidationException")
    assert words in message


def test_documents_of_results_have_names_of_their_own_too(provider):
    """One name may stand only once in a conversation, wherever it stands."""
    result = {"toolResult": {"toolUseId": "t1", "content": [PDF]}}
    first = {"role": "user", "content": [*USER[0]["content"], PDF]}
    body = {
        "messages": [first, ASSISTANT, {"role": "user", "content": [result]}],
        "toolConfig": TOOLS,
    }

    assert "duplicate document names" in refused(provider, body)[2]
