"""What a body of `POST /v1/responses` asks, in the shape of a chat."""

from __future__ import annotations

import pytest
from dialect_bodies import ANYTHING, INPUTS, NAMES, PDF, PNG, TEXTS, call_of, refusal_of, spoilt
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_integrations.calls.wire import Spoken
from genai_integrations.gateway.dialects.responses.dialect import DIALECT, request
from genai_integrations.transports.openai.responses.requests import body_of

FUNCTION = {"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": True}


def asked(given, **params):
    """What is asked, with this input."""
    body = {"model": "gpt-5", "input": given, **params}
    found = request(body)
    assert found.params.pop("spoken") == Spoken("responses", body)
    return found


def test_text_is_a_users_message_behind_the_instructions():
    """The shortest way to ask."""
    found = asked("Hello!", instructions="Be brief.", stream=True)

    assert found.model == "gpt-5"
    assert found.stream is True
    assert found.params == {"stream_recovery": None}
    assert found.messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello!"},
    ]


def test_what_the_model_said_and_called_is_one_message():
    """Items side by side here; a chat has the calls in the message that makes them."""
    found = asked(
        [
            {"role": "user", "content": [{"type": "input_text", "text": "2 + 2?"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
            {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "say", "input": "x"},
            {"type": "function_call_output", "call_id": "c1", "output": "4"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "ok"}]},
            {"role": "developer", "content": "Be brief."},
        ]
    )  # fmt: skip

    assistant = found.messages[1]
    assistant.pop("provider_specific_fields")
    assert found.messages == [
        {"role": "user", "content": "2 + 2?"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}},
                {"id": "c2", "type": "custom", "custom": {"name": "say", "input": "x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
        {"role": "tool", "tool_call_id": "c2", "content": "ok"},
        {"role": "developer", "content": "Be brief."},
    ]


def test_pictures_and_files_are_parts_of_a_chat():
    """By their data, by an address that nobody here fetches, by their id."""
    found = asked(
        [
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "https://example.com/cat.jpg", "detail": "low"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
                    {"type": "input_file", "file_url": "https://example.com/a.pdf"},
                    {"type": "input_file", "file_id": "file-1"},
                ],
            }
        ]
    )  # fmt: skip

    assert found.messages[0]["content"] == [
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.jpg", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {
            "type": "file",
            "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"},
        },
        {"type": "file", "file": {"file_id": "https://example.com/a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]


def test_parameters_have_the_names_of_a_chat():
    """The limit, the form, the effort, tools and the choice among them."""
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    found = asked(
        "Hello!",
        max_output_tokens=9,
        temperature=0.5,
        parallel_tool_calls=False,
        store=False,
        truncation="disabled",
        user="u-1",
        include=["reasoning.encrypted_content", "message.output_text.logprobs"],
        metadata={"tier": "free"},
        reasoning={"effort": "low", "summary": "auto"},
        text={"verbosity": "low", "format": {"type": "json_schema", "name": "sum", "schema": schema, "strict": True}},
        tools=[FUNCTION, {"type": "custom", "name": "say", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}],
        tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "add"}]},
    )  # fmt: skip

    add = {"name": "add", "parameters": {"type": "object"}, "strict": True}
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "add"}}]}
    assert found.params == {
        "max_tokens": 9,
        "temperature": 0.5,
        "parallel_tool_calls": False,
        "store": False,
        "user": "u-1",
        "logprobs": True,
        "metadata": {"tier": "free"},
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "sum", "schema": schema, "strict": True},
        },
        "tools": [
            {"type": "function", "function": add},
            {"type": "custom", "custom": {"name": "say", "format": grammar}},
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": allowed},
    }


