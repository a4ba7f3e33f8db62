"""What a model of Bedrock does not take is learnt from what Bedrock says; the sources of the words stand beside them."""

from __future__ import annotations

import json

import pytest
from bedrock_data import CLAUDE, HELLO, NOVA, PAIR

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import BadRequestError
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}  # fmt: skip
FORM = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
NOW = {"type": "function", "function": {"name": "now"}}
MARKED = [{"role": "user", "content": [{"type": "text", "text": "Hello!", "cache_control": {"type": "ephemeral"}}]}]  # fmt: skip
TOLD = [
    {"role": "user", "content": "a"},
    {
        "role": "assistant",
        "content": "b",
        "thinking_blocks": [{"type": "redacted_thinking", "data": "eno="}],
    },
    *HELLO,
]


@pytest.fixture
def provider():
    """A Bedrock."""
    with ScriptedProvider("aws") as server:
        yield server


@pytest.fixture
def client(provider):
    """A client of it."""
    connection = Connection.of("aws", "bedrock", PAIR, provider.url, region="us-east-1")
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        yield client


@pytest.mark.parametrize(
    ("words", "params", "remedy"),
    [
        # github.com/NousResearch/hermes-agent/pull/97327
        ("Malformed input request: #/messages/0/content/1: extraneous key [cachePoint] is not permitted, please reformat your input and try again.", {"messages": MARKED}, "without cache_control"),
        # github.com/BerriAI/litellm: `bedrock_model_accepts_cache_points`
        ("You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.", {"messages": MARKED}, "without cache_control"),
        ("This model doesn't support the cachePoint field. Remove cachePoint and try again.", {"messages": MARKED}, "without cache_control"),
        # github.com/vercel/ai/pull/15352
        ("The model returned the following errors: output_config.format: Extra inputs are not permitted", {"response_format": FORM}, "json_schema as a tool"),
        ("This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.", {"response_format": FORM}, "json_schema as a tool"),
        ("This model doesn't support system messages. Try again with a model that does.", {"messages": [{"role": "system", "content": "Be kind."}, *HELLO]}, "system as user"),
        ("This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.", {"tools": [NOW], "tool_choice": "required"}, "tool_choice auto"),
        ("The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model. Please use only one.", {"temperature": 0.5, "top_p": 0.5}, "without top_p"),
        ("This model doesn't support the inferenceConfig.topP field. Remove topP and try again.", {"top_p": 0.5}, "without top_p"),
        ("The model returned the following errors: `temperature` is deprecated for this model.", {"temperature": 0.5}, "without temperature"),
        ("The model returned the following errors: thinking: Extra inputs are not permitted", {"reasoning_effort": "low", "max_tokens": 3000}, "without reasoning_effort"),
        ("The model returned the following errors: tool_choice.disable_parallel_tool_use: Extra inputs are not permitted", {"tools": [NOW], "parallel_tool_calls": False}, "without parallel_tool_calls"),
        ("This model doesn't support the reasoningContent field. Remove reasoningContent and try again.", {"messages": TOLD}, "without thinking_blocks"),
        ("This model doesn't support the serviceTier field. Remove serviceTier and try again.", {"service_tier": "flex"}, "without service_tier"),
    ],
)  # fmt: skip
def test_what_is_refused_is_said_otherwise(client, provider, words, params, remedy):
    """Once refused, it is left out or said in another way; the next call begins with that."""
    provider.faults["*"] = Fault.bad_request(words, times=1)
    asked = {"messages": HELLO, **params}
    first = client.completion(f"aws/{CLAUDE}", **asked)
    second = client.completion(f"aws/{CLAUDE}", **asked)

    assert [attempt.restated for attempt in first.route.attempts] == [(), (remedy,)]
    assert [attempt.restated for attempt in second.route.attempts] == [(remedy,)]


