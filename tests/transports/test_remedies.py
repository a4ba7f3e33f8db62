"""What is done about refusals as providers really word them, and what is not."""

from __future__ import annotations

import copy

import pytest

from genai_integrations import Connection
from genai_integrations.errors import (
    BadRequestError,
    ContentFilteredError,
    ContextWindowExceededError,
    InvalidReplyError,
    NotFoundError,
    RateLimitError,
)
from genai_integrations.transports.remedies.answers import (
    merged,
    tool_as_text,
    turned_round,
)
from genai_integrations.transports.remedies.known import known
from genai_integrations.transports.remedies.misfits import misfit
from genai_integrations.transports.remedies.refusals import refusal_of
from genai_integrations.transports.remedies.remedy import applied, fitting, together
from genai_integrations.transports.remedies.rows import (
    AS_JSON_MODE,
    AS_TOOL,
    ONLY_IN_WORDS,
    remedy_for,
)

HELLO = [{"role": "user", "content": "hi"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FORM = {
    "type": "json_schema",
    "json_schema": {"name": "City", "strict": True, "schema": SCHEMA},
}
IN_WORDS = (
    "Answer with one JSON object that fits this JSON schema, and with nothing else before or behind it:\n"
    '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}'
)
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
PART = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}


def refusal(message, param=None, code=None, status=400):
    """What is read off such an error."""
    detail = {"message": message, "param": param, "code": code}
    return refusal_of(BadRequestError(message, status=status, body=detail))


def found(told, body, used=(), drop_params=True):
    """The remedy, by its name, and what it makes of the body."""
    remedy = remedy_for(told, body, used, drop_params)
    return remedy and (remedy.name, remedy.restated(body))


def test_what_is_not_enabled_is_not_supported():
    """Gemini's word for it. Source: "Logprobs is not enabled for models/gemini-2.5-flash" of AI Studio."""
    told = refusal("Logprobs is not enabled for models/gemini-2.5-flash")

    assert found(told, {"messages": HELLO, "logprobs": True}) == ("without logprobs", {"messages": HELLO})  # fmt: skip


@pytest.mark.parametrize(
    ("level", "effort", "instead"),
    [("MINIMAL", "minimal", "low"), ("MINIMAL", "none", "low"), ("MEDIUM", "medium", "high")],
)
def test_a_level_that_a_gemini_has_not(level, effort, instead):
    """The next one is asked for. Source of the words: gemini-3.1-pro-preview and gemini-3.7-flash of AI Studio."""
    told = refusal(
        f"Thinking level {level} is not supported for this model. Please retry with other thinking level."
    )
    body = {"messages": HELLO, "reasoning_effort": effort}

    assert found(told, body)[1] == {"messages": HELLO, "reasoning_effort": instead}


@pytest.mark.parametrize(
    ("message", "param", "code", "name", "value"),
    [
        ("Unsupported parameter: 'top_p' is not supported with this model.", "top_p", "unsupported_parameter", "top_p", 0.5),
        ("Unrecognized request argument supplied: reasoning_effort", None, None, "reasoning_effort", "low"),
        ("Unrecognized request argument supplied: stream_options", None, None, "stream_options", {"include_usage": True}),
        ("Validation error at #/stream_options: Extra inputs are not permitted", None, None, "stream_options", {"include_usage": True}),
        ("[{'type': 'extra_forbidden', 'loc': ('body', 'parallel_tool_calls'), 'msg': 'Extra inputs are not permitted'}]", None, None, "parallel_tool_calls", False),
        ("Unsupported parameter: 'parallel_tool_calls' is not supported with this model.", "parallel_tool_calls", "unsupported_parameter", "parallel_tool_calls", True),
        ("Unknown parameter: 'store'.", "store", "unknown_parameter", "store", True),
        ("property 'metadata' is unsupported", None, None, "metadata", {"a": "b"}),
        ("logprobs is not supported with this model", None, None, "logprobs", True),
        ("Logprobs are not enabled for this model", None, "3051", "logprobs", True),
        ("invalid request: cannot specify both frequency_penalty and presence_penalty.", None, None, "presence_penalty", 0.1),
        ("seed: Extra inputs are not permitted; unexpected field 'seed'", None, None, "seed", 7),
        ("Unknown field: user", None, None, "user", "u1"),
        ("`temperature` is deprecated for this model.", None, None, "temperature", 0.2),
        ("create() got an unexpected keyword argument 'frequency_penalty'", None, None, "frequency_penalty", 0.1),
        ("`temperature` and `top_p` cannot both be specified for this model. Please use only one.", None, None, "top_p", 0.9),
        ("'n' : this model does not support several answers; the parameter 'n' is not supported", "n", None, "n", 1),
    ],
)  # fmt: skip
def test_what_is_not_known_is_left_out(message, param, code, name, value):
    """The parameter that is blamed goes; the rest, and the caller's own request, stay."""
    body = {"messages": HELLO, "temperature": 0.2, "max_tokens": 5, name: value}
    before = copy.deepcopy(body)

    told, restated = found(refusal(message, param, code), body)

    assert told == f"without {name}"
    assert restated == {key: given for key, given in body.items() if key != name}
    assert body == before


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.", "temperature", "decimal_above_max_value"),
        ("temperature: range: 0..1, must be less than or equal to 1", "temperature", None),
        ("max_tokens is too large: 99999. This model supports at most 4096 completion tokens", "max_tokens", "invalid_value"),
        ("Invalid value: 'lo'. Supported values are: 'low', 'medium', and 'high'.", "reasoning_effort", "invalid_value"),
        ("The model `gpt-9` does not exist or you do not have access to it.", "model", "model_not_found"),
        ("Unknown parameter: 'foo'.", "foo", "unknown_parameter"),
        ("you must provide a model parameter", None, None),
        ("the role 'user' is not supported in this place", None, None),
    ],
)  # fmt: skip
def test_the_callers_error_has_no_remedy(message, param, code):
    """A value out of range, a wrong word and a wrong name are the caller's to mend."""
    body = {
        "model": "m",
        "messages": HELLO,
        "temperature": 3,
        "max_tokens": 99999,
        "reasoning_effort": "lo",
        "user": "u1",
        "foo": 1,
    }

    assert found(refusal(message, param, code), body) is None


