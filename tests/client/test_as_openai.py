"""`client.as_openai()`: OpenAI's own SDK, answered by the router in the same process."""

from __future__ import annotations

import asyncio
import sys

import openai
import pytest
from pydantic import BaseModel

from genai_integrations.errors import ConfigurationError
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two three four"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class City(BaseModel):
    """What is asked for."""

    name: str
    people: int


@pytest.fixture
def ask(request):
    """Make a call of the SDK, in a thread or in a loop: `ask(client, "chat.completions.create", ...)`."""

    def found(sdk, path):
        for name in path.split("."):
            sdk = getattr(sdk, name)
        return sdk

    async def aread(answer):
        return (
            [piece async for piece in answer] if isinstance(answer, openai.AsyncStream) else answer
        )

    async def acall(client, path, params):
        return await aread(await found(client.as_async_openai(), path)(**params))

    def ask(client, path, **params):
        if request.param == "async":
            return asyncio.run(acall(client, path, params))
        answer = found(client.as_openai(), path)(**params)
        return list(answer) if isinstance(answer, openai.Stream) else answer

    return ask


both = pytest.mark.parametrize("ask", ["sync", "async"], indirect=True)


@both
def test_a_call_of_the_sdk_falls_over_as_any_other(ask, make_client, seoul, usa):
    """The first region is down: the second answers, and the SDK has OpenAI's objects."""
    seoul.faults["*"] = Fault.status(503)
    reply = ask(
        make_client(seoul, usa), "chat.completions.create", model="gpt-4o", messages=QUESTION
    )
    assert isinstance(reply, openai.types.chat.ChatCompletion)
    assert reply.choices[0].message.content == "usa says: one two three four"
    assert reply.usage.total_tokens > 0
    assert reply._request_id.startswith("req_usa_")


@both
def test_a_stream_has_the_chunks_that_openai_would_send(ask, make_client, usa):
    """Without `stream_options` every chunk has a choice, as programs rely on; with them the last one has the usage."""
    client = make_client(usa)
    given = {"model": "gpt-4o", "messages": QUESTION, "stream": True}
    plain = ask(client, "chat.completions.create", **given)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in plain) == (
        "usa says: one two three four"
    )
    counted = ask(
        client, "chat.completions.create", stream_options={"include_usage": True}, **given
    )
    assert counted[-1].choices == []
    assert counted[-1].usage.completion_tokens > 0


@both
def test_tools_and_parsed_answers_are_the_sdks_own(ask, make_client, usa):
    """`parse()` and tools need nothing of ours."""
    client = make_client(usa)
    usa.replies["gpt-4o"] = {"tool_calls": [{"name": "weather", "arguments": '{"city": "Seoul"}'}]}
    called = ask(
        client, "chat.completions.create", model="gpt-4o", messages=QUESTION, tools=[WEATHER]
    )
    assert called.choices[0].message.tool_calls[0].function.arguments == '{"city": "Seoul"}'
    usa.replies["gpt-4o"] = '{"name": "Seoul", "people": 9}'
    parsed = ask(
        client,
        "chat.completions.parse",
        model="gpt-4o",
        messages=QUESTION,
        response_format=City,
    )
    assert parsed.choices[0].message.parsed == City(name="Seoul", people=9)


@both
def test_embeddings_come_as_the_sdk_asks_for_them(ask, make_client, usa):
    """The SDK asks for base64, which not every target knows: no target is asked for it."""
    client = make_client(usa)
    reply = ask(client, "embeddings.create", model="text-embedding-3-small", input=["a", "b"])
    assert [row.index for row in reply.data] == [0, 1]
    assert isinstance(reply.data[0].embedding[0], float)
    assert "encoding_format" not in usa.requests[-1].body
    text = ask(
        client,
        "embeddings.create",
        model="text-embedding-3-small",
        input="a",
        encoding_format="base64",
    )
    assert isinstance(text.data[0].embedding, str)


@both
def test_models_are_those_that_connections_list(ask, make_client, connect, usa):
    """A name that is not listed can be asked about too, as it can be called."""
    client = make_client(connect(usa, custom_models=("gpt-4o",)))
    listed = ask(client, "models.list")
    assert [(row.id, row.owned_by) for row in listed.data] == [("usa/gpt-4o", "usa")]
    assert ask(client, "models.retrieve", model="gpt-4o").id == "gpt-4o"
    claude = make_client(connect(usa, provider="anthropic"))
    with pytest.raises(openai.NotFoundError, match="no connection serves 'gpt-4o'"):
        ask(claude, "models.retrieve", model="gpt-4o")


