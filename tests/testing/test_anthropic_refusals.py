"""The scripted provider refuses what Anthropic's Messages API refuses."""

from __future__ import annotations

import base64

import pytest
from wire import USER, call

from genai_integrations.testing.providers.anthropic.thinking import thinking_block

PATH = "/v1/messages"
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "done"}
SAID = {"role": "assistant", "content": [USE]}
TOLD = {"role": "user", "content": [RESULT]}
THINK = {"type": "enabled", "budget_tokens": 1024}
GIF = base64.b64encode(b"GIF89a").decode()
OPEN_SCHEMA = {"type": "json_schema", "schema": {"type": "object"}}
INNER_SCHEMA = {
    "type": "json_schema",
    "schema": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"a": {"anyOf": [{"type": "array", "items": {"type": "object"}}]}},
    },
}


def refuse(claude, change, headers=HEADERS):
    """The message of the 400 that a changed request gets."""
    request = {"model": "claude", "max_tokens": 2000, "messages": USER, **change}
    request = {name: value for name, value in request.items() if value is not ...}
    status, _, body = call(claude, request, PATH, headers)
    assert (status, body["type"]) == (400, "error"), body
    assert body["error"]["type"] == "invalid_request_error"
    assert body["request_id"].startswith("req_")
    return body["error"]["message"]


def user(*blocks):
    """One message of the user."""
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def image(**source):
    """A message with an image."""
    return user({"type": "image", "source": source})


def pdf(**source):
    """A message with a document."""
    return user({"type": "document", "source": source})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_tokens": ...}, "max_tokens: Field required"),
        ({"messages": ...}, "messages: Field required"),
        ({"model": ...}, "model: Field required"),
        ({"model": ""}, "model: String should have at least 1 character"),
        ({"response_format": {}}, "response_format: Extra inputs are not permitted"),
        ({"output_format": OPEN_SCHEMA}, "output_format: Extra inputs are not permitted"),
        ({"n": 2}, "n: Extra inputs"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
        ({"max_tokens": 1.5}, "max_tokens: Input should be a valid integer"),
        ({"top_k": -1}, "top_k: Input should be greater"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"temperature": "hot"}, "temperature: Input should be a valid number"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"stop_sequences": "x"}, "stop_sequences: Input should be a valid list"),
        ({"stop_sequences": ["\n"]}, "must contain non-whitespace"),
        ({"metadata": {"team": "a"}}, "metadata.team: Extra inputs"),
        ({"system": 5}, "system: Input should be a valid list"),
        ({"system": [{"type": "image"}]}, "system.0: Input tag 'image'"),
        ({"output_config": {"colour": 1}}, "output_config.colour: Extra inputs"),
        ({"output_config": {"format": {"type": "json"}}}, "format.type: Input should be 'json_sc"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "format.schema: Field required"),
        ({"output_config": {"format": OPEN_SCHEMA}}, "'additionalProperties' must be explicitly"),
        ({"output_config": {"format": INNER_SCHEMA}}, "'additionalProperties' must be explicitly"),
    ],
)
def test_wrong_parameters_get_400(claude, change, words):
    """The error has Anthropic's shape, names the place and says what is wrong."""
    assert words in refuse(claude, change)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ("hi", "messages: Input should be a valid list"),
        ([], "at least one message is required"),
        (["hi"], "messages.0: Input should be a valid dictionary"),
        ([{"content": "x"}], "messages.0.role: Field required"),
        ([{"role": "robot", "content": "x"}], "messages.0.role: Input should be 'user' or"),
        ([{"role": "tool", "content": "x"}], "messages.0.role: Input should be 'user' or"),
        ([{"role": "system", "content": "x"}, *USER], 'Unexpected role "system"'),
        ([{"role": "assistant", "content": "x"}, *USER], 'must use the "user" role'),
        ([{"role": "user"}], "messages.0.content: Field required"),
        ([{"role": "user", "content": None}], "messages.0.content: Input should be a valid string"),
        ([{"role": "user", "content": ""}], "messages.0: all messages must have non-empty"),
        ([{**USER[0], "name": "Ann"}], "messages.0.name: Extra inputs"),
        ([*USER, {"role": "assistant", "content": "so "}], "trailing whitespace"),
        (user("text")["messages"], "messages.0.content.0: Input should be a valid dict"),
        (user({"text": "x"})["messages"], "messages.0.content.0.type: Field required"),
        (user({"type": "input_audio"})["messages"], "Input tag 'input_audio' found using 'type'"),
        (user({"type": "text"})["messages"], "messages.0.content.0.text.text: Field required"),
        (user({"type": "text", "text": 5})["messages"], "0.text.text: Input should be a valid str"),
        (user({"type": "text", "text": ""})["messages"], "text content blocks must be non-empty"),
        (user({"type": "text", "text": " "})["messages"], "must contain non-whitespace text"),
        (user({"type": "text", "text": "x", "a": 1})["messages"], "0.text.a: Extra inputs"),
        (user(USE)["messages"], "messages.0: `tool_use` blocks can only be in `assistant` mess"),
        ([*USER, {**SAID, "content": [RESULT]}], "`tool_result` blocks can only be in `user`"),
    ],
)
def test_wrong_messages_get_400(claude, messages, words):
    """Roles, contents and blocks are checked, and the error says where."""
    assert words in refuse(claude, {"messages": messages})


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([*USER, SAID], "messages.1: `tool_use` ids were found without `tool_result`"),
        ([*USER, SAID, *USER], "messages.1: `tool_use` ids were found without"),
        ([*USER, SAID, {"role": "assistant", "content": "x"}, *USER], "messages.1: `tool_use` ids"),
        (
            [*USER, SAID, {"role": "user", "content": [{"type": "text", "text": "x"}, RESULT]}],
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1",
        ),
        ([*USER, TOLD], "messages.1.content.0: unexpected `tool_use_id` found in `tool_result`"),
        (
            [*USER, SAID, {**TOLD, "content": [RESULT, RESULT]}],
            "each tool_use must have a single result. Found multiple `tool_result` blocks with id: t1",
        ),
        ([*USER, {**SAID, "content": [USE, USE]}, TOLD], "`tool_use` ids must be unique"),
        ([*USER, {**SAID, "content": [{**USE, "id": "a b"}]}, TOLD], "tool_use.id: String should"),
        (
            [*USER, {**SAID, "content": [{**USE, "input": "x"}]}, TOLD],
            "input: Input should be a va",
        ),
        (
            [*USER, SAID, {**TOLD, "content": [{**RESULT, "is_error": "no"}]}],
            "tool_result.is_error: Input should be a valid boolean",
        ),
        (
            [*USER, SAID, {**TOLD, "content": [{**RESULT, "content": [USE]}]}],
            "messages.2.content.0.tool_result.content.0: Input tag 'tool_use'",
        ),
        (
            [*USER, SAID, {**TOLD, "content": [{"type": "tool_result"}]}],
            "messages.2.content.0.tool_result.tool_use_id: Field required",
        ),
    ],
)
def test_broken_tool_loops_get_400(claude, messages, words):
    """Every call is answered at once and once, and every result belongs to a call."""
    assert words in refuse(claude, {"messages": messages, "tools": [TOOL]})