@st.composite
def conversations(draw):
    """Bodies as OpenAI's SDK sends them."""
    items = []
    for number in range(draw(st.integers(1, 3))):
        text = {"type": "input_text", "text": draw(TEXTS)}
        picture = {"type": "input_image", "image_url": "https://example.com/cat.jpg", "detail": "auto"}  # fmt: skip
        items.append({"role": "user", "content": [text, picture]})
        if draw(st.booleans()):
            items.append({"type": "reasoning", "id": f"rs_{number}", "summary": [], "encrypted_content": draw(NAMES)})  # fmt: skip
        said = {"type": "output_text", "text": draw(TEXTS)}
        items.append({"type": "message", "role": "assistant", "content": [said]})
        for at in range(draw(st.integers(0, 2))):
            call = {"call_id": f"c{number}_{at}", "name": draw(NAMES)}
            items.append({"type": "function_call", **call, "arguments": str(draw(INPUTS))})
            items.append({"type": "function_call_output", "call_id": call["call_id"], "output": draw(TEXTS)})  # fmt: skip
    return {"model": "gpt-5", "input": items, "tools": [FUNCTION], "tool_choice": "auto", "store": False}  # fmt: skip


@settings(max_examples=50)
@given(conversations())
def test_conversation_comes_back_as_it_was(body):
    """Into the shape of a chat and, for a server of the same API, out of it."""
    found = request(body)
    del found.params["spoken"]
    call = call_of("openai", found.model, {"messages": found.messages, **found.params})
    sent = body_of(call)

    assert [_said(item) for item in sent["input"]] == [_said(item) for item in body["input"]]
    assert sent["tools"] == [FUNCTION]
    assert sent["tool_choice"] == "auto"


def _said(item):
    """An item in the shortest of the forms that it may have."""
    content = item.get("content")
    if item.get("role") == "assistant" and isinstance(content, list):
        content = "".join(part["text"] for part in content)
    rest = {name: value for name, value in item.items() if name not in ("type", "content")}
    return {"type": item.get("type", "message"), "content": content, **rest}


@settings(max_examples=50)
@given(st.data())
def test_hostile_body_is_refused_in_openais_shape_or_asks_something(data):
    """One place of a good body is anything else, or not there: no other error comes of it."""
    body = data.draw(spoilt(data.draw(conversations())))
    if refusal := refusal_of(request, body):
        status, told = DIALECT.failure(refusal)
        assert status == 400
        assert told["error"]["type"] == "invalid_request_error"


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["model", "input", "instructions", "tools", "text", "reasoning", "tool_choice", "include", "metadata", "user", "max_output_tokens"]), ANYTHING))  # fmt: skip
def test_anything_is_refused_or_asks_something(body):
    """No other error comes of it."""
    refusal = refusal_of(request, body)
    assert refusal is None or DIALECT.failure(refusal)[0] == 400


KEEPS_NOTHING = "no answers are kept here: send the whole conversation in input"


@pytest.mark.parametrize(
    ("params", "param", "told"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", KEEPS_NOTHING),
        ({"conversation": "conv_1"}, "conversation", KEEPS_NOTHING),
        ({"store": True}, "store", "no answers are kept here: leave it out, or say false"),
        ({"background": True}, "background", "answers are not made in the background here: leave it out"),
        (
            {"prompt": {"id": "pmpt_1"}},
            "prompt",
            "prompts stored at OpenAI are not served here: name one of Langfuse's in langfuse_prompt",
        ),
        (
            {"tools": [{"type": "web_search"}]},
            "tools.0.type",
            "tools that OpenAI runs, such as 'web_search', are not served here: use tools of the type function",
        ),
        (
            {"input": [{"type": "item_reference", "id": "msg_1"}]},
            "input.0",
            "items of the type 'item_reference' are not served here: send messages, function calls and their outputs",
        ),
        ({"input": 5}, "input", "must be a list"),
        ({"input": []}, "input", "is empty: send a text, or items"),
        ({"input": [{"role": "user", "content": [{"type": "video"}]}]}, "input.0.content.0.type", None),
    ],
)  # fmt: skip
def test_what_is_not_served_is_refused_in_one_clear_line(params, param, told):
    """With the place of it, as OpenAI's own errors have."""
    refusal = refusal_of(request, {"model": "gpt-5", "input": "Hello!", **params})

    status, body = DIALECT.failure(refusal)
    assert status == 400
    assert body["error"]["param"] == param
    if told:
        assert body["error"]["message"] == f"{param}: {told}"
