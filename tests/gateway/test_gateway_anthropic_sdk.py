"""Anthropic's own SDK against a real gateway, over providers of every dialect."""

from __future__ import annotations

import asyncio

import anthropic
import httpx
import pydantic
import pytest
from gateway_support import served
from sdk_targets import MODELS, connections

from genai_integrations import GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

HELLO = [{"role": "user", "content": "Hi"}]
ADD = {
    "name": "add",
    "description": "Adds.",
    "input_schema": {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    },
}
TOOL = {"tool_calls": [{"name": "add", "arguments": {"a": 1}}]}


@pytest.fixture(scope="module")
def provider():
    """Whoever the gateway asks, in whatever dialect."""
    with ScriptedProvider("seoul") as server:
        yield server


@pytest.fixture(autouse=True)
def _as_new(provider):
    provider.replies.clear()
    provider.faults.clear()


@pytest.fixture(scope="module")
def gateway(provider):
    """Its address."""
    client = GenAIClient(connections=connections(provider.url), router_args={"num_retries": 0})
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        yield url


@pytest.fixture
def sdk(gateway):
    """The SDK, which asks once."""
    with anthropic.Anthropic(base_url=gateway, api_key="any", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_message_over_every_dialect(sdk, model):
    """The SDK's own types, the id of the request, and who answered."""
    message = sdk.messages.create(model=model, max_tokens=100, system="Be brief.", messages=HELLO)

    assert message.content[-1].text == "seoul says: Hi"
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0
    assert message.id.startswith("msg_")
    assert message._request_id.startswith("req_")


@pytest.mark.parametrize("model", MODELS)
def test_stream_over_every_dialect(sdk, model):
    """The SDK puts the events together to the same message."""
    with sdk.messages.stream(model=model, max_tokens=100, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()

    assert text == "seoul says: Hi"
    assert message.content[-1].text == "seoul says: Hi"
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0


@pytest.mark.sample(5)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_over_every_dialect(sdk, provider, model, streamed):
    """A call, its result, and the answer to it."""
    provider.replies["*"] = lambda body: TOOL if "result:" not in str(body) else "Two."
    asking = {"model": model, "max_tokens": 100, "tools": [ADD], "tool_choice": {"type": "any"}}
    first = _asked(sdk, streamed, messages=HELLO, **asking)

    call = first.content[-1]
    assert first.stop_reason == "tool_use"
    assert (call.type, call.name, call.input) == ("tool_use", "add", {"a": 1})

    result = {"type": "tool_result", "tool_use_id": call.id, "content": "result: 2"}
    turns = [
        *HELLO,
        {"role": "assistant", "content": [row.model_dump() for row in first.content]},
        {"role": "user", "content": [result]},
    ]
    asking["tool_choice"] = {"type": "auto"}
    assert _asked(sdk, streamed, messages=turns, **asking).content[-1].text == "Two."


def _asked(sdk, streamed, **asking):
    if not streamed:
        return sdk.messages.create(**asking)
    with sdk.messages.stream(**asking) as stream:
        return stream.get_final_message()


class Sum(pydantic.BaseModel):
    """What is asked for."""

    total: int


@pytest.mark.parametrize("model", MODELS[:-1])
def test_structured_output_over_every_dialect(sdk, provider, model):
    """The SDK's own `parse`."""
    provider.replies["*"] = '{"total": 2}'

    message = sdk.messages.parse(model=model, max_tokens=100, messages=HELLO, output_format=Sum)

    assert message.parsed_output == Sum(total=2)


def test_async_client(gateway):
    """Two streams at once."""

    async def ask():
        async with anthropic.AsyncAnthropic(base_url=gateway, api_key="any") as sdk:

            async def one():
                async with sdk.messages.stream(
                    model="chat/gpt-4o", max_tokens=9, messages=HELLO
                ) as stream:
                    return await stream.get_final_text()

            return await asyncio.gather(one(), one())

    assert asyncio.run(ask()) == ["seoul says: Hi", "seoul says: Hi"]


def test_thinking_is_shown_and_goes_back(sdk, provider):
    """With the signature that its provider knows it by."""
    provider.replies["*"] = {"content": "4", "reasoning_content": "hm"}
    asking = {"model": "claude/claude-sonnet-4-5", "max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}}  # fmt: skip

    first = sdk.messages.create(messages=HELLO, **asking)
    thought = first.content[0]
    assert thought.type == "thinking"
    assert thought.thinking == "hm"
    assert thought.signature

    turns = [*HELLO, {"role": "assistant", "content": first.content}, *HELLO]
    sdk.messages.create(messages=turns, **asking)
    assert provider.requests[-1].body["messages"][1]["content"][0] == {
        "type": "thinking",
        "thinking": "hm",
        "signature": thought.signature,
    }


def test_betas_go_to_a_claude_and_to_nobody_else(sdk, provider):
    """Beside those that the request itself makes use of."""
    asking = {"max_tokens": 9, "messages": HELLO, "betas": ["context-1m-2025-08-07"]}

    sdk.beta.messages.create(model="claude/claude-sonnet-4-5", **asking)
    assert provider.requests[-1].headers["anthropic-beta"] == "context-1m-2025-08-07"
    sdk.beta.messages.create(model="chat/gpt-4o", **asking)
    assert "anthropic-beta" not in provider.requests[-1].headers


@pytest.mark.parametrize("model", ["chat/gpt-4o", "gemini/gemini-2.5-flash"])
def test_tokens_are_counted(sdk, model):
    """By the provider where it counts, else here."""
    more = {"fallbacks": ["responses/gpt-5"]}
    count = sdk.messages.count_tokens(model=model, messages=HELLO, tools=[ADD], extra_body=more)

    assert count.input_tokens > 1


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        (Fault.status(400, message="bad"), anthropic.BadRequestError, 400),
        (Fault.rate_limited(retry_after=7), anthropic.RateLimitError, 429),
        (Fault.status(500), anthropic.InternalServerError, 502),
        (Fault.status(503), anthropic.InternalServerError, 529),
        (Fault.status(529), anthropic.InternalServerError, 529),
        (Fault.unauthorized(), anthropic.InternalServerError, 502),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_providers_failure_is_the_sdks_exception(sdk, provider, fault, kind, status, streamed):
    """A refused key of the gateway's own is not the caller's fault."""
    provider.faults["*"] = fault

    with pytest.raises(kind) as failure:
        _asked(sdk, streamed, model="chat/gpt-4o", max_tokens=9, messages=HELLO)

    assert failure.value.status_code == status
    assert failure.value.body["type"] == "error"
    assert failure.value.request_id.startswith("req_")
    if status == 429:
        assert failure.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(("path", "status"), [("messages", 529), ("chat/completions", 503)])
@pytest.mark.parametrize("fault", [Fault.status(529), Fault.error_event(0)], ids=["head", "stream"])
def test_an_overloaded_claude_is_overloaded(gateway, provider, path, status, fault):
    """In each API's own word for it, whether its refusal has a status or comes as the first event of a stream."""
    provider.faults["*"] = fault
    body = {"model": "claude/claude-sonnet-4-5", "max_tokens": 9, "messages": HELLO, "stream": True}

    answer = httpx.post(f"{gateway}/v1/{path}", json=body)

    assert answer.status_code == status
    kind = "overloaded_error" if path == "messages" else "server_error"
    assert answer.json()["error"]["type"] == kind


def test_what_the_caller_did_wrong_is_the_sdks_exception(sdk):
    """A model that nobody serves, and a body that is none."""
    with pytest.raises(anthropic.NotFoundError):
        sdk.messages.create(model="nobody-knows", max_tokens=9, messages=HELLO)
    with pytest.raises(anthropic.BadRequestError) as refusal:
        sdk.messages.create(model="chat/gpt-4o", max_tokens=9, messages=[{"role": "bot", "content": "Hi"}])  # fmt: skip

    assert refusal.value.body["error"] == {
        "type": "invalid_request_error",
        "message": "messages.0.role: must be one of user, assistant, system",
    }


def test_stream_that_breaks_ends_with_an_error_event(gateway, provider):
    """In Anthropic's shape, behind what had come."""
    provider.faults["*"] = Fault.cut(2)
    body = {"model": "chat/gpt-4o", "max_tokens": 9, "messages": HELLO, "stream": True}

    text = httpx.post(f"{gateway}/v1/messages", json=body).text

    assert text.startswith("event: message_start\n")
    last = text.split("\n\n")[-2]
    assert last.startswith('event: error\ndata: {"type":"error","error":{"type":"api_error",')


@pytest.mark.parametrize("path", ["/v1/messages", "/messages"])
def test_route_has_two_addresses(gateway, path):
    """With and without `/v1`, by `curl` too: no version needs to be named."""
    body = {"model": "chat/gpt-4o", "max_tokens": 9, "messages": HELLO}
    answer = httpx.post(f"{gateway}{path}?beta=true", json=body)

    assert answer.status_code == 200
    assert answer.headers["x-genai-target"] == "chat/gpt-4o"
    assert answer.headers["request-id"] == answer.headers["x-request-id"]
    assert answer.json()["genai"]["target"] == "chat/gpt-4o"
