"""Anthropic's own SDK: it builds what our dialect sends, and reads what our scripted server says."""

from __future__ import annotations

import copy

import anthropic
import pytest
from anthropic.lib._parse._transform import transform_schema
from claude_calls import function

from genai_integrations import Connection, GenAIClient
from genai_integrations.testing.provider import ScriptedProvider

# What the SDK says of older models is nobody's concern here.
pytestmark = pytest.mark.filterwarnings("ignore:The model '.*' is deprecated:DeprecationWarning")

MODEL = "claude-sonnet-4-5"
VERSION = {"anthropic-version": "2023-06-01"}
B64 = "iVBORw0KGgo="
PDF = "JVBERi0xLjQK"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1}},
    "required": ["n"],
}
MARK = {"type": "ephemeral", "ttl": "1h"}


def user(content):
    return {"role": "user", "content": content}


def text(words, **more):
    return {"type": "text", "text": words, **more}


CALL = {
    "id": "toolu_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Seoul"}'},
}

INTENTS = {
    "a question": (
        {"messages": [user("hi")], "max_tokens": 64},
        {"messages": [user([text("hi")])], "max_tokens": 64},
    ),
    "system, sampling and stops": (
        {"messages": [{"role": "system", "content": "be kind"}, user("hi")], "max_tokens": 64, "temperature": 0.5, "stop": ["END"], "user": "u-1"},
        {"messages": [user([text("hi")])], "system": [text("be kind")], "max_tokens": 64, "temperature": 0.5, "stop_sequences": ["END"], "metadata": {"user_id": "u-1"}},
    ),
    "a picture and a document": (
        {
            "messages": [user([
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{B64}"}},
                {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}},
                text("see", cache_control=MARK),
            ])],
            "max_tokens": 64,
        },
        {
            "messages": [user([
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": B64}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
                text("see", cache_control=MARK),
            ])],
            "max_tokens": 64,
        },
    ),
    "a tool and its result": (
        {
            "messages": [
                user("weather?"),
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "toolu_1", "content": "sunny"},
            ],
            "max_tokens": 64,
            "tools": [function("weather", CITY, description="The weather.")],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "parallel_tool_calls": False,
        },
        {
            "messages": [
                user([text("weather?")]),
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Seoul"}}
                ]},
                user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}]),
            ],
            "max_tokens": 64,
            "tools": [{"name": "weather", "description": "The weather.", "input_schema": CITY}],
            "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
        },
    ),
    "thinking": (
        {"messages": [user("hi")], "max_tokens": 4000, "reasoning_effort": "medium"},
        {"messages": [user([text("hi")])], "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2048}},
    ),
    "a schema": (
        {
            "messages": [user("hi")], "max_tokens": 64,
            "response_format": {"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA}},
        },
        {
            "messages": [user([text("hi")])], "max_tokens": 64,
            "output_config": {"format": {"type": "json_schema", "schema": transform_schema(copy.deepcopy(SCHEMA))}},
        },
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def server():
    """A scripted server in Anthropic's dialect."""
    with ScriptedProvider("claude") as server:
        yield server


@pytest.fixture
def sdk(server):
    """The SDK, pointed at it."""
    server.requests.clear()
    server.replies.clear()
    # Its own version of the API is a later one, which has no sampling parameters any more.
    with anthropic.Anthropic(
        api_key="sk-ant-example", base_url=server.url, max_retries=0, default_headers=VERSION
    ) as client:
        yield client


@pytest.fixture
def ours(server):
    """Our client, pointed at it."""
    connection = Connection.of("c", "anthropic", "sk-ant-example", server.url)
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        yield client


@pytest.mark.parametrize("name", INTENTS)
def test_the_same_intent_is_the_same_body(name, server, sdk, ours):
    """What we send is what the SDK sends, to the same path; its newest version calls the key a bearer."""
    mine, theirs = copy.deepcopy(INTENTS[name])
    ours.completion(f"c/{MODEL}", **mine)
    sampling = {"temperature": theirs.pop("temperature")} if "temperature" in theirs else None
    sdk.messages.create(model=MODEL, **theirs, extra_body=sampling)
    first, second = server.requests

    assert first.body == second.body
    assert (first.method, first.path) == (second.method, second.path)
    assert first.headers["content-type"] == second.headers["content-type"]
    assert first.headers["x-api-key"] == "sk-ant-example"
    assert second.headers["authorization"] == "Bearer sk-ant-example"


THOUGHT = {
    "reasoning_content": "I have to look",
    "content": "Let me see",
    "tool_calls": [{"name": "weather", "arguments": {"city": "서울"}}],
}


def told(reply):
    """Words, thoughts and calls of a reply in OpenAI's shape."""
    message = reply["choices"][0]["message"]
    (call,) = message["tool_calls"]
    return message["content"], message["reasoning_content"], call["function"]["name"]


def test_both_read_the_same_of_what_the_server_says(server, sdk, ours):
    """The SDK finds in the scripted answer what we find, whole and streamed."""
    server.replies["*"] = THOUGHT
    asked = {"model": MODEL, "max_tokens": 64, "messages": [user("hi")]}
    tools = [{"name": "weather", "input_schema": CITY}]
    whole = sdk.messages.create(**asked, tools=tools)
    with sdk.messages.stream(**asked, tools=tools) as stream:
        streamed = stream.get_final_message()
    reply = ours.completion(
        f"c/{MODEL}", [user("hi")], max_tokens=64, tools=[function("weather", CITY)]
    )

    for message in (whole, streamed):
        thinking, words, call = message.content
        assert (words.text, thinking.thinking, call.name) == told(reply)
        assert call.input == {"city": "서울"}
        assert message.stop_reason == reply["choices"][0]["native_finish_reason"] == "tool_use"
        assert message.usage.output_tokens == reply["usage"]["completion_tokens"]
        assert (
            thinking.signature == reply["choices"][0]["message"]["thinking_blocks"][0]["signature"]
        )


def test_what_the_sdk_answers_with_goes_back_through_ours(server, sdk, ours):
    """A conversation that began with the SDK goes on with us: signatures hold."""
    server.replies["*"] = THOUGHT
    thinking = {"type": "enabled", "budget_tokens": 1024}
    first = sdk.messages.create(
        model=MODEL, max_tokens=4000, thinking=thinking, messages=[user("hi")],
        tools=[{"name": "weather", "input_schema": CITY}],
    )  # fmt: skip
    server.replies.clear()
    thought, words, call = first.model_dump()["content"]
    wire = {
        "id": call["id"],
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "서울"}'},
    }
    said = {
        "role": "assistant",
        "content": words["text"],
        "thinking_blocks": [thought],
        "tool_calls": [wire],
    }
    result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
    reply = ours.completion(
        f"c/{MODEL}", [user("hi"), said, result],
        max_tokens=4000, reasoning_effort="low", tools=[function("weather", CITY)],
    )  # fmt: skip

    assert reply.choices[0].message.content == "claude says: the tool answered sunny"


@pytest.mark.parametrize("where", ["/v1/messages", "/v1", "", "/"])
def test_a_base_url_may_be_stored_in_any_of_its_shapes(where, server):
    """With the path, with the version, with neither."""
    server.requests.clear()
    connection = Connection.of("c", "anthropic", "sk-ant-example", f"{server.url}/proxy{where}")
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        client.completion(f"c/{MODEL}", [user("hi")])

    assert server.requests[0].path == "/proxy/v1/messages"


def test_foundry_takes_its_own_key(server):
    """Claude on Azure: the same messages at `/anthropic`, as the SDK's `AnthropicFoundry` asks for them."""
    server.requests.clear()
    base = f"{server.url}/anthropic"
    connection = Connection.of("c", "azure", "azure-key", base, custom_models=["claude-sonnet-4-5"])
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        client.completion("claude-sonnet-4-5", [user("hi")], max_tokens=64)
    with anthropic.AnthropicFoundry(api_key="azure-key", base_url=f"{base}/", max_retries=0) as sdk:
        sdk.messages.create(model=MODEL, max_tokens=64, messages=[user([text("hi")])])
    first, second = server.requests

    assert first.body == second.body
    assert first.path == second.path == "/anthropic/v1/messages"
    assert first.headers["api-key"] == second.headers["api-key"] == "azure-key"
    assert first.headers["anthropic-version"] == VERSION["anthropic-version"]


def test_a_token_of_anthropics_own_programs_is_a_bearer(server):
    """It goes into another header, and has a beta; one of the connection's and one of the call's are sent beside."""
    server.requests.clear()
    connection = Connection.of(
        "c", "anthropic", "sk-ant-oat01-x", server.url, extra_headers={"x-team": "a"}
    )
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        client.completion(
            f"c/{MODEL}", [user("hi")], extra_headers={"anthropic-beta": "context-1m-2025-08-07"}
        )
    headers = server.requests[0].headers

    assert headers["authorization"] == "Bearer sk-ant-oat01-x"
    assert "x-api-key" not in headers
    assert headers["anthropic-beta"] == "oauth-2025-04-20,context-1m-2025-08-07"
    assert headers["x-team"] == "a"


def test_betas_of_a_connection_and_of_a_call_are_both_sent(server):
    """One does not take the other's place."""
    server.requests.clear()
    connection = Connection.of(
        "c", "anthropic", "sk-ant-example", server.url, extra_headers={"anthropic-beta": "a-1"}
    )
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        client.completion(f"c/{MODEL}", [user("hi")], extra_headers={"anthropic-beta": "b-2"})

    assert server.requests[0].headers["anthropic-beta"] == "a-1,b-2"
