"""Where caller and target speak the same API, what the caller wrote is sent, and what came is handed on byte for byte."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from gateway_support import served
from sdk_targets import connections

from genai_integrations import Connection, GenAIClient
from genai_integrations.calls.wire import WireCall
from genai_integrations.gateway import GatewayOptions, OpenKeys
from genai_integrations.gateway.dialects.anthropic import dialect as anthropic
from genai_integrations.gateway.dialects.responses import dialect as responses
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.transports.anthropic.dialect import AnthropicDialect
from genai_integrations.transports.openai.responses.dialect import ResponsesDialect

CLAUDE = {
    "model": "claude/claude-sonnet-4-5",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {
                    "type": "document",
                    "title": "Notes",
                    "citations": {"enabled": True},
                    "source": {"type": "text", "media_type": "text/plain", "data": "One."},
                },
                {"type": "text", "text": "Hi"},
            ],
        }
    ],
    "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
}
RESPONSE = {
    "model": "responses/gpt-5",
    "instructions": "Be brief.",
    "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
    "reasoning": {"effort": "low", "summary": "auto"},
    "truncation": "auto",
    "store": False,
}
DIALECTS = {"/v1/messages": anthropic.DIALECT, "/v1/responses": responses.DIALECT}
BODIES = [("/v1/messages", CLAUDE), ("/v1/responses", RESPONSE)]


@pytest.fixture(scope="module")
def provider():
    """Whoever the gateway asks, in whatever dialect."""
    with ScriptedProvider("seoul") as server:
        yield server


@pytest.fixture(autouse=True)
def _as_new(provider):
    provider.replies.clear()
    provider.faults.clear()
    provider.requests.clear()


@pytest.fixture(scope="module")
def client(provider, tmp_path_factory):
    """With a second target of another API behind each."""
    return GenAIClient(
        connections=connections(provider.url),
        ledger=tmp_path_factory.mktemp("ledger") / "calls.db",
        router_args={
            "num_retries": 0,
            "cooldown_time": 0,
            "fallbacks": [
                {"claude/claude-sonnet-4-5": ["chat/gpt-4o"]},
                {"responses/gpt-5": ["chat/gpt-4o"]},
            ],
        },
    )


@pytest.fixture(scope="module")
def gateway(client):
    """Its address."""
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        yield url


def ask(url, path, body, **more):
    return httpx.post(f"{url}{path}", json={**body, **more})


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_callers_own_words_are_sent(gateway, provider, path, body):
    """All of them, also those that no other API has; only the model is the target's."""
    assert ask(gateway, path, body).status_code == 200

    sent = provider.requests[-1].body
    assert {name: sent[name] for name in body if name != "model"} == {
        name: value for name, value in body.items() if name != "model"
    }
    assert sent["model"] == body["model"].partition("/")[2]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_whole_answer_is_relayed(gateway, provider, path, body):
    """As the provider wrote it; who answered, and for how much, is in the headers."""
    answer = ask(gateway, path, body)
    direct = _directly(provider, path)

    assert answer.content == _with_id_of(answer, direct)
    assert answer.headers["x-genai-target"] == body["model"]
    assert float(answer.headers["x-genai-cost"]) > 0


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_stream_is_relayed(gateway, provider, client, path, body):
    """Event by event; what it took is accounted for."""
    answer = ask(gateway, path, body, stream=True)
    direct = _directly(provider, path)

    assert answer.content == _with_id_of(answer, direct)
    row = next(row for row in client.stats() if row.key == body["model"])
    assert row.completion_tokens > 0


def _directly(provider, path):
    """What the provider answers to the same bytes without a gateway."""
    last = provider.requests[-1]
    headers = {
        name: value
        for name, value in last.headers.items()
        if name
        in ("x-api-key", "authorization", "anthropic-version", "anthropic-beta", "content-type")
    }
    return httpx.post(f"{provider.url}{path}", content=last.content, headers=headers)


def _with_id_of(answer, direct):
    """The direct answer, with the ids and the moments of the other: they are new for each."""
    text, told = direct.text, answer.text
    for pattern in (r'"id": ?"([^"]+)"', r'"created_at": ?(\d+)', r'"item_id": ?"([^"]+)"'):
        for own, other in zip(re.findall(pattern, text), re.findall(pattern, told), strict=True):
            text = text.replace(own, other)
    return text.encode()


@pytest.mark.parametrize(
    ("fault", "stream"),
    [(Fault.status(500), False), (Fault.status(500), True), (Fault.cut(0), True)],
    ids=["status", "status of a stream", "stream without content"],
)
@pytest.mark.parametrize(("path", "body"), BODIES)
def test_another_api_takes_over_by_the_translation(gateway, provider, path, body, fault, stream):
    """Where the target of the caller's own API fails, the next is asked in its words, and answers in the caller's."""
    provider.faults["claude-sonnet-4-5"] = provider.faults["gpt-5"] = fault

    answer = ask(gateway, path, body, stream=stream)

    assert answer.headers["x-genai-target"] == "chat/gpt-4o"
    assert "seoul" in answer.text
    sent = provider.requests[-1].body["messages"]
    assert sent[0] == {"role": "system", "content": "Be brief."} or sent[0]["content"] == [
        {"type": "text", "text": "Be brief."}
    ]