def test_tools_are_not_streamed(client, provider):
    """A model that cannot stream calls answers whole, as one chunk, with its usage behind it."""
    words = "This model doesn't support tool use in streaming mode."
    provider.faults["*"] = Fault.bad_request(words, times=1)
    chunks = list(
        client.completion(f"aws/{CLAUDE}", HELLO, tools=[NOW], tool_choice="required", stream=True)
    )
    (call,) = chunks[0].choices[0].delta.tool_calls

    assert [request.path.rpartition("/")[2] for request in provider.requests] == ["converse-stream", "converse"]  # fmt: skip
    assert (call.function.name, call.function.arguments) == ("now", "{}")
    assert chunks[0].choices[0].finish_reason == "tool_calls"
    assert chunks[-1].usage.completion_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "restated"),
    [
        (CLAUDE, ()),
        (NOVA, ("json_schema as a tool",)),
        ("us.anthropic.claude-opus-5-5", ("json_schema as JSON mode",)),
    ],
)
def test_a_schema_is_asked_for_as_each_model_takes_it(client, provider, model, restated, stream):
    """By Converse's own field, by a tool that must be called, or in words where no tool can be forced."""
    if not restated or "tool" not in restated[0]:
        provider.replies["*"] = '{"n": 1}'
    answer = client.completion(f"aws/{model}", HELLO, response_format=FORM, stream=stream)
    if stream:
        chunks = [chunk for chunk in answer if chunk.choices]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        finish = chunks[-1].choices[0].finish_reason
    else:
        text, finish = answer.choices[0].message.content, answer.choices[0].finish_reason
    body = provider.requests[0].body

    assert json.loads(text) == {"n": 1}
    assert finish == "stop"
    assert answer.route.attempts[0].restated == restated
    assert ("outputConfig" in body, "toolConfig" in body, "system" in body) == (
        model == CLAUDE, model == NOVA, "opus" in model,
    )  # fmt: skip


def test_a_schema_that_cannot_be_enforced(client, provider):
    """An open object has no form in Converse's own field, so it is asked for by a tool; a limit is said in words."""
    opened = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": True}  # fmt: skip
    limited = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}  # fmt: skip
    answers = [
        client.completion(f"aws/{CLAUDE}", HELLO, response_format=wanted(schema))
        for schema in (opened, limited)
    ]
    first, second = (request.body for request in provider.requests)
    sent = json.loads(second["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"])

    assert [json.loads(row.choices[0].message.content) for row in answers] == [{"n": 1}, {"n": 1}]
    assert answers[0].route.attempts[0].restated == ("json_schema as a tool",)
    assert "outputConfig" not in first
    assert sent == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}},
        "required": ["n"],
        "additionalProperties": False,
    }


def wanted(schema):
    """A response format of a schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def test_a_schema_while_it_thinks(client, provider):
    """Then no call can be forced, so an older Claude is asked in words."""
    provider.replies["*"] = '{"n": 1}'
    answer = client.completion(
        "aws/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        HELLO,
        response_format=FORM,
        reasoning_effort="low",
        max_tokens=3000,
    )

    assert json.loads(answer.choices[0].message.content) == {"n": 1}
    assert answer.route.attempts[0].restated == ("json_schema as JSON mode",)
    assert "toolConfig" not in provider.requests[0].body


def test_a_value_out_of_range_is_the_callers(client, provider):
    """Nothing is left out for it."""
    words = "1 validation error detected: Value '3.0' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1"  # fmt: skip
    provider.faults["*"] = Fault.bad_request(words)

    with pytest.raises(BadRequestError, match="less than or equal"):
        client.completion(f"aws/{CLAUDE}", HELLO, temperature=3.0)

    assert len(provider.requests) == 1


def test_texts_go_in_batches(client, provider):
    """Titan takes one text in a request, Cohere 96; that is known, and the vectors come in their order."""
    titan = client.embedding("aws/amazon.titan-embed-text-v2:0", ["a", "b c", "d"])
    cohere = client.embedding("aws/cohere.embed-english-v3", ["x"] * 97)

    assert [row.index for row in titan.data] == [0, 1, 2]
    assert titan.usage.prompt_tokens == 4
    assert len(cohere.data) == 97
    assert cohere.usage.prompt_tokens == 97
    assert len(provider.requests) == 3 + 2