def test_several_answers_are_never_left_out():
    """`n=2` changes what comes back; only the default may go."""
    told = refusal("Unsupported parameter: 'n' is not supported.", "n", "unsupported_parameter")

    assert found(told, {"messages": HELLO, "n": 2}) is None


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
        "invalid temperature: only 1 is allowed for this model",
    ],
)
def test_of_a_value_only_that_value_goes(message):
    """What is not supported is 0; 1 is sent on, to the same model, by what was learnt."""
    body = {"messages": HELLO, "temperature": 0}
    remedy = remedy_for(refusal(message, "temperature", "unsupported_value"), body, (), True)

    assert remedy.name == "without temperature"
    assert remedy.restated(body) == {"messages": HELLO}
    assert fitting([remedy], body, True) == (remedy,)
    assert fitting([remedy], {"messages": HELLO, "temperature": 1}, True) == ()


@pytest.mark.parametrize(
    ("old", "new", "message", "param", "code"),
    [
        ("max_tokens", "max_completion_tokens", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter"),
        ("max_completion_tokens", "max_tokens", "Unrecognized request argument supplied: max_completion_tokens", None, None),
    ],
)  # fmt: skip
def test_a_limit_has_two_names(old, new, message, param, code):
    """Neither way is a loss, so it is done whatever `drop_params` says."""
    body = {"messages": HELLO, old: 7}

    told = found(refusal(message, param, code), body, (), False)

    assert told == (f"{old} as {new}", {"messages": HELLO, new: 7})


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`", None, "invalid_request_error"),
        ("Unsupported value: 'messages[0].role' does not support 'developer' with this model.", "messages[0].role", "unsupported_value"),
        ("Invalid value: 'developer'. Supported values are: 'system', 'assistant', 'user'.", "messages[0].role", "invalid_value"),
    ],
)  # fmt: skip
def test_a_developer_is_the_system(message, param, code):
    """The instruction stays."""
    body = {"messages": [{"role": "developer", "content": "be kind"}, *HELLO]}

    assert found(refusal(message, param, code), body, (), False) == (
        "developer as system",
        {"messages": [{"role": "system", "content": "be kind"}, *HELLO]},
    )


def test_where_nobody_is_the_system_the_user_says_it():
    """OpenAI's first reasoning models, and Gemma."""
    told = refusal(
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "messages[0].role",
        "unsupported_value",
    )
    body = {"messages": [{"role": "system", "content": "be kind"}, *HELLO]}

    assert found(told, body) == (
        "system as user",
        {"messages": [{"role": "user", "content": "be kind"}, *HELLO]},
    )


def test_lists_of_texts_become_texts():
    """Servers whose content is a string."""
    told = refusal(
        "messages[0].content: invalid type: sequence, expected a string at line 1 column 61"
    )
    content = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    body = {"messages": [{"role": "user", "content": content}]}

    assert found(told, body, (), False) == (
        "content as text",
        {"messages": [{"role": "user", "content": "one\n\ntwo"}]},
    )
    assert found(told, {"messages": [{"role": "user", "content": [IMAGE]}]}) is None


def test_images_of_tools_are_shown_by_the_user():
    """The results of a turn stay together; the image comes right behind them."""
    told = refusal(
        "Invalid 'messages[2]'. Image URLs are only allowed for messages with role 'user', but this message with role "
        "'tool' contains an image URL.",
        "messages[2]",
        "invalid_value",
    )
    calling = {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "c2"}]}
    seen = {"role": "tool", "tool_call_id": "c1", "content": [IMAGE]}
    other = {"role": "tool", "tool_call_id": "c2", "content": "x"}
    body = {"messages": [*HELLO, calling, seen, other, *HELLO]}

    assert found(told, body, (), False) == (
        "images in a user message",
        {
            "messages": [
                *HELLO,
                calling,
                {**seen, "content": "The image is in the next message."},
                other,
                {"role": "user", "content": [IMAGE]},
                *HELLO,
            ]
        },
    )


@pytest.mark.parametrize(
    ("message", "key", "body", "restated"),
    [
        ("messages.0.content.0.cache_control: Extra inputs are not permitted", "cache_control", {"messages": [{"role": "user", "content": [PART]}]}, {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}),
        ("'messages.0' : for 'role:user' the following must be satisfied[('messages.0' : property 'name' is unsupported)]", "name", {"messages": [{"role": "user", "content": "hi", "name": "ann"}]}, {"messages": HELLO}),
        ("property 'reasoning_content' is unsupported", "reasoning_content", {"messages": [{"role": "assistant", "content": "x", "reasoning_content": "y"}]}, {"messages": [{"role": "assistant", "content": "x"}]}),
        ("tools.0.cache_control: Extra inputs are not permitted", "cache_control", {"messages": HELLO, "tools": [{**TOOL, "cache_control": {}}]}, {"messages": HELLO, "tools": [TOOL]}),
    ],
)  # fmt: skip
def test_keys_of_messages_are_left_out(message, key, body, restated):
    """In messages, in their parts and in tools."""
    assert found(refusal(message), body) == (f"without {key}", restated)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("This response_format type is unavailable now", None),
        ("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.", "response_format"),
        ("This model does not support response format `json_schema`.", "response_format"),
        ("'response_format.type' : value is not one of the allowed values ['text','json_object']", None),
    ],
)  # fmt: skip
def test_a_schema_becomes_a_tool_then_words(message, param):
    """First what the server enforces as well, then what it does not; both keep the whole schema."""
    body = {"messages": HELLO, "response_format": FORM}

    name, by_tool = found(refusal(message, param), body, (), False)
    remedy = remedy_for(refusal("tools is not supported"), by_tool, (AS_TOOL,), True)

    assert name == "json_schema as a tool"
    assert by_tool == {
        "messages": HELLO,
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "City",
                    "description": "Give the answer by calling this.",
                    "parameters": SCHEMA,
                    "strict": True,
                },
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "City"}},
    }
    assert together((AS_TOOL,), remedy) == (AS_JSON_MODE,)
    assert applied(body, [remedy]) == {
        "messages": [{"role": "system", "content": IN_WORDS}, *HELLO],
        "response_format": {"type": "json_object"},
    }


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("JSON mode is not supported for this model", None),
        ("json mode cannot be combined with tool/function calling", None),
        ("Unrecognized request argument supplied: response_format", None),
        (
            "'response_format' of type 'json_object' is not supported with this model.",
            "response_format",
        ),
    ],
)
def test_without_json_mode_there_are_words(message, param):
    """The last way to say a schema; what came before it is no longer wanted, what was known of the provider too."""
    body = {"messages": HELLO, "response_format": FORM}
    used = (AS_TOOL, AS_JSON_MODE)

    remedy = remedy_for(refusal(message, param), applied(body, [AS_JSON_MODE]), used, True)

    assert together(used, remedy) == (ONLY_IN_WORDS,)
    assert applied(body, [remedy]) == {
        "messages": [{"role": "system", "content": IN_WORDS}, *HELLO]
    }


def test_tools_of_the_program_stay():
    """A forced tool would keep the model from the program's own, so the schema is said in words."""
    body = {
        "messages": [{"role": "system", "content": "be kind"}, *HELLO],
        "response_format": FORM,
        "tools": [TOOL],
    }

    name, restated = found(refusal("response_format json_schema is not supported"), body)

    assert name == "json_schema as JSON mode"
    assert restated["tools"] == [TOOL]
    assert restated["messages"][0] == {"role": "system", "content": f"be kind\n\n{IN_WORDS}"}


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("Invalid schema for response_format 'City': In context=(), 'oneOf' is not permitted.", "response_format"),
        ("Unknown parameter: 'response_format.json_schema.strict'.", "response_format.json_schema.strict"),
        ("tools.0.function.strict: Extra inputs are not permitted", None),
    ],
)  # fmt: skip
def test_a_schema_need_not_be_strict(message, param):
    """It is still asked for."""
    body = {
        "messages": HELLO,
        "response_format": FORM,
        "tools": [{"type": "function", "function": {"name": "f", "strict": True}}],
    }

    assert found(refusal(message, param), body) == (
        "not strict",
        {
            "messages": HELLO,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "City", "schema": SCHEMA},
            },
            "tools": [{"type": "function", "function": {"name": "f"}}],
        },
    )


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("This model is only supported in v1/responses and not in v1/chat/completions.", 404),
        ("Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.", 400),
        ("The chatCompletion operation does not work with the specified model, gpt-5.1-codex. Please choose different model and try again.", 400),
    ],
)  # fmt: skip
def test_some_models_live_on_another_path(message, status):
    """The request is the same, and nothing of it is left out."""
    body = {"messages": HELLO, "reasoning_effort": "low", "tools": [TOOL]}

    assert found(refusal(message, "reasoning_effort", status=status), body, (), False) == (
        "by /v1/responses",
        body,
    )


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("The encrypted content for item rs_34 could not be verified. Reason: Encrypted content could not be decrypted or parsed.", 400),
        ("The encrypted content gAAA...DQ== could not be verified.", 400),
        ("Reasoning input items can only be provided to a reasoning or computer use model. Remove reasoning items from your input and try again.", 400),
        ("Item with id 'rs_0496' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.", 404),
        ("Item 'rs_0c38' of type 'reasoning' was provided without its required following item.", 400),
        ("Item 'msg_07dd' of type 'message' was provided without its required 'reasoning' item: 'rs_07'.", 400),
    ],
)  # fmt: skip
def test_thoughts_that_the_target_cannot_read(message, status):
    """What was said goes on without them; that is of the conversation, and not remembered of the target."""
    kept = {"role": "assistant", "content": "ok", "provider_specific_fields": {"output_items": []}}
    body = {"messages": [*HELLO, kept]}
    remedy = remedy_for(refusal(message, "input", status=status), body, (), False)

    assert found(refusal(message, status=status), body, (), False) == (
        "without another account's thoughts",
        {"messages": [*HELLO, {"role": "assistant", "content": "ok"}]},
    )
    assert not remedy.lasts


@pytest.mark.parametrize(
    "message",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.3.content.13: Invalid signature in thinking block",
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
    ],
)
def test_thoughts_that_another_claude_signed(message):
    """They stay behind, and the model thinks on."""
    block = {"type": "thinking", "thinking": "hm", "signature": "AAAA"}
    body = {
        "messages": [*HELLO, {"role": "assistant", "content": "ok", "thinking_blocks": [block]}],
        "reasoning_effort": "low",
    }

    assert found(refusal(message), body, (), False) == (
        "without another account's thoughts",
        {
            "messages": [*HELLO, {"role": "assistant", "content": "ok"}],
            "reasoning_effort": "low",
        },
    )


def test_a_claude_goes_on_with_anothers_call_without_thinking():
    """That loses something, so it is not done for who forbids it."""
    told = refusal(
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is "
        "enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of "
        "`tool_use` and `tool_result` blocks)."
    )
    messages = [*HELLO, {"role": "assistant", "tool_calls": [CALL]}]

    for asked in ({"reasoning_effort": "low"}, {"thinking": {"type": "enabled"}}):
        body = {"messages": messages, **asked}
        assert found(told, body) == ("without thinking here", {"messages": messages})
        assert found(told, body, (), False) is None


def test_a_key_goes_out_of_the_calls_of_a_message_too():
    """Gemini's have their signatures there, and the conversation goes on at a server that knows none."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    signed = {**call, "provider_specific_fields": {"thought_signature": "AAAA"}}
    told = refusal("Unknown parameter: 'messages[1].tool_calls[0].provider_specific_fields'.")

    assert found(told, {"messages": [*HELLO, {"role": "assistant", "tool_calls": [signed]}]}) == (
        "without provider_specific_fields",
        {"messages": [*HELLO, {"role": "assistant", "tool_calls": [call]}]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("message", "sent", "name"),
    [
        ("<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger than 10.: input.contents", 120, "in batches of 10"),
        ("invalid request: total number of texts must be at most 96", 120, "in batches of 96"),
        ("'$.input' is invalid. array too long", 120, "in batches of 60"),
        ("Too many inputs. The max number of inputs is 16. We hope to increase the number of inputs per request soon.", 17, "in batches of 16"),
        ("batch size 120 > maximum allowed batch size 32", 120, "in batches of 32"),
        ("BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch", 250, "in batches of 100"),
        ("batch too large", 3, "in batches of 1"),
        ("batch too large", 1, None),
        ("this model's maximum context length is 8192 tokens", 3, None),
    ],
)  # fmt: skip
def test_texts_go_in_batches(message, sent, name):
    """As many as the server says, else half."""
    told = remedy_for(refusal(message), {"input": ["x"] * sent}, (), False)

    assert (told and told.name) == name


def test_drop_params_false_forbids_what_loses_something():
    """Neither a parameter nor the enforcement of a schema goes."""
    top_p = refusal("Unsupported parameter: 'top_p'", "top_p", "unsupported_parameter")
    strict = refusal("Unknown parameter: 'response_format.json_schema.strict'.")
    schema = refusal("This response_format type is unavailable now")
    body = {"messages": HELLO, "top_p": 0.5, "response_format": FORM}

    assert found(top_p, body, (), False) is None
    assert found(strict, body, (), False) is None
    assert found(schema, {**body, "tools": [TOOL]}, (), False) is None


def test_a_list_names_what_may_not_be_left_out():
    """The rest may."""
    told = refusal("Unsupported parameter: 'top_p'", "top_p", "unsupported_parameter")
    body = {"messages": HELLO, "top_p": 0.5}

    assert found(told, body, (), ("top_p",)) is None
    assert found(told, body, (), ("seed",)) == ("without top_p", {"messages": HELLO})


def test_a_remedy_is_tried_once():
    """A server that refuses the same thing twice is not asked a third time."""
    told = refusal("v1/responses")
    body = {"messages": HELLO}
    remedy = remedy_for(told, body, (), True)

    assert remedy_for(told, body, (remedy,), True) is None


@pytest.mark.parametrize(
    "error",
    [
        RateLimitError("unsupported", status=429),
        BadRequestError("unsupported", status=413),
        BadRequestError("unsupported"),
        ContextWindowExceededError("unsupported", status=400),
        ContentFilteredError("unsupported", status=400),
    ],
)
def test_other_failures_are_no_refusals(error):
    """Nothing in them says how else to ask."""
    assert refusal_of(error) is None


def test_a_refusal_may_come_without_a_body():
    """LiteLLM's errors have only words."""
    told = refusal_of(NotFoundError("Not Supported", status=404))

    assert (told.param, told.code, told.words) == ("", "", "not supported")


@pytest.mark.parametrize(
    ("provider", "model", "names"),
    [
        ("openai", "gpt-4o", []),
        ("azure", "gpt-4o", []),
        ("openai", "o3-pro", ["by /v1/responses"]),
        ("openai", "gpt-5-codex", ["by /v1/responses"]),
        ("openai", "gpt-5", []),
        ("mistral", "mistral-large", ["developer as system"]),
        ("vllm", "any", ["developer as system"]),
        ("deepseek", "deepseek-chat", ["developer as system", "json_schema as a tool"]),
        ("dashscope", "text-embedding-v4", ["developer as system", "in batches of 10"]),
        ("cohere", "embed-v4.0", ["developer as system", "in batches of 96"]),
        ("google-ai-studio", "gemini-embedding-001", ["developer as system", "in batches of 100"]),
    ],
)
def test_what_is_known_beforehand(provider, model, names):
    """It costs no refused request."""
    base = None if provider == "openai" else "http://127.0.0.1:9/v1"
    connection = Connection.of("c", provider, "sk-1", base)

    assert [remedy.name for remedy in known(connection, model)] == names


def test_a_server_elsewhere_may_not_have_the_other_path():
    """Only OpenAI itself is known to have it."""
    connection = Connection.of("c", "openai", "sk-1", "http://127.0.0.1:9/v1")

    assert known(connection, "o3-pro") == ()


def test_the_call_becomes_the_text():
    """In a reply and in the pieces of a stream."""
    call = {"function": {"name": "City", "arguments": '{"city":"Oslo"}'}}
    reply = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    piece = {
        "choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"ci'}}]}}]
    }

    assert tool_as_text(reply) == {
        "choices": [{"message": {"content": '{"city":"Oslo"}'}, "finish_reason": "stop"}]
    }
    assert tool_as_text(piece) == {"choices": [{"delta": {"content": '{"ci'}}]}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"city":"Oslo"}', None),
        ("Oslo", "it is not JSON"),
        ('{"city":1}', "$.city breaks 'type'"),
        ("{}", "$ breaks 'required'"),
    ],
)
def test_a_misfit_is_found(text, wrong):
    """What is told of it quotes no answer."""
    assert misfit(text, SCHEMA) == wrong


def test_nothing_is_fetched_for_a_schema():
    """A reference to elsewhere is no reason to go there, and none to refuse an answer."""
    assert misfit("{}", {"$ref": "http://127.0.0.1:9/schema.json"}) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "#"},
        {"$ref": 5},
        {"$schema": 5},
        {"pattern": "("},
        {"pattern": "^(?=z)"},
        {"enum": 5},
        # 2**40 references.
        {
            "$defs": {
                f"a{at}": {"anyOf": [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(40)
            },
            "$ref": "#/$defs/a0",
        },
    ],
)
def test_what_cannot_be_checked_is_no_misfit(schema):
    """Schemas come from callers: one that is none, or that would take for ever, is not held against the answer."""
    assert misfit('"a"', schema) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^(a+)+$"},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "pattern": "^(a+)+$"},
        {"items": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "^(a+)+$"}},
        {"items": {"patternProperties": {"^(a+)+$": False}, "additionalProperties": False}},
        {"items": {"patternProperties": {"^(a+)+$": {}}, "unevaluatedProperties": False}},
    ],
)
def test_no_pattern_of_a_caller_takes_for_ever(schema):
    """Python's own `re` would go back and forth over these letters for years."""
    letters = "a" * 60 + "!"
    text = f'["{letters}", {{"{letters}": 1}}]' if "items" in schema else f'"{letters}"'
    is_checked = "unevaluatedProperties" not in str(schema)

    assert (misfit(text, schema) is not None) is is_checked


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"city": "Seoul", "x-y": 1}', None),
        ('{"city": "seoul"}', "$.city breaks 'pattern'"),
        ('{"city": "Seoul", "y": 1}', "$ breaks 'additionalProperties'"),
        ('{"city": "Seoul", "x-y": "1"}', "$['x-y'] breaks 'type'"),
    ],
)
def test_patterns_are_checked(text, wrong):
    """Of values, and of the names of properties."""
    schema = {
        "properties": {"city": {"type": "string", "pattern": "^[A-Z]"}},
        "patternProperties": {"^x-": {"type": "integer"}},
        "additionalProperties": False,
    }

    assert misfit(text, schema) == wrong


def test_a_stream_that_ends_unfit_is_broken():
    """What was streamed cannot be taken back, so its end is an error."""
    watch = turned_round([AS_JSON_MODE], {"response_format": FORM}, stream=True)
    watch({"choices": [{"index": 0, "delta": {"content": '{"city":'}}]})

    with pytest.raises(InvalidReplyError, match="does not fit its JSON schema"):
        watch({"choices": [{"index": 0, "delta": {"content": "1}"}, "finish_reason": "stop"}]})


def test_a_stream_cut_short_is_the_callers_to_see():
    """The finish reason says so."""
    watch = turned_round([AS_JSON_MODE], {"response_format": FORM}, stream=True)
    last = {"choices": [{"index": 0, "delta": {"content": '{"ci'}, "finish_reason": "length"}]}

    assert watch(last) is last


def test_vectors_of_batches_are_one_list():
    """In order, with the usage of all."""
    one = {
        "data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [2]}],
        "usage": {"prompt_tokens": 2},
    }
    two = {"data": [{"index": 0, "embedding": [3]}], "usage": {"prompt_tokens": 1}}

    assert merged([one, two]) == {
        "data": [
            {"index": 0, "embedding": [1]},
            {"index": 1, "embedding": [2]},
            {"index": 2, "embedding": [3]},
        ],
        "usage": {"prompt_tokens": 3},
    }