def test_calls_need_the_tools_they_call(claude):
    """A conversation with calls must still define tools."""
    assert "must define tools" in refuse(claude, {"messages": [*USER, SAID, TOLD]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tools": "f"}, "tools: Input should be a valid list"),
        ({"tools": ["f"]}, "tools.0: Input should be a valid dictionary"),
        ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [{**TOOL, "name": "a b"}]}, "tools.0.custom.name: String should match"),
        ({"tools": [{**TOOL, "function": {}}]}, "tools.0.custom.function: Extra inputs"),
        ({"tools": [{**TOOL, "input_schema": "x"}]}, "input_schema: Input should be a valid dict"),
        ({"tools": [{**TOOL, "input_schema": {}}]}, "input_schema.type: Field required"),
        ({"tools": [{**TOOL, "input_schema": {"type": "string"}}]}, "Input should be 'object'"),
        (
            {"tools": [{**TOOL, "input_schema": {"type": "object", "anyOf": []}}]},
            "does not support oneOf, allOf, or anyOf at the top level",
        ),
        (
            {"tools": [{**TOOL, "input_schema": {"type": "object", "properties": {"a b": {}}}}]},
            "Property keys should match",
        ),
        ({"tools": [TOOL, TOOL]}, "Tool names must be unique"),
        ({"tool_choice": "auto"}, "tool_choice: Input tag None"),
        ({"tool_choice": {"type": "required"}}, "tool_choice: Input tag 'required'"),
        ({"tool_choice": {"type": "any"}}, "tool_choice.any may only be specified while providing"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.tool.name: Field required"),
        ({"tool_choice": {"type": "tool", "name": "g"}, "tools": [TOOL]}, "Tool 'g' not found"),
    ],
)
def test_wrong_tools_get_400(claude, change, words):
    """Tools and their choice are checked."""
    assert words in refuse(claude, change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (image(type="path"), "messages.0.content.0.image.source: Input tag 'path'"),
        (user({"type": "image", "source": "x"}), "image.source: Input should be a valid dict"),
        (image(type="base64", media_type="image/png"), "source.base64.data: Field required"),
        (image(type="url", url="https://x", detail="low"), "source.url.detail: Extra inputs"),
        (image(type="url", url="http://example.com"), "Only HTTPS URLs are supported"),
        (image(type="base64", media_type="image/bmp", data=""), "Input should be 'image/jpeg', 'i"),
        (image(type="base64", media_type="image/png", data="%"), "invalid base64 data"),
        (image(type="base64", media_type="image/png", data="AAAA"), "Could not process image"),
        (
            image(type="base64", media_type="image/png", data=GIF),
            "specified using the image/png media type, but the image appears to be a image/gif image",
        ),
        (pdf(type="base64", media_type="text/html", data=""), "Input should be 'application/pdf'"),
        (pdf(type="base64", media_type="application/pdf", data=GIF), "The PDF specified was not"),
    ],
)
def test_wrong_media_get_400(claude, change, words):
    """Images and documents are what they say they are."""
    assert words in refuse(claude, change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"thinking": {"type": "on"}}, "thinking: Input tag 'on'"),
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        ({"thinking": {**THINK, "budget_tokens": 9}}, "greater than or equal to 1024"),
        ({"thinking": THINK, "max_tokens": 1024}, "`max_tokens` must be greater than"),
        ({"thinking": THINK, "temperature": 0.5}, "`temperature` may only be set to 1"),
        ({"thinking": THINK, "top_p": 0.5}, "`top_p` must be greater"),
        ({"thinking": THINK, "top_k": 5}, "`top_k` must be unset"),
        (
            {"thinking": THINK, "tools": [TOOL], "tool_choice": {"type": "any"}},
            "Thinking may not be enabled when tool_choice forces tool use",
        ),
        (
            {"thinking": THINK, "tools": [TOOL], "messages": [*USER, SAID, TOLD]},
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool",
        ),
    ],
)
def test_wrong_thinking_gets_400(claude, change, words):
    """Thinking has its conditions, and a tool loop must keep what was thought."""
    assert words in refuse(claude, change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"thinking": "other"}, "Invalid `signature` in `thinking` block"),
        ({"signature": "AAAA"}, "Invalid `signature` in `thinking` block"),
        ({"signature": "%"}, "Invalid `signature` in `thinking` block"),
        ({"signature": None}, "Invalid `signature` in `thinking` block"),
        ({"signature": ...}, "thinking.signature: Field required"),
        ({"cache_control": {}}, "thinking.cache_control: Extra inputs"),
        ({"type": "redacted_thinking", "data": "AAAA"}, "Invalid `data` in `redacted_thinking`"),
    ],
)
def test_thinking_that_was_changed_gets_400(claude, change, words):
    """A signature comes back as it was given, with the text that it signs."""
    block = {**thinking_block("hm"), **change}
    if "data" in block:
        block = {"type": block["type"], "data": block["data"]}
    block = {name: value for name, value in block.items() if value is not ...}
    messages = [*USER, {"role": "assistant", "content": [block, USE]}, TOLD]
    message = refuse(claude, {"messages": messages, "tools": [TOOL], "thinking": THINK})

    assert message.startswith("messages.1.content.0")
    assert words in message