def test_what_another_model_thought_is_translated(gateway, provider):
    """A Claude would refuse a thought that it has not signed."""
    thought = {"type": "thinking", "thinking": "hm", "signature": ""}
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "4"}]},
        {"role": "user", "content": "Go on."},
    ]
    answer = ask(gateway, "/v1/messages", {**CLAUDE, "messages": turns})

    assert answer.status_code == 200
    assert provider.requests[-1].body["messages"][1]["content"] == [{"type": "text", "text": "4"}]


def test_what_the_target_refuses_is_said_otherwise(gateway, provider):
    """By the translation, of which the remedies are."""
    answer = ask(gateway, "/v1/responses", {**RESPONSE, "temperature": 0.5})

    assert answer.status_code == 200
    refused, sent = (row.body for row in provider.requests)
    assert (refused["temperature"], refused["truncation"]) == (0.5, "auto")
    assert "temperature" not in sent


@pytest.mark.parametrize(
    ("dialect", "provider_name", "base", "model", "path", "body"),
    [
        (AnthropicDialect(), "anthropic", "https://api.anthropic.com", "claude-opus-4-7", *BODIES[0]),
        (ResponsesDialect(), "openai", "https://api.openai.com/v1", "gpt-5", *BODIES[1]),
    ],
    ids=["anthropic", "responses"],
)  # fmt: skip
def test_parameters_are_those_that_the_model_takes(dialect, provider_name, base, model, path, body):
    """Known refusals are left out, and a row's own parameters are there: as for callers of every other API."""
    asked = DIALECTS[path].request({**body, "temperature": 0.5})
    spoken = asked.params.pop("spoken")
    said = {"user": "u-1", "model": model, "messages": asked.messages, **asked.params}
    connection = Connection.of("c", provider_name, "sk-ant-example", base)
    call = WireCall(connection, model, "chat/completions", said, spoken=spoken)

    sent = dialect.relayed(call)

    assert "temperature" not in sent
    assert sent["model"] == model
    assert sent.get("user") or sent["metadata"] == {"user_id": "u-1"}
    words = "messages" if path == "/v1/messages" else "input"
    assert sent[words] == body[words]


def test_answer_that_comes_as_a_tool_of_ours_is_translated():
    """The caller would be shown a call of a tool that it does not know."""
    form = {"type": "json_schema", "schema": {"type": "object", "properties": {}}}
    asked = anthropic.request({**CLAUDE, "output_format": form})
    spoken = asked.params.pop("spoken")
    said = {"model": "claude-3-5-haiku-latest", "messages": asked.messages, **asked.params}
    connection = Connection.of("c", "anthropic", "sk-ant-example", "https://llm.example")
    call = WireCall(connection, said["model"], "chat/completions", said, spoken=spoken)

    assert AnthropicDialect().relayed(call) is None


ANEW = {"stream_recovery": "restart", "fallbacks": ["gemini/gemini-2.5-flash"]}


@pytest.mark.parametrize("is_relayed", [False, True])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/messages",
            {
                "model": "claude/claude-sonnet-4-5",
                "max_tokens": 100,
                "messages": [{"role": "user", "content": "Hi"}],
            },
        ),
        ("/v1/responses", {"model": "responses/gpt-5", "input": "Hi"}),
    ],
)
def test_stream_that_breaks_does_not_begin_anew(gateway, provider, path, body, is_relayed):
    """These APIs cannot tell of it, so no second answer is asked for and paid."""
    model = body["model"] if is_relayed else "chat/gpt-4o"
    provider.faults[model.partition("/")[2]] = Fault.cut(2)

    answer = ask(gateway, path, {**body, "model": model}, stream=True, **ANEW)

    assert "the stream broke after its first content" in answer.text.splitlines()[-2]
    assert [row.body["model"] for row in provider.requests] == [model.partition("/")[2]]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_relayed_stream_that_breaks_ends_with_the_apis_error_event(gateway, provider, path, body):
    """Behind what had come."""
    provider.faults["*"] = Fault.cut(2)

    answer = ask(gateway, path, body, stream=True)

    *before, last = [block for block in answer.text.split("\n\n") if block]
    assert len(before) > 2
    name, data = last.split("\n")
    assert name == "event: error"
    told = json.loads(data.removeprefix("data: "))
    assert told["type"] == "error"
    assert "the stream broke" in str(told)


def test_nobody_but_the_gateway_speaks_so(gateway):
    """The name is no parameter of a body."""
    body = {"model": "chat/gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "spoken": {}}

    assert ask(gateway, "/v1/chat/completions", body).status_code == 400
