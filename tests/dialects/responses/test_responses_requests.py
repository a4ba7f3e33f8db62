"""What is sent to the Responses API for a chat request."""

from __future__ import annotations

import pytest
from responses_support import HELLO, body_of, items_of

from genai_integrations import Connection
from genai_integrations.errors import ConfigurationError

PNG = "data:image/png;base64,iVBORw0KGgo="
ASK = {"role": "user", "content": "hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
           "encrypted_content": "gAAAA"}  # fmt: skip
SAID = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "ok", "annotations": []}]}  # fmt: skip
CALLED = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1",
          "name": "add", "arguments": '{"a":1}'}  # fmt: skip


def kept(*items, content=None, calls=None):
    """An answer that keeps the output it was."""
    message = {"role": "assistant", "content": content,
               "provider_specific_fields": {"output_items": list(items)}}  # fmt: skip
    return {**message, "tool_calls": calls} if calls else message


@pytest.mark.parametrize("role", ["system", "developer", "user"])
def test_messages_keep_their_roles(role):
    """None becomes `instructions`, so that their order stays."""
    assert items_of({"role": role, "content": "hi"}) == [{"role": role, "content": "hi"}]


def test_a_name_is_left_out():
    """Items have none."""
    assert items_of({**ASK, "name": "bob"}) == [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ({"type": "text", "text": "a"}, {"type": "input_text", "text": "a"}),
        (
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
            {"type": "input_text", "text": "a"},
        ),
        (
            {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
        ),
        ("a", {"type": "input_text", "text": "a"}),
        (
            {"type": "image_url", "image_url": {"url": PNG}},
            {"type": "input_image", "image_url": PNG, "detail": "auto"},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://h/a.png", "detail": "low"}},
            {"type": "input_image", "image_url": "https://h/a.png", "detail": "low"},
        ),
        (
            {"type": "image_url", "image_url": PNG},
            {"type": "input_image", "image_url": PNG, "detail": "auto"},
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"}},
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"},
        ),
        (
            {"type": "file", "file": {"file_id": "file-1", "format": "application/pdf"}},
            {"type": "input_file", "file_id": "file-1"},
        ),
        (
            {"type": "file", "file": {"file_id": "https://h/a.pdf"}},
            {"type": "input_file", "file_url": "https://h/a.pdf"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        ),
        ({"type": "input_file", "file_id": "file-1"}, {"type": "input_file", "file_id": "file-1"}),
    ],
)  # fmt: skip
def test_parts(part, wanted):
    """Texts, pictures and files; what has no form in the chat API goes as it is."""
    assert items_of({"role": "user", "content": [part]}) == [{"role": "user", "content": [wanted]}]


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ({"content": "ok"}, [{"role": "assistant", "content": "ok"}]),
        (
            {"content": [{"type": "text", "text": "o"}, "k"]},
            [{"role": "assistant", "content": "ok"}],
        ),
        ({"content": None, "refusal": "no"}, [{"role": "assistant", "content": "no"}]),
        (
            {"content": [{"type": "refusal", "refusal": "no"}]},
            [{"role": "assistant", "content": "no"}],
        ),
        (
            {"content": "ok", "tool_calls": [CALL]},
            [
                {"role": "assistant", "content": "ok"},
                {
                    "type": "function_call",
                    "call_id": "call_1",
                    "name": "add",
                    "arguments": '{"a": 1}',
                },
            ],
        ),
        (
            {"content": None, "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
            [],
        ),
    ],
)  # fmt: skip
def test_answers(message, wanted):
    """Words and calls stand side by side; what another provider thought is not known here."""
    assert items_of(ASK, {"role": "assistant", **message})[1:] == wanted


def test_long_ids_of_calls_are_made_anew():
    """64 characters at most, and Gemini's ids carry a signature: a call and its result get the same."""
    long = f"call_1__thought__{'A' * 99}"
    said = {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": long}]}
    result = {"role": "tool", "tool_call_id": long, "content": "2"}
    called, answered = items_of(ASK, said, result)[1:]

    assert called["call_id"] == answered["call_id"]
    assert len(called["call_id"]) <= 64


def test_results_of_tools():
    """As text, or with pictures and files; those of custom tools by a name of their own."""
    custom = {"id": "call_2", "type": "custom", "custom": {"name": "sh", "input": "ls"}}
    image = {"type": "image_url", "image_url": {"url": PNG}}
    items = items_of(
        ASK,
        {"role": "assistant", "content": None, "tool_calls": [CALL, custom]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "1"}, image]},
        {"role": "tool", "tool_call_id": "call_2", "content": "a.txt"},
    )  # fmt: skip

    assert items[2] == {"type": "custom_tool_call", "call_id": "call_2", "name": "sh", "input": "ls"}  # fmt: skip
    assert items[3:] == [
        {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": [
                {"type": "input_text", "text": "1"},
                {"type": "input_image", "image_url": PNG, "detail": "auto"},
            ],
        },
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "a.txt"},
    ]