def test_too_many_marks_for_the_cache_get_400(claude):
    """Four places can be marked, wherever they are."""
    mark = {"cache_control": {"type": "ephemeral"}}
    text = {"type": "text", "text": "x", **mark}
    use = [*USER, SAID, {"role": "user", "content": [{**RESULT, "content": [text]}]}]
    change = {"system": [text, text, text], "tools": [{**TOOL, **mark}], "messages": use}

    assert "A maximum of 4 blocks with cache_control" in refuse(claude, change)


def test_a_body_that_is_no_object_gets_400(claude):
    """Broken JSON, no object and no body are refused."""
    for content in (b"{broken", b"[1]", b""):
        assert call(claude, content, PATH, HEADERS)[0] == 400


def test_the_version_is_required(claude):
    """A request without `anthropic-version`, or with an unknown one, is refused."""
    assert "header is required" in refuse(claude, {}, {"x-api-key": "k"})
    wrong = refuse(claude, {}, {**HEADERS, "anthropic-version": "2020-01-01"})
    assert "not a valid version" in wrong


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": 1}, "temperature: Extra inputs"),
        ({"top_p": 1}, "top_p: Extra inputs"),
        ({"top_k": 1}, "top_k: Extra inputs"),
        (
            {
                "messages": [
                    *USER,
                    {**pdf(type="file", file_id="f")["messages"][0], "role": "assistant"},
                ]
            },
            "messages.1.content.0: `document` blocks can only be in `user` messages",
        ),
        (user({"type": "text", "text": "x", "citations": [{}]}), "text.citations: Extra inputs"),
    ],
)
def test_the_latest_version_refuses_more(claude, change, words):
    """The version of 2026 has no sampling, no documents of the assistant and no citations of the user."""
    latest = {**HEADERS, "anthropic-version": "2026-10-21"}
    request = {"model": "claude", "max_tokens": 9, "messages": USER, **change}

    assert words in refuse(claude, change, latest)
    assert call(claude, request, PATH, HEADERS)[0] == 200
    assert call(claude, {**request, "messages": USER, "top_k": 1}, PATH, HEADERS)[0] == 200
    fine = {"model": "claude", "max_tokens": 9, "messages": USER}
    assert call(claude, fine, PATH, latest)[0] == 200


