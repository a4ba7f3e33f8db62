"""Chat completions through a gateway, with OpenAI's own SDK."""

from __future__ import annotations

import json

import httpx
import openai
import pytest

from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "Hi"}]


def post(gateway, body, path="/v1/chat/completions", **headers):
    return httpx.post(f"{gateway}{path}", json=body, headers=headers)


def events(response):
    """The data of a stream's events."""
    return [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]


@pytest.mark.parametrize("base", ["", "/v1"])
def test_an_answer(gateway, base):
    """The same with and without `/v1`: OpenAI's shape, and who answered for how much, in headers and in the reply."""
    with openai.OpenAI(base_url=f"{gateway}{base}", api_key="any") as sdk:
        raw = sdk.chat.completions.with_raw_response.create(model="gpt-4o", messages=QUESTION)
    reply = raw.parse()

    assert reply.choices[0].message.content == "seoul says: Hi"
    assert raw.headers["x-genai-target"] == "seoul/gpt-4o"
    assert raw.headers["x-genai-cache"] == "MISS"
    assert raw.headers["x-genai-cost"] == f"{reply.genai['cost']:.10f}".rstrip("0")
    assert reply.genai["cost"] > 0
    assert raw.headers["x-request-id"].startswith("req_")
    assert reply.genai["target"] == "seoul/gpt-4o"
    assert reply.genai["cache"] == "BYPASS"


def test_a_stream(sdk):
    """A role first, then the text, then the end; no usage where none is asked for."""
    chunks = list(sdk.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True))

    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(row.choices[0].delta.content or "" for row in chunks) == "seoul says: Hi"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].genai["target"] == "seoul/gpt-4o"
    assert chunks[-1].genai["cost"] > 0
    assert all(row.usage is None for row in chunks)


def test_a_stream_with_its_usage(sdk):
    """The last chunk has it and no choices, as OpenAI's, and says what the stream cost."""
    chunks = list(
        sdk.chat.completions.create(
            model="gpt-4o",
            messages=QUESTION,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens > 0
    assert chunks[-1].genai["cost"] > 0
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert all(row.usage is None for row in chunks[:-1])


def test_a_stream_on_the_wire(gateway):
    """Events of one line, `[DONE]` at the end, and headers that keep proxies from holding them back."""
    response = post(gateway, {"model": "gpt-4o", "messages": QUESTION, "stream": True})
    rows = events(response)

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-genai-target"] == "seoul/gpt-4o"
    assert response.headers["x-genai-cache"] == "MISS"
    assert "x-genai-cost" not in response.headers
    assert rows[-1] == "[DONE]"
    assert {json.loads(row)["object"] for row in rows[:-1]} == {"chat.completion.chunk"}


def test_a_stream_that_breaks(gateway, provider, backup):
    """OpenAI's event for an error, and no `[DONE]`: the SDK raises."""
    provider.faults["gpt-4o"] = backup.faults["gpt-4o"] = Fault.cut(after=2)
    body = {"model": "gpt-4o", "messages": QUESTION, "stream": True}
    rows = events(post(gateway, body))

    assert json.loads(rows[-1])["error"]["code"] == "stream_interrupted"
    with openai.OpenAI(base_url=gateway, api_key="any", max_retries=0) as sdk:
        stream = sdk.chat.completions.create(**body)
        with pytest.raises(openai.APIError, match="the stream broke after its first content"):
            list(stream)


def test_failover_before_the_first_content(sdk, provider):
    """A stream that cannot begin at one target begins at the next, and the header names that."""
    provider.faults["*"] = Fault.status(500)
    raw = sdk.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=QUESTION, stream=True
    )

    text = "".join(row.choices[0].delta.content or "" for row in raw.parse())
    assert text == "usa says: Hi"
    assert raw.headers["x-genai-target"] == "usa/gpt-4o"


def test_a_client_that_leaves(gateway, provider):
    """The provider is told, so that nobody pays for what nobody reads."""
    provider.faults["gpt-4o"] = Fault.stall(after=1)
    body = {"model": "gpt-4o", "messages": QUESTION, "stream": True}
    with httpx.stream("POST", f"{gateway}/v1/chat/completions", json=body) as response:
        next(response.iter_bytes())

    assert provider.requests[0].disconnected.wait(10)


def test_a_client_that_leaves_before_an_answer(gateway, provider):
    """The same without a stream."""
    provider.faults["gpt-4o"] = Fault.hang()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{gateway}/v1/chat/completions",
            json={"model": "gpt-4o", "messages": QUESTION},
            timeout=0.5,
        )

    assert provider.requests[0].disconnected.wait(10)


def test_who_asks_and_why(sdk, provider):
    """`user` goes to the provider, `metadata` stays here."""
    sdk.chat.completions.create(
        model="gpt-4o", messages=QUESTION, user="alice", metadata={"team": "search"}
    )

    assert provider.requests[0].body["user"] == "alice"
    assert "metadata" not in provider.requests[0].body


@pytest.mark.parametrize(
    "more",
    [
        {"api_base": "http://evil.example"},
        {"base_url": "http://evil.example"},
        {"api_key": "sk-other"},
        {"extra_headers": {"x-a": "b"}},
        {"langfuse_observation": {}},
        {"extra_body": {"api_base": "http://evil.example"}},
    ],
)
def test_no_key_or_address_in_a_body(gateway, provider, more):
    """Refused by its name, and nobody is asked."""
    response = post(gateway, {"model": "gpt-4o", "messages": QUESTION, **more})

    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert "evil" not in response.text
    assert provider.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("langfuse_user_id", 5),
        ("langfuse_session_id", ["a"]),
        ("langfuse_trace_name", {}),
        ("langfuse_tags", "a"),
        ("langfuse_metadata", "a"),
        ("langfuse_prompt", "greet"),
        ("model", "m" * 513),
        ("timeout", "soon"),
        ("deadline", -1),
        ("num_retries", -1),
        ("cache", 5),
        ("stream_recovery", 5),
        ("metadata", 5),
    ],
)
def test_values_that_cannot_be_meant(gateway, provider, name, value):
    """Refused by their names, and nobody is asked."""
    response = post(gateway, {"model": "gpt-4o", "messages": QUESTION, name: value})

    assert response.status_code == 400, response.text
    assert name in response.text
    assert provider.requests == []


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:4000", 200),
        ("127.0.0.1:4000", 200),
        ("127.8.8.8", 200),
        ("[::1]:4000", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("evil.example:localhost", 403),
        ("192.168.0.7:4000", 403),
        ("", 403),
    ],
)
def test_names_of_this_machine(gateway, host, status):
    """Without keys, what was sent to another name than this machine's own is refused: a page's own may lead here."""
    assert httpx.get(f"{gateway}/v1/models", headers={"host": host}).status_code == status