def test_an_output_goes_back_as_it_came():
    """With its thoughts and built-in tools, each before what it led to."""
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    came = [THOUGHT, search, SAID, CALLED]

    items = items_of(ASK, kept(*came, content="ok", calls=[CALL]), store=False)

    assert items[1:] == came


@pytest.mark.parametrize(
    ("message", "params"),
    [
        (kept(THOUGHT, SAID, content="another text"), {}),
        (kept(THOUGHT, SAID, content="ok", calls=[CALL]), {}),
        (kept(THOUGHT, CALLED, content=None), {}),
        (kept({**THOUGHT, "encrypted_content": None}, SAID, content="ok"), {"store": False}),
        (kept("rs_1", content="ok"), {}),
    ],
)
def test_a_message_that_was_changed_is_said_anew(message, params):
    """A thought must be followed by what it led to; without a store, its provider cannot look it up."""
    items = items_of(ASK, message, **params)

    assert "reasoning" not in [item.get("type") for item in items]
    assert items[1:2] == (
        [{"role": "assistant", "content": message["content"]}] if message["content"] else []
    )


def test_arguments_that_were_mended_are_the_callers():
    """A person may correct a call before it is made; the same in other spaces is no change."""
    mended = {**CALL, "function": {"name": "add", "arguments": '{"a": 2}'}}

    items = items_of(ASK, kept(THOUGHT, CALLED, calls=[mended]))

    assert items[1:] == [THOUGHT, {**CALLED, "arguments": '{"a": 2}'}]
    assert items_of(ASK, kept(THOUGHT, CALLED, calls=[CALL]))[2] is CALLED