def test_wrong_addresses_and_methods_are_refused(claude):
    """A doubled version and other paths get 404, a wrong method 405."""
    for path in ("/v1/v1/messages", "/messages", "/proxy/messages"):
        status, _, body = call(claude, {}, path, HEADERS)
        assert (status, body["error"]["type"]) == (404, "not_found_error")
    assert call(claude, b"", PATH, HEADERS, "GET")[0] == 405


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"x-api-key": "wrong"}, "invalid x-api-key"),
        ({}, "x-api-key header is required"),
        ({"authorization": "Bearer wrong"}, "Invalid bearer token"),
        ({"authorization": "Basic wrong"}, "x-api-key header is required"),
    ],
)
def test_wrong_keys_get_401(claude, headers, words):
    """The key is read from `x-api-key`, else from the bearer token."""
    claude.api_keys = {"sk-ant-right"}
    body = {"model": "claude", "max_tokens": 9, "messages": USER}
    version = {"anthropic-version": "2023-06-01"}
    status, _, reply = call(claude, body, PATH, {**version, **headers})

    assert (status, reply["error"]["type"]) == (401, "authentication_error")
    assert reply["error"]["message"] == words
    for right in ({"x-api-key": "sk-ant-right"}, {"authorization": "Bearer sk-ant-right"}):
        assert call(claude, body, PATH, {**version, **right})[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [*USER, *USER]},
        {"messages": [*USER, {"role": "assistant", "content": "I say"}]},
        {"messages": [*USER, {"role": "assistant", "content": ""}]},
        {"messages": [*USER, {"role": "system", "content": "be brief"}]},
        {"messages": [*USER, {"role": "assistant", "content": "a"}, {"role": "system", "content": "b"}]},
        {"messages": [*USER, SAID, TOLD, *USER], "tools": [TOOL]},
        {"messages": [*USER, SAID, TOLD, SAID, TOLD], "tools": [TOOL]},
        {"messages": [*USER, SAID, TOLD, SAID, TOLD, *USER], "tools": [TOOL], "thinking": THINK},
        {"tool_choice": {"type": "auto"}},
        {"tool_choice": {"type": "none"}, "tools": []},
        {"tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{**TOOL, "type": "custom", "strict": True}]},
        {"thinking": {"type": "disabled"}, "temperature": 0.2, "top_p": 0.5, "top_k": 3},
        {"system": [{"type": "text", "text": "a"}], "metadata": {"user_id": "u"}},
        {"service_tier": "auto", "output_config": {"effort": "low"}},
        image(type="base64", media_type="image/gif", data=GIF),
        pdf(type="base64", media_type="application/pdf", data=base64.b64encode(b"%PDF-1.4").decode()),
        pdf(type="text", media_type="text/plain", data="hello"),
        pdf(type="url", url="https://example.com/a.pdf"),
        pdf(type="file", file_id="file_1"),
        user({"type": "container_upload", "file_id": "file_1"}),
    ],
)  # fmt: skip
def test_what_is_right_is_answered(claude, change):
    """Joined turns, prefills, unforced choices and every kind of source are fine."""
    request = {"model": "claude", "max_tokens": 2000, "messages": USER, **change}
    status, _, body = call(claude, request, PATH, HEADERS)

    assert status == 200, body


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        ("claude-sonnet-4-5", {"temperature": 0.5, "top_p": 0.9}, "cannot both be specified"),
        ("claude-opus-4-7", {"temperature": 0.5}, "`temperature` is deprecated for this model."),
        ("claude-sonnet-4-5", {"thinking": {"type": "adaptive"}}, "Input tag 'adaptive' found"),
        ("claude-opus-5-5", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "is not supported for this model"),
        ("claude-opus-4-1", {"output_config": {"format": {"type": "json_schema", "schema": {"type": "string"}}}}, "structured outputs"),
        ("claude-opus-4-6", {"output_config": {"effort": "xhigh"}}, "'xhigh' is not supported"),
        ("claude-sonnet-4-5", {"messages": [*USER, {"role": "system", "content": "x"}]}, "role 'system'"),
    ],
)  # fmt: skip
def test_what_only_some_models_refuse(claude, model, fields, message):
    """The version in a model's name decides; a name without one refuses nothing of the kind."""
    status, _, _ = call(
        claude, {"model": "ours", "max_tokens": 2000, "messages": USER, **fields}, PATH, HEADERS
    )

    assert message in refuse(claude, {"model": model, **fields})
    assert status == 200
