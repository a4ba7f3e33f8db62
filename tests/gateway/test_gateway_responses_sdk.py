"""OpenAI's own SDK asks a real gateway for responses, over providers of every dialect."""

from __future__ import annotations

import asyncio

import httpx
import openai
import pydantic
import pytest
from gateway_support import served
from sdk_targets import MODELS, connections

from genai_integrations import Connection, GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

ADD = {
    "type": "function",
    "name": "add",
    "description": "Adds.",
    "strict": True,
    "parameters": {
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
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_response_over_every_dialect(sdk, model):
    """The SDK's own types, and who answered."""
    raw = sdk.responses.with_raw_response.create(model=model, instructions="Be brief.", input="Hi")
    response = raw.parse()

    assert response.output_text == "seoul says: Hi"
    assert response.status == "completed"
    assert response.usage.input_tokens > 0
    assert response.usage.total_tokens > response.usage.input_tokens
    assert response.id.startswith("resp_")
    assert raw.headers["x-genai-target"] == model


@pytest.mark.parametrize("model", MODELS)
def test_stream_over_every_dialect(sdk, model):
    """The SDK puts the events together to the same response."""
    with sdk.responses.stream(model=model, input="Hi") as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        response = stream.get_final_response()

    assert "".join(deltas) == "seoul says: Hi"
    assert response.output_text == "seoul says: Hi"
    assert response.status == "completed"
    assert response.usage.output_tokens > 0


@pytest.mark.sample(5)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_over_every_dialect(sdk, provider, model, streamed):
    """A call, its result, and the answer to it."""
    provider.replies["*"] = lambda body: TOOL if "result:" not in str(body) else "Two."
    asking = {"model": model, "tools": [ADD]}
    first = _asked(sdk, streamed, input="Hi", tool_choice="required", **asking)

    call = first.output[-1]
    assert (call.type, call.name, call.arguments.replace(" ", "")) == (
        "function_call",
        "add",
        '{"a":1}',
    )
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "result: 2"}
    items = [{"role": "user", "content": "Hi"}, *first.output, result]
    assert _asked(sdk, streamed, input=items, **asking).output_text == "Two."


def _asked(sdk, streamed, **asking):
    if not streamed:
        return sdk.responses.create(**asking)
    with sdk.responses.stream(**asking) as stream:
        return stream.get_final_response()


class Sum(pydantic.BaseModel):
    """What is asked for."""

    total: int


@pytest.mark.parametrize("model", MODELS[:-1])
def test_structured_output_over_every_dialect(sdk, provider, model):
    """The SDK's own `parse`."""
    provider.replies["*"] = '{"total": 2}'

    response = sdk.responses.parse(model=model, input="Hi", text_format=Sum)

    assert response.output_parsed == Sum(total=2)


def test_async_client(gateway):
    """Two streams at once."""

    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{gateway}/v1", api_key="any") as sdk:

            async def one():
                async with sdk.responses.stream(model="chat/gpt-4o", input="Hi") as stream:
                    return (await stream.get_final_response()).output_text

            return await asyncio.gather(one(), one())

    assert asyncio.run(ask()) == ["seoul says: Hi", "seoul says: Hi"]


@pytest.mark.parametrize("streamed", [False, True])
def test_claudes_thought_goes_back_with_its_signature(sdk, provider, streamed):
    """Inside the encrypted content of a thought, which no API but its own has a place for."""
    provider.replies["*"] = {"content": "4", "reasoning_content": "hm"}
    asking = {"model": "claude/claude-sonnet-4-5", "reasoning": {"effort": "low"}}

    first = _asked(sdk, streamed, input="Hi", **asking)
    assert [item.type for item in first.output][:2] == (["reasoning", "message"])
    assert first.output[0].summary[0].text == "hm"

    items = [
        {"role": "user", "content": "Hi"},
        *first.output,
        {"role": "user", "content": "Go on."},
    ]
    _asked(sdk, streamed, input=items, **asking)
    block = provider.requests[-1].body["messages"][1]["content"][0]
    assert (block["type"], block["thinking"]) == ("thinking", "hm")
    assert block["signature"]


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        (Fault.status(400, message="bad"), openai.BadRequestError, 400),
        (Fault.rate_limited(retry_after=7), openai.RateLimitError, 429),
        (Fault.status(500), openai.InternalServerError, 502),
        (Fault.unauthorized(), openai.InternalServerError, 502),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_providers_failure_is_the_sdks_exception(sdk, provider, fault, kind, status, streamed):
    """A refused key of the gateway's own is not the caller's fault."""
    provider.faults["*"] = fault

    with pytest.raises(kind) as failure:
        _asked(sdk, streamed, model="chat/gpt-4o", input="Hi")

    assert failure.value.status_code == status
    assert failure.value.request_id.startswith("req_")


def test_what_is_not_served_is_the_sdks_exception(sdk):
    """With the line that says what to do."""
    with pytest.raises(openai.NotFoundError):
        sdk.responses.create(model="nobody-knows", input="Hi")
    with pytest.raises(openai.BadRequestError) as refusal:
        sdk.responses.create(model="chat/gpt-4o", input="Hi", previous_response_id="resp_1")

    assert refusal.value.param == "previous_response_id"
    assert refusal.value.body["message"] == (
        "previous_response_id: no answers are kept here: send the whole conversation in input"
    )


def test_stream_that_breaks_ends_with_a_failed_response(sdk, provider):
    """Behind what had come."""
    provider.faults["*"] = Fault.cut(2)

    events = list(sdk.responses.create(model="chat/gpt-4o", input="Hi", stream=True))

    assert events[-1].type == "response.failed"
    assert events[-1].response.error.code == "server_error"
    assert "the stream broke" in events[-1].response.error.message


def test_stream_that_begins_anew_behind_the_target_ends(provider):
    """At another gateway, whose chats can tell of it: what came before and after is not put together."""
    provider.faults["gpt-4o"] = Fault.cut(2, times=1)
    recovering = GenAIClient(
        connections=connections(provider.url),
        router_args={"num_retries": 1, "stream_recovery": "restart"},
    )
    with served(GatewayOptions(OpenKeys(recovering), drain_delay=0)) as url:
        client = GenAIClient(connections=[Connection.of("far", "openai", "sk-1", f"{url}/v1")])
        create = client.as_openai().responses.create
        events = list(create(model="far/chat/gpt-4o", input="Hi", stream=True))

    assert events[-1].type == "response.failed"
    assert events[-1].response.error.message == (
        "the stream broke, and this API has no way to say that it begins anew: ask again"
    )


@pytest.mark.parametrize("path", ["/v1/responses", "/responses"])
def test_route_has_two_addresses(gateway, path):
    """With and without `/v1`."""
    answer = httpx.post(f"{gateway}{path}", json={"model": "chat/gpt-4o", "input": "Hi"})

    assert answer.status_code == 200
    assert answer.headers["x-genai-target"] == "chat/gpt-4o"
