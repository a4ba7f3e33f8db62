"""`client.as_openai().responses`: OpenAI's own SDK asks for responses in the same process, over providers of every dialect."""

from __future__ import annotations

import asyncio

import openai
import pydantic
import pytest
from sdk_targets import MODELS, connections

from genai_integrations import GenAIClient
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


class Sum(pydantic.BaseModel):
    """What is asked for."""

    total: int


@pytest.fixture(scope="module")
def server():
    """Whoever is asked, in whatever dialect."""
    with ScriptedProvider("seoul") as made:
        yield made


@pytest.fixture
def provider(server):
    """The same, as new."""
    server.replies.clear()
    server.faults.clear()
    server.requests.clear()
    return server


@pytest.fixture
def client(provider):
    """A client of five connections, each of another dialect."""
    args = {"num_retries": 0, "cooldown_time": 0}
    with GenAIClient(connections=connections(provider.url), router_args=args) as made:
        yield made


class Threads:
    """The SDK for threads."""

    def __init__(self, client):
        self.sdk = client.as_openai()

    def create(self, **given):
        """An answer, or the events of one."""
        answer = self.sdk.responses.create(**given)
        return list(answer) if isinstance(answer, openai.Stream) else answer

    def parse(self, **given):
        """An answer of a form."""
        return self.sdk.responses.parse(**given)

    def raw(self, **given):
        """An answer with its headers."""
        return self.sdk.responses.with_raw_response.create(**given)

    def stream(self, **given):
        """The events, and the answer that the SDK makes of them."""
        with self.sdk.responses.stream(**given) as stream:
            return list(stream), stream.get_final_response()

    def retrieve(self, name):
        """What was kept."""
        return self.sdk.responses.retrieve(name)


class Loops:
    """The SDK for event loops, each call in one of its own."""

    def __init__(self, client):
        self.sdk = client.as_async_openai()

    def create(self, **given):
        """As `Threads.create`."""

        async def create():
            answer = await self.sdk.responses.create(**given)
            is_stream = isinstance(answer, openai.AsyncStream)
            return [event async for event in answer] if is_stream else answer

        return asyncio.run(create())

    def parse(self, **given):
        """As `Threads.parse`."""
        return asyncio.run(self.sdk.responses.parse(**given))

    def raw(self, **given):
        """As `Threads.raw`."""
        return asyncio.run(self.sdk.responses.with_raw_response.create(**given))

    def stream(self, **given):
        """As `Threads.stream`."""

        async def stream():
            async with self.sdk.responses.stream(**given) as stream:
                return [event async for event in stream], await stream.get_final_response()

        return asyncio.run(stream())

    def retrieve(self, name):
        """As `Threads.retrieve`."""
        return asyncio.run(self.sdk.responses.retrieve(name))


@pytest.fixture(params=[Threads, Loops])
def sdk(request, client):
    """The SDK of either kind, over the client."""
    return request.param(client)


def asked(sdk, streamed, **given):
    """A whole answer, streamed or not. Not by `stream`: older SDKs send its objects back with fields of their own."""
    return sdk.create(stream=True, **given)[-1].response if streamed else sdk.create(**given)