def test_items_without_a_form_in_the_chat_api():
    """They follow the messages."""
    approval = {"type": "mcp_approval_response", "approve": True, "approval_request_id": "m"}

    assert items_of(ASK, input=[approval]) == [{"role": "user", "content": "hi"}, approval]
    assert items_of(ASK, input="more") == [ASK, {"role": "user", "content": "more"}]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"max_tokens": 50}, {"max_output_tokens": 50}),
        ({"max_completion_tokens": 50}, {"max_output_tokens": 50}),
        ({"max_tokens": 1, "max_completion_tokens": 50}, {"max_output_tokens": 50}),
        ({"max_output_tokens": 50}, {"max_output_tokens": 50}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        (
            {"reasoning_effort": "low", "reasoning": {"summary": "auto"}},
            {"reasoning": {"effort": "low", "summary": "auto"}},
        ),
        (
            {"reasoning_effort": {"effort": "low", "summary": "auto"}},
            {"reasoning": {"effort": "low", "summary": "auto"}},
        ),
        ({"response_format": {"type": "json_object"}}, {"text": {"format": {"type": "json_object"}}}),
        (
            {
                "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "strict": True}},
                "verbosity": "high",
            },
            {
                "text": {
                    "format": {"type": "json_schema", "name": "a", "schema": {}, "strict": True},
                    "verbosity": "high",
                }
            },
        ),
        (
            {"logprobs": True, "top_logprobs": 2},
            {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
        ),
        ({"logprobs": False}, {}),
        (
            {"include": ["file_search_call.results"], "logprobs": True},
            {"include": ["file_search_call.results", "message.output_text.logprobs"]},
        ),
        ({"n": 1, "modalities": ["text"]}, {}),
        ({"n": 2}, {"n": 2}),
        ({"stop": ["x"]}, {}),
        ({"seed": 1, "frequency_penalty": 1, "presence_penalty": 1, "logit_bias": {"1": 1}, "prediction": {}}, {}),
        (
            {"stream": True, "stream_options": {"include_usage": True}},
            {"stream": True},
        ),
        (
            {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
            {"stream": True, "stream_options": {"include_obfuscation": False}},
        ),
        ({"stream": True, "background": True}, {"stream": True, "background": True}),
        ({"web_search_options": {}}, {"tools": [{"type": "web_search"}]}),
        (
            {
                "web_search_options": {
                    "search_context_size": "low",
                    "user_location": {"type": "approximate", "approximate": {"country": "KR"}},
                }
            },
            {
                "tools": [
                    {
                        "type": "web_search",
                        "search_context_size": "low",
                        "user_location": {"type": "approximate", "country": "KR"},
                    }
                ]
            },
        ),
    ],
)  # fmt: skip
def test_parameters(given, wanted):
    """Each has its place, or means nothing here, or changes the answer and is sent to be refused."""
    body = body_of(**given)
    del body["model"], body["input"]

    assert body == wanted


SAME = {
    "metadata": {"a": "b"},
    "parallel_tool_calls": False,
    "previous_response_id": "resp_1",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "safety_identifier": "u",
    "service_tier": "flex",
    "store": True,
    "truncation": "auto",
    "user": "u",
    "max_tool_calls": 3,
    "instructions": "be short",
    "vendor_field": 1,
}


@pytest.mark.parametrize("name", SAME)
def test_what_both_apis_have_is_sent_as_it_is(name):
    """And so is what nobody here knows."""
    assert body_of(**{name: SAME[name]})[name] == SAME[name]


@pytest.mark.parametrize(
    ("drop_params", "is_sent"), [(True, False), (False, True), (("seed",), True)]
)
def test_what_may_not_be_left_out_is_sent(drop_params, is_sent):
    """The provider says no, then."""
    assert ("seed" in body_of(seed=1, drop_params=drop_params)) is is_sent


@pytest.mark.parametrize(
    ("model", "params", "wanted"),
    [
        ("gpt-5", {}, True),
        ("o3", {}, True),
        ("codex-mini", {}, True),
        ("gpt-4.1", {}, False),
        ("gpt-5-chat-latest", {}, False),
        ("my-deployment", {}, False),
        ("my-deployment", {"reasoning_effort": "low"}, True),
    ],
)
def test_thoughts_that_nobody_stores_come_encrypted(model, params, wanted):
    """Models without thoughts refuse to be asked for them."""
    include = body_of(model=model, store=False, **params).get("include", [])

    assert ("reasoning.encrypted_content" in include) is wanted
    assert "include" not in body_of(model=model, **params)


def test_reasoning_models_do_not_take_what_steers_sampling():
    """On either of OpenAI's APIs; at another address, the server is to say."""
    elsewhere = Connection.of("c", "openai", "k", "http://127.0.0.1:9/v1", dialect="responses")

    assert "temperature" not in body_of(model="o3", temperature=0.5)
    assert body_of(model="o3", temperature=0.5, connection=elsewhere)["temperature"] == 0.5


def test_an_answer_for_later_is_refused():
    """A call ends with its answer."""
    with pytest.raises(ConfigurationError, match="background=True"):
        body_of(background=True)


@pytest.mark.parametrize(
    ("tool", "wanted"),
    [
        (
            {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}},
            {"type": "function", "name": "a", "parameters": {"type": "object"}, "strict": False},
        ),
        (
            {
                "type": "function",
                "cache_control": {"type": "ephemeral"},
                "function": {"name": "a", "description": "b", "strict": True, "parameters": None},
            },
            {
                "type": "function",
                "name": "a",
                "description": "b",
                "strict": True,
                "parameters": {"type": "object", "properties": {}},
            },
        ),
        (
            {"type": "function", "name": "a", "parameters": {}, "strict": True},
            {"type": "function", "name": "a", "parameters": {}, "strict": True},
        ),
        (
            {"type": "custom", "custom": {"name": "sh", "description": "a shell"}},
            {"type": "custom", "name": "sh", "description": "a shell"},
        ),
        (
            {
                "type": "custom",
                "custom": {
                    "name": "sh",
                    "format": {
                        "type": "grammar",
                        "grammar": {"syntax": "regex", "definition": "a+"},
                    },
                },
            },
            {
                "type": "custom",
                "name": "sh",
                "format": {"type": "grammar", "syntax": "regex", "definition": "a+"},
            },
        ),
        ({"type": "web_search"}, {"type": "web_search"}),
        (
            {"type": "mcp", "server_label": "a", "server_url": "https://h"},
            {"type": "mcp", "server_label": "a", "server_url": "https://h"},
        ),
        (
            {"type": "code_interpreter", "container": {"type": "auto"}},
            {"type": "code_interpreter", "container": {"type": "auto"}},
        ),
    ],
)
def test_tools(tool, wanted):
    """Functions are flat, and not strict unless they say so; the provider's own go as they are."""
    assert body_of(tools=[tool])["tools"] == [wanted]


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        (
            {"type": "function", "function": {"name": "a"}},
            {"type": "function", "name": "a"},
        ),
        ({"type": "custom", "custom": {"name": "a"}}, {"type": "custom", "name": "a"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "a"}}],
                },
            },
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "a"}],
            },
        ),
        ({"type": "web_search"}, {"type": "web_search"}),
        ({"type": "mcp", "server_label": "a"}, {"type": "mcp", "server_label": "a"}),
    ],
)
def test_choices_among_tools(choice, wanted):
    """They are flat too."""
    tools = [{"type": "function", "function": {"name": "a"}}]

    assert body_of(tools=tools, tool_choice=choice)["tool_choice"] == wanted


def test_what_was_given_stays_as_it_is():
    """Another target may be asked with it next."""
    import copy

    call = {"messages": [ASK, kept(THOUGHT, SAID, content="ok"), ASK], "stop": "x",
            "tools": [{"type": "function", "function": {"name": "a"}}]}  # fmt: skip
    before = copy.deepcopy(call)
    body_of(**call)

    assert call == before
    assert HELLO == [{"role": "user", "content": "hi"}]
