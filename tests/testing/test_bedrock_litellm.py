"""LiteLLM gets from the scripted Bedrock what it would get from the real one."""

from __future__ import annotations

import copy
import json

import pytest
from bedrock_wire import CLAUDE, KEY_ID, SECRET, SESSION, TEMPORARY, TOKEN
from litellm_streams import put_together

from genai_integrations.testing.faults import Fault

pytestmark = [
    pytest.mark.usefixtures("aws_keys"),
    # Pydantic warns about how LiteLLM looks whether a chunk is empty.
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]

HELLO = [{"role": "user", "content": "hello there"}]
PNG = "data:image/png;base64,iVBORw0KGgo="
KEYS = {"api_key": "", "aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "schema": {
            "type": "object",
            "properties": {"n": {"type": "integer"}},
            "required": ["n"],
        },
    },
}


def tool(name, **properties):
    """A tool in OpenAI's shape whose properties are all required."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


TOOLS = [tool("weather", city={"type": "string"}), tool("now")]


@pytest.fixture
def ask(litellm, provider, monkeypatch):
    """Ask a model through LiteLLM; a stream comes back put together."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")

    def call(messages=HELLO, model=CLAUDE, **params):
        where = {"aws_bedrock_runtime_endpoint": provider.url, "aws_region_name": "us-east-1"}
        given = {**KEYS, **where, **params}
        given = {"model": f"bedrock/{model}", "messages": messages, "max_retries": 0, **given}
        if not params.get("stream"):
            return litellm.completion(**given)
        return put_together(litellm, [litellm.completion(**given)], messages=messages)

    return call


streaming = pytest.mark.parametrize("stream", [False, True])


@streaming
@pytest.mark.parametrize(
    "model",
    ["apac.anthropic.claude-3-5-sonnet-20241022-v2:0", "eu.amazon.nova-lite-v1:0",
     "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"],
)  # fmt: skip
def test_litellm_asks_for_a_profile(ask, provider, model, stream):
    """A regional profile or an ARN is percent-encoded in the path, which is signed as it is sent."""
    reply = ask(model=model, stream=stream)
    (request,) = provider.requests

    assert reply.choices[0].message.content == "provider says: hello there"
    assert reply.choices[0].finish_reason == "stop"
    assert request.model == model
    assert ":" not in request.path
    assert request.path.endswith("/converse-stream" if stream else "/converse")
    assert "/us-east-1/bedrock/aws4_request" in request.headers["authorization"]


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"aws_access_key_id": TEMPORARY, "aws_session_token": SESSION},
        {"api_key": TOKEN, "aws_access_key_id": None, "aws_secret_access_key": None},
        {"aws_access_key_id": None, "aws_secret_access_key": None},
    ],
    ids=["pair", "temporary", "bearer", "default"],
)
@streaming
def test_litellm_proves_itself(ask, provider, monkeypatch, credentials, stream):
    """With a pair of keys, a temporary one, a token, and the machine's own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    reply = ask(stream=stream, **credentials)

    assert reply.choices[0].message.content == "provider says: hello there"
    (request,) = provider.requests
    assert request.headers.get("x-amz-security-token") == credentials.get("aws_session_token")


def test_litellm_finds_the_server_by_api_base(ask, provider):
    """`api_base` does what the endpoint's own parameter does."""
    ask(aws_bedrock_runtime_endpoint=None, api_base=provider.url)

    assert provider.requests[0].path.startswith("/model/us.anthropic.claude-sonnet-4-5")


@pytest.mark.parametrize(
    ("credentials", "error"),
    [
        ({"aws_secret_access_key": "other"}, "PermissionDeniedError"),
        ({"aws_access_key_id": "AKIAUNKNOWN"}, "AuthenticationError"),
        ({"api_key": "wrong"}, "PermissionDeniedError"),
    ],
)
def test_litellm_is_denied(litellm, ask, credentials, error):
    """Each wrong credential is an error of its own, all with 403."""
    with pytest.raises(getattr(litellm, error)) as caught:
        ask(**credentials)

    assert caught.value.status_code == 403