@both
def test_headers_tell_the_route(ask, make_client, usa):
    """`with_raw_response` has who answered, what it cost, and what a cache had to do with it."""
    raw = ask(
        make_client(usa),
        "chat.completions.with_raw_response.create",
        model="gpt-4o",
        messages=QUESTION,
    )
    told = {name: raw.headers[name] for name in raw.headers if name.startswith("x-genai-")}
    assert told.pop("x-genai-cost").startswith("0.0000")
    assert told == {"x-genai-target": "usa/gpt-4o", "x-genai-cache": "MISS"}


REFUSALS = [
    ({"model": "gpt-4o", "messages": []}, openai.BadRequestError, None),
    ({"model": "gpt-4o", "extra_body": {"api_base": "http://x"}}, openai.BadRequestError, None),
    ({"model": "usa/fault-401"}, openai.AuthenticationError, "invalid_api_key"),
    ({"model": "usa/fault-429"}, openai.RateLimitError, "rate_limit_exceeded"),
    ({"model": "usa/fault-402"}, openai.RateLimitError, "insufficient_quota"),
    ({"model": "usa/fault-500"}, openai.InternalServerError, None),
]


@both
def test_an_error_is_the_sdks_own_of_its_kind(ask, make_client, usa, no_backoff):
    """Its class, its code and our message, so that what catches OpenAI's errors goes on catching them."""
    client = make_client(usa, num_retries=0)
    for row, kind, code in REFUSALS:
        given = {"messages": QUESTION, **row}
        with pytest.raises(kind) as caught:
            ask(client, "chat.completions.create", **given)
        assert code is None or caught.value.code == code, given


@both
def test_no_answer_is_a_time_out_or_no_connection(ask, make_client, connect, usa):
    """A call's `timeout` bounds it, whatever is behind it."""
    with pytest.raises(openai.APITimeoutError):
        ask(
            make_client(usa),
            "chat.completions.create",
            model="usa/fault-hang",
            messages=QUESTION,
            timeout=0.2,
        )
    gone = make_client(connect("http://127.0.0.1:9/v1"), num_retries=0)
    with pytest.raises(openai.APIConnectionError) as caught:
        ask(gone, "chat.completions.create", model="gpt-4o", messages=QUESTION)
    assert "127.0.0.1:9" in str(caught.value.__cause__)


@both
def test_a_stream_that_breaks_raises_the_sdks_error(ask, make_client, usa):
    """The error stands in the stream, as OpenAI sends it."""
    with pytest.raises(openai.APIError, match="the stream broke after its first content"):
        ask(
            make_client(usa, num_retries=0),
            "chat.completions.create",
            model="usa/fault-cut",
            messages=QUESTION,
            stream=True,
        )


def test_a_stream_that_is_left_is_closed(make_client, usa):
    """Who leaves the SDK's stream closes ours, and with it the provider's connection."""
    client = make_client(usa)
    with client.as_openai().chat.completions.create(
        model="gpt-4o", messages=QUESTION, stream=True
    ) as stream:
        next(stream)
    assert list(stream) == []


def test_a_call_says_what_it_says_to_the_client(make_client, usa, monkeypatch):
    """`extra_body` has arguments of ours, `extra_headers` reach the provider, and a proxy of the environment is not asked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    usa.faults["gpt-4o"] = Fault.status(500)
    with pytest.raises(openai.InternalServerError):
        make_client(usa).as_openai().chat.completions.create(
            model="gpt-4o",
            messages=QUESTION,
            extra_body={"num_retries": 0},
            extra_headers={"X-Team": "red"},
        )
    assert len(usa.requests) == 1
    assert usa.requests[0].headers["x-team"] == "red"
    assert "in-process" not in str(usa.requests[0].headers)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda sdk: sdk.images.generate(prompt="a cat"), "POST images/generations: chat.comp"),
        (lambda sdk: sdk.files.create(file=b"a", purpose="batch"), "POST files: chat.completions"),
        (lambda sdk: sdk.models.delete("gpt-4o"), "DELETE models/gpt-4o: chat.completions"),
        (lambda sdk: sdk.chat.completions.list(), "GET chat/completions: no answers are kept"),
        (lambda sdk: sdk.responses.retrieve("resp_1"), "GET responses/resp_1: no answers are kept"),
    ],
)
def test_what_is_not_served_says_so(ask, message, make_client, usa):
    """An API that the router has not got is no silent success, nor a server that cannot be reached."""
    with pytest.raises(openai.BadRequestError) as caught:
        ask(make_client(usa).as_openai())
    assert caught.value.body["message"].startswith(f"as_openai() does not serve {message}")


def test_without_the_sdk_the_package_is_named(make_client, usa, monkeypatch):
    """It is loaded when it is asked for, and is no dependency."""
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ConfigurationError, match="pip install openai"):
        make_client(usa).as_openai()
