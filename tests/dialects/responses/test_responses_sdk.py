"""OpenAI's own SDK: it builds the bodies that we send, and reads what our scripted server says."""

from __future__ import annotations

import asyncio

import openai
import pytest
from openai.types.responses import Response
from responses_support import body_of

from genai_integrations.testing.provider import ScriptedProvider

ASK = {"role": "user", "content": "one two"}
FUNCTION = {"name": "add", "description": "adds", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}}  # fmt: skip
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}  # fmt: skip
PNG = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture(scope="module")
def server():
    """The Responses API."""
    with ScriptedProvider("sdk") as provider:
        yield provider


@pytest.fixture
def sdk(server):
    """OpenAI's client."""
    server.requests.clear()
    server.replies.clear()
    server.faults.clear()
    with openai.OpenAI(
        api_key="sk-1", base_url=f"{server.url}/v1", max_retries=0, timeout=20
    ) as client:
        yield client


INTENTS = {
    "a text": ({"input": [ASK]}, {"messages": [ASK]}),
    "roles": (
        {"input": [{"role": "developer", "content": "short"}, ASK]},
        {"messages": [{"role": "developer", "content": "short"}, ASK]},
    ),
    "a function": (
        {
            "input": [ASK],
            "tools": [{"type": "function", **FUNCTION, "strict": True}],
            "tool_choice": {"type": "function", "name": "add"},
            "parallel_tool_calls": False,
        },
        {
            "messages": [ASK],
            "tools": [{"type": "function", "function": {**FUNCTION, "strict": True}}],
            "tool_choice": {"type": "function", "function": {"name": "add"}},
            "parallel_tool_calls": False,
        },
    ),
    "a result": (
        {
            "input": [
                ASK,
                {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "3"},
            ]
        },
        {
            "messages": [
                ASK,
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "add", "arguments": "{}"},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "3"},
            ]
        },
    ),
    "a schema": (
        {
            "input": [ASK],
            "text": {
                "format": {"type": "json_schema", "name": "r", "schema": SCHEMA, "strict": True},
                "verbosity": "low",
            },
        },
        {
            "messages": [ASK],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "r", "schema": SCHEMA, "strict": True},
            },
            "verbosity": "low",
        },
    ),
    "pictures and files": (
        {
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "see"},
                        {"type": "input_image", "image_url": PNG, "detail": "high"},
                        {
                            "type": "input_file",
                            "filename": "a.pdf",
                            "file_data": "data:application/pdf;base64,JVBERg==",
                        },
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "see"},
                        {"type": "image_url", "image_url": {"url": PNG, "detail": "high"}},
                        {
                            "type": "file",
                            "file": {
                                "filename": "a.pdf",
                                "file_data": "data:application/pdf;base64,JVBERg==",
                            },
                        },
                    ],
                }
            ]
        },
    ),
    "limits, records and log probabilities": (
        {
            "input": [ASK],
            "max_output_tokens": 50,
            "temperature": 0.5,
            "include": ["message.output_text.logprobs"],
            "top_logprobs": 2,
            "metadata": {"a": "b"},
            "store": False,
            "service_tier": "flex",
            "safety_identifier": "u",
            "prompt_cache_key": "k",
            "truncation": "auto",
        },
        {
            "messages": [ASK],
            "max_tokens": 50,
            "temperature": 0.5,
            "logprobs": True,
            "top_logprobs": 2,
            "metadata": {"a": "b"},
            "store": False,
            "service_tier": "flex",
            "safety_identifier": "u",
            "prompt_cache_key": "k",
            "truncation": "auto",
        },
    ),
}


@pytest.mark.parametrize("intent", INTENTS)
def test_the_same_intent_is_the_same_body(intent, sdk, server):
    """Body for body; and the server, which checks by the published description, takes it."""
    native, chat = INTENTS[intent]
    sdk.responses.create(model="gpt-4.1", **native)

    assert body_of(**chat) == server.requests[-1].body


def test_thoughts_without_a_store(sdk, server):
    """What the guide on reasoning asks for to continue a conversation that nobody stores."""
    server.replies["*"] = {"reasoning_content": "hm", "content": "ok"}
    asked = {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]}
    first = sdk.responses.create(model="gpt-5", input=[ASK], store=False, **asked)
    items = [item.model_dump(exclude_none=True) for item in first.output]
    sdk.responses.create(model="gpt-5", input=[ASK, *items, ASK], store=False, **asked)
    sent = server.requests[-1].body

    message = {"role": "assistant", "content": "ok", "provider_specific_fields": {"output_items": items}}  # fmt: skip
    ours = body_of([ASK, message, ASK], "gpt-5", store=False, reasoning_effort="low")

    assert ours == sent
    assert ours["input"][1]["encrypted_content"].startswith("gAAAA")


@pytest.mark.parametrize(
    "reply",
    [
        "one two",
        {"reasoning_content": "hm hm", "content": "ok"},
        {"content": "see", "tool_calls": [{"name": "add", "arguments": {"a": 1}}, {"name": "add"}]},
        {"content": None, "refusal": "I can't"},
        {"content": "ok", "annotations": [{"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "u"}}]},
    ],
)  # fmt: skip
def test_the_sdk_reads_the_scripted_server(reply, sdk, server):
    """Whole and streamed alike: its stream puts the events together to the response that is at the end."""
    server.replies["*"] = reply
    asked = {"model": "gpt-5", "input": "hi", "tools": [{"type": "function", **FUNCTION, "strict": True}]}  # fmt: skip
    whole = sdk.responses.create(**asked)
    with sdk.responses.stream(**asked) as stream:
        kinds = [event.type for event in stream]
        streamed = stream.get_final_response()

    assert isinstance(whole, Response)
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert whole.output_text == streamed.output_text
    assert [item.type for item in whole.output] == [item.type for item in streamed.output]
    assert whole.usage == streamed.usage


def test_errors_of_the_scripted_server(sdk, server):
    """The SDK knows them."""
    with pytest.raises(openai.BadRequestError, match="Unknown parameter: 'stop'"):
        sdk.responses.create(model="gpt-4.1", input="hi", extra_body={"stop": "x"})
    with pytest.raises(openai.BadRequestError, match="No tool output found for function call c"):
        sdk.responses.create(
            model="gpt-4.1",
            input=[{"type": "function_call", "call_id": "c", "name": "a", "arguments": "{}"}],
        )
    with pytest.raises(openai.BadRequestError, match="without its required following item"):
        sdk.responses.create(model="gpt-5", input=[{"type": "reasoning", "id": "rs_1", "summary": []}])  # fmt: skip


def test_the_asynchronous_sdk(server):
    """The events are the same."""

    async def texts():
        async with openai.AsyncOpenAI(api_key="sk-1", base_url=f"{server.url}/v1") as client:
            stream = await client.responses.create(model="gpt-4.1", input="one two", stream=True)
            return [event.delta async for event in stream if event.type == "response.output_text.delta"]  # fmt: skip

    server.replies.clear()
    assert asyncio.run(texts()) == ["sdk", " says:", " one", " two"]