@streaming
def test_litellm_calls_tools(ask, provider, stream):
    """A forced call, a named one without arguments, and several at once."""
    forced = ask(tools=TOOLS, tool_choice="required", stream=stream)
    named = {"type": "function", "function": {"name": "now"}}
    empty = ask(tools=TOOLS, tool_choice=named, stream=stream)
    provider.replies["*"] = {
        "content": "Let me see",
        "tool_calls": [
            {"name": "weather", "arguments": {"city": "서울"}},
            {"name": "now"},
            {"name": "weather", "arguments": {"city": "Busan"}},
        ],
    }
    several = ask(tools=TOOLS, stream=stream)
    calls = [reply.choices[0].message.tool_calls for reply in (forced, empty, several)]
    given = [[json.loads(call.function.arguments) for call in each] for each in calls]

    assert given == [[{"city": "text"}], [{}], [{"city": "서울"}, {}, {"city": "Busan"}]]
    assert several.choices[0].message.content == "Let me see"
    assert several.choices[0].finish_reason == "tool_calls"


def answered(reply, content):
    """The conversation after a reply whose tools all gave that result."""
    message = reply.choices[0].message.model_dump(exclude_none=True)
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": content}
        for call in message["tool_calls"]
    ]
    return [*HELLO, message, *results]


@streaming
def test_litellm_carries_a_tool_loop_with_reasoning(litellm, ask, provider, stream):
    """Signed reasoning comes back unchanged, and a changed signature is refused."""
    provider.replies["*"] = {
        "reasoning_content": "I have to look",
        "tool_calls": [{"name": "weather", "arguments": {"city": "x"}}, {"name": "now"}],
    }
    asked = {"tools": TOOLS, "reasoning_effort": "low", "max_tokens": 4000, "stream": stream}
    reply = ask(**asked)
    provider.replies.clear()
    messages = answered(reply, [{"type": "text", "text": "sunny"}, image()])
    after = ask(messages, **asked)
    changed = copy.deepcopy(messages)
    changed[1]["thinking_blocks"][0]["signature"] = "AAAA"

    assert reply.choices[0].message.reasoning_content == "I have to look"
    assert reply.usage.completion_tokens_details.reasoning_tokens == 4
    assert after.choices[0].message.content.startswith("provider says: the tool answered sunny")
    with pytest.raises(litellm.BadRequestError, match="Invalid `signature`"):
        ask(changed, **asked)


def image():
    """A tiny image as OpenAI's API takes it."""
    return {"type": "image_url", "image_url": {"url": PNG}}