@pytest.mark.parametrize("model", MODELS)
def test_a_response_over_every_dialect(sdk, provider, model):
    """The SDK's own types, and who answered; arguments of ours and headers go where they go from a chat."""
    raw = sdk.raw(
        model=model,
        instructions="Be brief.",
        input=[{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        extra_body={"langfuse_session_id": "s-1", "num_retries": 1},
        extra_headers={"X-Team": "red"},
    )
    response = raw.parse()

    assert isinstance(response, openai.types.responses.Response)
    assert (response.output_text, response.status) == ("seoul says: Hi", "completed")
    assert response.usage.total_tokens > response.usage.input_tokens > 0
    assert response.id.startswith("resp_")
    assert response._request_id.startswith("req_seoul_")
    assert raw.headers["x-genai-target"] == model
    sent = provider.requests[-1]
    assert "Be brief." in str(sent.body)
    assert "s-1" not in str(sent.body)
    assert sent.headers["x-team"] == "red"


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_over_every_dialect(sdk, model):
    """The SDK puts the events together to the same response."""
    events, response = sdk.stream(model=model, input="Hi")

    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 1
    assert "".join(deltas) == response.output_text == "seoul says: Hi"
    assert response.status == "completed"
    assert response.usage.output_tokens > 0
    assert [event.sequence_number for event in sdk.create(model=model, input="Hi", stream=True)] == list(range(11))  # fmt: skip


@pytest.mark.sample(6)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_over_every_dialect(sdk, provider, model, streamed):
    """A call, its result, and the answer to it."""
    provider.replies["*"] = lambda body: TOOL if "result:" not in str(body) else "Two."
    asking = {"model": model, "tools": [ADD]}
    first = asked(sdk, streamed, input="Hi", tool_choice="required", **asking)

    call = first.output[-1]
    told = (call.type, call.name, call.arguments.replace(" ", ""))
    assert told == ("function_call", "add", '{"a":1}')
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "result: 2"}
    items = [{"role": "user", "content": "Hi"}, *first.output, result]
    assert asked(sdk, streamed, input=items, **asking).output_text == "Two."


@pytest.mark.parametrize("model", MODELS[:-1])
def test_a_form_over_every_dialect(sdk, provider, model):
    """`parse`, and `stream` with the same class."""
    provider.replies["*"] = '{"total": 2}'

    assert sdk.parse(model=model, input="Hi", text_format=Sum).output_parsed == Sum(total=2)
    _, response = sdk.stream(model=model, input="Hi", text_format=Sum)
    assert response.output_parsed == Sum(total=2)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_target_of_the_same_api_gets_the_callers_words(sdk, provider, streamed):
    """And its answer is relayed as it came: what no other API has is there, and nothing of ours."""
    response = asked(sdk, streamed, model="responses/gpt-5", input="Hi", truncation="auto")

    assert provider.requests[-1].body["truncation"] == "auto"
    assert response.output_text == "seoul says: Hi"
    assert "_genai_" not in response.output[-1].id
    assert not hasattr(response, "genai")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_translated_answer_tells_the_route(sdk, streamed):
    """In an object of ours, since the headers of a stream are sent before its cost is known."""
    response = asked(sdk, streamed, model="chat/gpt-4o", input="Hi")

    assert response.genai["target"] == "chat/gpt-4o"
    assert response.genai["cost"] > 0


@pytest.mark.parametrize("streamed", [False, True])
def test_another_api_takes_over_by_the_translation(sdk, provider, streamed):
    """Where the target of the caller's own API fails, the next is asked in its words."""
    provider.faults["gpt-5"] = Fault.status(500)

    response = asked(
        sdk,
        streamed,
        model="responses/gpt-5",
        input="Hi",
        truncation="auto",
        extra_body={"fallbacks": ["claude/claude-sonnet-4-5"]},
    )

    assert response.output_text == "seoul says: Hi"
    assert response.genai["target"] == "claude/claude-sonnet-4-5"
    assert "truncation" not in provider.requests[-1].body


@pytest.mark.parametrize("streamed", [False, True])
def test_claudes_thought_goes_back_with_its_signature(sdk, provider, streamed):
    """Inside the encrypted content of a thought, as through a gateway."""
    provider.replies["*"] = {"content": "4", "reasoning_content": "hm"}
    asking = {"model": "claude/claude-sonnet-4-5", "reasoning": {"effort": "low"}}

    first = asked(sdk, streamed, input="Hi", **asking)
    assert [item.type for item in first.output] == ["reasoning", "message"]
    assert first.output[0].summary[0].text == "hm"

    turns = ({"role": "user", "content": text} for text in ("Hi", "Go on."))
    asked(sdk, streamed, input=[next(turns), *first.output, next(turns)], **asking)
    block = provider.requests[-1].body["messages"][1]["content"][0]
    assert (block["type"], block["thinking"]) == ("thinking", "hm")
    assert block["signature"]


@pytest.mark.sample(8)
@pytest.mark.parametrize("first", MODELS)
@pytest.mark.parametrize("second", MODELS)
@pytest.mark.parametrize("streamed", [False, True])
def test_another_target_goes_on_with_a_call(sdk, provider, first, second, streamed):
    """Whoever made it: thoughts and ids that the second does not know stay behind."""
    answer = {**TOOL, "reasoning_content": "hm"}
    provider.replies["*"] = lambda body: answer if "result:" not in str(body) else "Two."
    asking = {"tools": [ADD], "reasoning": {"effort": "low"}}
    begun = asked(sdk, streamed, model=first, input="Hi", **asking)

    call = begun.output[-1]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "result: 2"}
    items = [{"role": "user", "content": "Hi"}, *begun.output, result]
    assert asked(sdk, streamed, model=second, input=items, **asking).output_text == "Two."