def test_litellm_sends_images_and_documents(ask, provider):
    """Both arrive as bytes with their format."""
    pdf = {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0="}}
    text = {"type": "text", "text": "look"}
    reply = ask([{"role": "user", "content": [text, image(), pdf]}])
    blocks = provider.requests[0].body["messages"][0]["content"]

    assert reply.choices[0].message.content == "provider says: look"
    assert blocks[1]["image"] == {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}
    assert blocks[2]["document"]["format"] == "pdf"


@streaming
@pytest.mark.parametrize("model", [CLAUDE, "us.anthropic.claude-3-5-sonnet-20241022-v2:0"])
def test_litellm_gets_structured_output(ask, provider, model, stream):
    """A newer model takes the schema itself, an older one a tool that it has to call."""
    reply = ask(model=model, response_format=SCHEMA, stream=stream)
    body = provider.requests[0].body

    assert json.loads(reply.choices[0].message.content) == {"n": 1}
    assert ("outputConfig" in body) != ("toolConfig" in body)


@streaming
def test_litellm_counts_cached_tokens(ask, stream):
    """What is written to and read from the cache is part of the prompt's tokens, and told apart."""
    system = {"type": "text", "text": "one two three", "cache_control": {"type": "ephemeral"}}
    messages = [{"role": "system", "content": [system]}, *HELLO]
    asked = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    first, again = ask(messages, **asked).usage, ask(messages, **asked).usage

    assert (first.prompt_tokens, again.prompt_tokens) == (5, 5)
    assert first.prompt_tokens_details.cache_creation_tokens == 3
    assert again.prompt_tokens_details.cached_tokens == 3


@pytest.mark.parametrize(
    ("params", "finish"),
    [({"max_tokens": 2}, "length"), ({"stop": [" there"]}, "stop")],
)
@streaming
def test_litellm_sees_why_it_ended(ask, params, finish, stream):
    """Limits of both kinds."""
    assert ask(**params, stream=stream).choices[0].finish_reason == finish


@pytest.mark.parametrize("fault", [Fault.content_filter(), Fault.content_filter_stop()])
@streaming
def test_litellm_sees_filters(ask, provider, fault, stream):
    """A guardrail before and a filter after the first words."""
    provider.faults["*"] = fault

    assert ask(stream=stream).choices[0].finish_reason == "content_filter"


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        (Fault.unauthorized(), "AuthenticationError", 403),
        (Fault.forbidden(), "PermissionDeniedError", 403),
        (Fault.model_not_found(), "NotFoundError", 404),
        (Fault.bad_request(), "BadRequestError", 400),
        (Fault.context_window(), "ContextWindowExceededError", 400),
        (Fault.rate_limited(), "RateLimitError", 429),
        (Fault.out_of_quota(), "RateLimitError", 429),
        (Fault.status(408), "Timeout", 408),
        (Fault.status(500), "ServiceUnavailableError", 503),
        (Fault.status(503), "ServiceUnavailableError", 503),
    ],
)
@streaming
def test_litellm_raises_by_kind(litellm, ask, provider, fault, error, status, stream):
    """Each error is the one that LiteLLM has for it."""
    provider.faults["*"] = fault
    with pytest.raises(getattr(litellm, error)) as caught:
        ask(stream=stream)

    assert type(caught.value).__name__ == error
    assert caught.value.status_code == status


def test_litellm_notices_an_error_in_a_stream(litellm, ask, provider):
    """An exception's frame ends the stream with the service's words."""
    provider.faults["*"] = Fault.error_event(1)
    with pytest.raises(litellm.exceptions.MidStreamFallbackError, match="internalServer"):
        ask(stream=True)


@pytest.mark.parametrize(
    ("model", "params", "size"),
    [
        ("amazon.titan-embed-text-v1", {}, 1536),
        ("amazon.titan-embed-text-v2:0", {"dimensions": 256}, 256),
        ("amazon.titan-embed-image-v1", {}, 1024),
        ("cohere.embed-english-v3", {}, 1024),
        ("cohere.embed-v4:0", {"encoding_format": "float", "dimensions": 512}, 512),
    ],
)
def test_litellm_embeds(litellm, provider, model, params, size):
    """Titan is asked once for each text, Cohere once for all."""
    reply = litellm.embedding(
        model=f"bedrock/{model}",
        input=["hello there", "bye"],
        aws_bedrock_runtime_endpoint=provider.url,
        aws_region_name="us-east-1",
        **KEYS,
        **params,
    )

    assert [len(row["embedding"]) for row in reply.data] == [size, size]
    assert reply.usage.prompt_tokens == 3
    assert len(provider.requests) == (1 if "cohere" in model else 2)


@pytest.mark.usefixtures("clients_closed")
async def test_litellm_asks_without_blocking(litellm, provider):
    """The asynchronous functions sign and read in the same way."""
    common = {
        "model": f"bedrock/{CLAUDE}",
        "messages": HELLO,
        "aws_bedrock_runtime_endpoint": provider.url,
        "aws_region_name": "us-east-1",
        "max_retries": 0,
        **KEYS,
    }
    reply = await litellm.acompletion(**common)
    stream = await litellm.acompletion(**common, stream=True)
    texts = [chunk.choices[0].delta.content or "" async for chunk in stream]

    assert reply.choices[0].message.content == "provider says: hello there"
    assert "".join(texts) == "provider says: hello there"