NOT_SERVED = [
    (
        {"previous_response_id": "resp_1"},
        "previous_response_id",
        "previous_response_id: no answers are kept here: send the whole conversation in input",
    ),
    ({"store": True}, "store", "store: no answers are kept here: leave it out, or say false"),
    (
        {"background": True},
        "background",
        "background: answers are not made in the background here: leave it out",
    ),
    (
        {"tools": [{"type": "web_search"}]},
        "tools.0.type",
        "tools.0.type: tools that OpenAI runs, such as 'web_search', are not served here: use tools of the type function",
    ),
]


def test_what_is_not_served_is_the_sdks_exception(sdk, provider):
    """With the line that says what to do; nobody is asked."""
    for given, param, message in NOT_SERVED:
        with pytest.raises(openai.BadRequestError) as refusal:
            sdk.create(**{"model": "chat/gpt-4o", "input": "Hi", **given})
        assert (refusal.value.param, refusal.value.body["message"]) == (param, message)
    with pytest.raises(openai.BadRequestError, match=r"no answers are kept here"):
        sdk.retrieve("resp_1")
    assert not provider.requests


ERRORS = [
    ("nobody-knows", openai.NotFoundError, "model_not_found"),
    ("chat/fault-401", openai.AuthenticationError, "invalid_api_key"),
    ("chat/fault-429", openai.RateLimitError, "rate_limit_exceeded"),
    ("chat/fault-500", openai.InternalServerError, "provider_error"),
]


@pytest.mark.parametrize("streamed", [False, True])
def test_an_error_is_the_sdks_own_of_its_kind(sdk, streamed):
    """Before the first event, as of a chat."""
    for model, kind, code in ERRORS:
        with pytest.raises(kind) as failure:
            asked(sdk, streamed, model=model, input="Hi")
        assert failure.value.code == code, model


@pytest.mark.parametrize("streamed", [False, True])
def test_a_timeout_bounds_a_call(sdk, streamed):
    """Whatever is behind it."""
    with pytest.raises(openai.APITimeoutError):
        asked(sdk, streamed, model="chat/fault-hang", input="Hi", timeout=0.2)


@pytest.mark.parametrize(
    ("model", "last"),
    [("chat/gpt-4o", "response.failed"), ("responses/gpt-5", "error")],
    ids=["translated", "relayed"],
)
def test_a_stream_that_breaks_ends_with_the_apis_own_event(sdk, provider, model, last):
    """A response that failed; behind relayed events an error, since the response is the provider's."""
    provider.faults["*"] = Fault.cut(2)

    events = sdk.create(model=model, input="Hi", stream=True)

    assert events[-1].type == last
    error = events[-1].response.error if last == "response.failed" else events[-1]
    assert error.code == "server_error"
    assert "the stream broke" in error.message


def test_a_stream_that_is_left_ends_where_it_was_left(client):
    """Nothing says that it is whole: what is still read had come with the first event."""
    given = {"model": "chat/gpt-4o", "input": "Hi", "stream": True}
    with client.as_openai().responses.create(**given) as stream:
        next(stream)
    assert [event.type for event in stream] == ["response.in_progress"]

    async def left():
        async with await client.as_async_openai().responses.create(**given) as stream:
            await anext(stream)
        return [event.type async for event in stream]

    assert asyncio.run(left()) == ["response.in_progress"]


@pytest.mark.parametrize("model", ["chat/gpt-4o", "responses/gpt-5"])
def test_a_kept_answer_is_given_whoever_asks(provider, model):
    """How a call is recorded and routed is no part of what is asked; a word that only this API has is one."""
    with GenAIClient(connections=connections(provider.url), cache="memory") as client:
        create = client.as_openai().responses.with_raw_response.create

        def kept(**given):
            answer = create(model=model, input="Hi", **given)
            assert answer.parse().output_text == "seoul says: Hi"
            return answer.headers["x-genai-cache"]

        assert kept(extra_body={"langfuse_session_id": "a", "deadline": 20}) == "MISS"
        assert kept(extra_body={"langfuse_session_id": "b", "num_retries": 1}) == "HIT"
        assert kept(metadata={"team": "red"}) == "HIT"
        assert kept(truncation="auto") == "MISS"
