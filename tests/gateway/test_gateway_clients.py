"""This package's own clients through a gateway: one key pair and an address, and one trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import httpx
import openai
import pytest
from gateway_support import served
from pydantic import BaseModel
from tenants_fixtures import project_in
from tenants_support import ENCRYPTION_KEY, Langfuses

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import (
    AllTargetsFailedError,
    ConfigurationError,
    CredentialError,
    CredentialStoreError,
    GenAIError,
)
from genai_integrations.gateway import GatewayOptions
from genai_integrations.gateway.keys.opening import langfuse_keys
from genai_integrations.testing.faults import Fault
from genai_integrations.tracing import generations
from genai_integrations.tracing.carrying import carried

HELLO = [{"role": "user", "content": "hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class City(BaseModel):
    """A city."""

    name: str


@pytest.fixture(scope="module")
def whole_project(postgres):
    """A project in a real Postgres, behind a gateway; made once."""
    database = postgres.copy()
    with Langfuses() as langfuses, pytest.MonkeyPatch.context() as patch:
        project = project_in(langfuses, database, "a")
        patch.setenv("LANGFUSE_HOST", langfuses.url)
        patch.setenv("LANGFUSE_DATABASE_URL", database.url)
        patch.setenv("LANGFUSE_ENCRYPTION_KEY", ENCRYPTION_KEY)
        keys = langfuse_keys()
        with served(GatewayOptions(keys, drain_delay=0)) as url:
            yield project, langfuses.url, url
        project.provider.close()
    database.close()


@pytest.fixture
def project(whole_project, monkeypatch, tracing):
    """The same with nothing of other tests, and the three variables of whoever uses the gateway."""
    project, host, url = whole_project
    monkeypatch.setenv("LANGFUSE_HOST", host)
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", project.langfuse.public_key)
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", project.langfuse.secret_key)
    monkeypatch.setenv("GENAI_GATEWAY_URL", url)
    _sent()
    project.provider.requests.clear()
    project.provider.faults = {}
    project.provider.replies = {}
    project.langfuse.spans.clear()
    return project


def _sent():
    """Everything that is recorded, here and in the gateway, is with Langfuse."""
    for outbox in list(generations._exporter._outboxes.values()):
        outbox.flush()


def _spans(project):
    """What is recorded, by the names of their observations' types."""
    _sent()
    found = {}
    for span in project.langfuse.spans:
        kind = span["attributes"]["langfuse.observation.type"]
        found.setdefault(kind, []).append(span)
    return found


def test_a_key_pair_and_an_address_are_all(project):
    """Every name goes to the gateway as it is written; its models are what it lists, and prompts are Langfuse's."""
    client = GenAIClient()

    assert [row.name for row in client.connections] == ["genai-gateway"]
    for name in ("gpt-4o", "seoul/gpt-4o", "openai/gpt-4o", "amber-model", "models/gpt-4o"):
        assert client.completion(name, HELLO).choices[0].message.content
        assert client.resolve(name).targets[0].model == name
    assert client.completion("genai-gateway/gpt-4o", HELLO).route.served == "genai-gateway/gpt-4o"
    assert client.models() == [
        "amber-own/amber-model",
        "amber-own/text-embedding-3-small",
        "seoul/gpt-4o",
        "seoul/text-embedding-3-small",
    ]
    assert client.get_prompt("greeting", {"name": "you"}) == "Greetings from amber, you"
    assert client.embedding("text-embedding-3-small", ["a", "b"]).data[1].embedding
    assert {row.headers["authorization"] for row in project.provider.requests} == {
        "Bearer sk-amber"
    }


async def test_asynchronously_and_in_streams(project):
    """All four ways; the cost is what the gateway says."""
    client = GenAIClient()
    whole = client.completion("gpt-4o", HELLO)
    chunks = list(client.completion("gpt-4o", HELLO, stream=True))
    awaited = await client.acompletion("gpt-4o", HELLO)
    achunks = [chunk async for chunk in await client.acompletion("gpt-4o", HELLO, stream=True)]

    said = "amber-server says: hello"
    assert whole.choices[0].message.content == awaited.choices[0].message.content == said
    for rows in (chunks, achunks):
        assert "".join(row.choices[0].delta.content or "" for row in rows if row.choices) == said
        assert rows[-1].usage.total_tokens == whole.usage.total_tokens
    assert whole.route.cost == awaited.route.cost == pytest.approx(whole.genai["cost"])
    assert whole.route.cost > 0


def test_a_call_is_recorded_once_and_in_one_trace(project):
    """The gateway records the generation; the client's own is a span around it, which counts nothing."""
    client = GenAIClient()
    reply = client.completion(
        "gpt-4o",
        HELLO,
        langfuse_user_id="이영희",
        langfuse_session_id="session-1",
        langfuse_tags=["one", "two"],
        langfuse_trace_name="asked",
        langfuse_prompt={"name": "greeting", "version": 1},
    )

    spans = _spans(project)
    (around,), (generation,) = spans["span"], spans["generation"]
    assert around["trace_id"] == generation["trace_id"] == reply.route.trace_id
    assert generation["parent_span_id"] == around["span_id"]
    for span in (around, generation):
        assert span["attributes"]["user.id"] == "이영희"
        assert span["attributes"]["session.id"] == "session-1"
        assert list(span["attributes"]["langfuse.trace.tags"]) == ["one", "two"]
        assert span["attributes"]["langfuse.trace.name"] == "asked"
        assert "amber-server says" in span["attributes"]["langfuse.observation.output"]
    assert generation["attributes"]["langfuse.observation.prompt.name"] == "greeting"
    assert generation["attributes"]["langfuse.observation.prompt.version"] == 1
    assert "langfuse.observation.usage_details" in generation["attributes"]
    assert "langfuse.internal.is_app_root" not in generation["attributes"]
    counted = {"usage_details", "cost_details", "model.name"}
    assert not [
        name for name in around["attributes"] if name.rpartition("observation.")[2] in counted
    ]


def test_a_stream_and_an_embedding_are_recorded_once(project):
    """They too, below the client's span."""
    client = GenAIClient()
    list(client.completion("gpt-4o", HELLO, stream=True))
    client.embedding("text-embedding-3-small", "hello")

    spans = _spans(project)
    assert {kind: len(rows) for kind, rows in spans.items()} == {
        "span": 2, "generation": 1, "embedding": 1
    }  # fmt: skip
    around = {row["span_id"]: row["trace_id"] for row in spans["span"]}
    for row in (*spans["generation"], *spans["embedding"]):
        assert around[row["parent_span_id"]] == row["trace_id"]


def test_what_the_programs_own_span_says_goes_along(project):
    """Within a span of OpenTelemetry's, the gateway's generation is below it, whether or not the client records."""
    from opentelemetry.sdk.trace import TracerProvider

    client = GenAIClient(tracing=False)
    with TracerProvider().get_tracer("mine").start_as_current_span("mine") as span:
        client.completion("gpt-4o", HELLO)

    (generation,) = _spans(project)["generation"]
    context = span.get_span_context()
    assert generation["trace_id"] == f"{context.trace_id:032x}"
    assert generation["parent_span_id"] == f"{context.span_id:016x}"


def test_a_call_that_sampling_leaves_out_is_left_out_there(project):
    """The caller's rate holds for the gateway's generations too."""
    GenAIClient(sample_rate=0.0).completion("gpt-4o", HELLO)

    assert _spans(project) == {}


def test_from_a_dead_gateway_to_a_direct_key_in_one_trace(project, provider, whole_project):
    """The call is recorded by whoever was last: here, and once; while the gateway is there, by it."""
    dead = Connection.of("gateway", "genai-gateway", project.key, "http://127.0.0.1:9/v1")
    alive = Connection.of("gateway", "genai-gateway", project.key, f"{whole_project[2]}/v1")
    direct = Connection.of("direct", "openai", "sk-direct", f"{provider.url}/v1")
    args = {"num_retries": 0}

    rescued = GenAIClient(connections=[dead, direct], router_args=args).completion("gpt-4o", HELLO)

    assert rescued.route.served == "direct/gpt-4o"
    spans = _spans(project)
    (generation,) = spans["generation"]
    assert "span" not in spans
    assert generation["attributes"]["langfuse.observation.status_message"].startswith(
        "served by direct after gateway"
    )
    project.langfuse.spans.clear()
    client = GenAIClient(connections=[alive, direct], router_args=args)
    assert client.completion("gpt-4o", HELLO).route.served == "gateway/gpt-4o"
    # The gateway answers, and all that it could ask has failed: what it records of that is in the same trace.
    project.provider.faults = {"*": Fault.status(503)}
    again = client.completion("gpt-4o", HELLO)
    assert again.route.served == "direct/gpt-4o"
    spans = _spans(project)
    failed, good = (
        [row for row in spans["generation"] if row["trace_id"] == again.route.trace_id],
        [row for row in spans["generation"] if row["trace_id"] != again.route.trace_id],
    )
    assert sorted("direct" in repr(row["attributes"]) for row in failed) == [False, True]
    assert len(good) == len(spans["span"]) == 1


def test_errors_of_the_gateway_are_the_clients_own(project, monkeypatch):
    """A provider's failure behind it, an unknown model, a wrong key, a gateway that is gone."""
    client = GenAIClient(router_args={"num_retries": 0})
    project.provider.faults = {"*": Fault.rate_limited(retry_after=120)}
    with pytest.raises(GenAIError) as caught:
        client.completion("gpt-4o", HELLO)
    assert caught.value.status == 429
    with pytest.raises(GenAIError, match="no connection serves"):
        client.completion("nobodys-model", HELLO)
    wrong = GenAIClient(secret_key="sk-lf-wrong", router_args={"num_retries": 0})
    with pytest.raises((AllTargetsFailedError, GenAIError)) as caught:
        wrong.completion("gpt-4o", HELLO)
    assert "sk-lf-wrong" not in str(caught.value)
    with pytest.raises(CredentialError, match="refuses the key"):
        wrong.models()
    monkeypatch.setenv("GENAI_GATEWAY_URL", "http://127.0.0.1:9")
    with pytest.raises(CredentialStoreError, match="cannot reach the gateway"):
        GenAIClient().models()
    monkeypatch.delenv("LANGFUSE_SECRET_KEY")
    with pytest.raises(ConfigurationError, match="set both"):
        GenAIClient()


def test_a_narrow_key_needs_no_langfuse(project, monkeypatch, whole_project):
    """`GENAI_GATEWAY_API_KEY` in place of the pair: nothing is recorded here, and no prompt is had."""
    key = project.key
    for name in ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY", "LANGFUSE_HOST"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("GENAI_GATEWAY_API_KEY", key)
    monkeypatch.setenv("GENAI_GATEWAY_URL", f"{whole_project[2]}/v1/")
    client = GenAIClient()

    assert not client.is_traced
    assert client.completion("gpt-4o", HELLO).choices[0].message.content
    assert set(_spans(project)) == {"generation"}


def test_langchains_model_through_a_gateway(project):
    """`ChatGenAI` with nothing but a name: calls, streams, tools, structured output."""
    from genai_integrations.langchain import ChatGenAI

    model = ChatGenAI(model="gpt-4o", client=GenAIClient())
    project.provider.replies = {
        "gpt-4o": lambda body: (
            {"tool_calls": [{"name": "weather", "arguments": {"city": "Seoul"}}]}
            if "tools" in body
            else '{"name": "Seoul"}'
            if "response_format" in body
            else ["Hel", "lo"]
        )
    }

    assert model.invoke("hello").text == "Hello"
    assert "".join(chunk.text for chunk in model.stream("hello")) == "Hello"
    (call,) = model.bind_tools([WEATHER]).invoke("weather in Seoul?").tool_calls
    assert (call["name"], call["args"]) == ("weather", {"city": "Seoul"})
    structured = model.with_structured_output(City, method="json_schema").invoke("which city?")
    assert structured == City(name="Seoul")


async def test_llama_indexs_model_through_a_gateway(project):
    """`GenAI` too, asynchronously."""
    from llama_index.core.llms import ChatMessage

    from genai_integrations.llama_index import GenAI

    model = GenAI(model="gpt-4o", client=GenAIClient())
    messages = [ChatMessage(role="user", content="hello")]

    assert model.chat(messages).message.content == "amber-server says: hello"
    assert (await model.achat(messages)).message.content == "amber-server says: hello"
    streamed = [row async for row in await model.astream_chat(messages)]
    assert streamed[-1].message.content == "amber-server says: hello"
    assert list(model.stream_complete("hello"))[-1].text == "amber-server says: hello"


def test_openais_sdk_with_the_pair_as_its_key(project, whole_project):
    """Calls, streams, tools, structured output, embeddings and models; the trace's headers count."""
    sdk = openai.OpenAI(base_url=f"{whole_project[2]}/v1", api_key=project.key, max_retries=0)
    said = "amber-server says: hello"
    headers = {
        "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01",
        "langfuse-user-id": "alice",
        "langfuse-tags": "one, two",
        "langfuse-metadata": '{"team": "search"}',
        "baggage": "langfuse_session_id=session%201,other=1",
    }
    with sdk:
        reply = sdk.chat.completions.create(model="gpt-4o", messages=HELLO, extra_headers=headers)
        stream = sdk.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
        streamed = "".join(row.choices[0].delta.content or "" for row in stream if row.choices)
        vector = sdk.embeddings.create(model="text-embedding-3-small", input="hello")
        names = [row.id for row in sdk.models.list()]
        project.provider.replies = {"gpt-4o": '{"name": "Seoul"}'}
        parsed = sdk.chat.completions.parse(model="gpt-4o", messages=HELLO, response_format=City)
        project.provider.replies = {
            "gpt-4o": {"tool_calls": [{"name": "weather", "arguments": {"city": "Seoul"}}]}
        }
        called = sdk.chat.completions.create(model="gpt-4o", messages=HELLO, tools=[WEATHER])

    assert reply.choices[0].message.content == streamed == said
    assert vector.data[0].embedding
    assert names[0] == "amber-own/amber-model"
    assert parsed.choices[0].message.parsed == City(name="Seoul")
    assert called.choices[0].message.tool_calls[0].function.name == "weather"
    first = next(row for row in _spans(project)["generation"] if row["trace_id"] == "ab" * 16)
    assert first["parent_span_id"] == "cd" * 8
    assert first["attributes"]["user.id"] == "alice"
    assert first["attributes"]["session.id"] == "session 1"
    assert list(first["attributes"]["langfuse.trace.tags"]) == ["one", "two"]
    assert "search" in repr(first["attributes"])


@pytest.mark.parametrize("how", ["-u", "bearer", "x-api-key"])
def test_curl_with_the_pair_as_its_key(project, whole_project, how):
    """As `-u`, which is Basic, as a bearer token, and as `x-api-key`."""
    shown = {
        "-u": ["-u", project.key],
        "bearer": ["-H", f"authorization: Bearer {project.key}"],
        "x-api-key": ["-H", f"x-api-key: {project.key}"],
    }[how]
    body = json.dumps({"model": "gpt-4o", "messages": HELLO})
    command = [
        "curl", "-sS", "--noproxy", "*", f"{whole_project[2]}/v1/chat/completions", *shown,
        "-H", "content-type: application/json", "-d", body,
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, check=True, text=True)

    said = json.loads(answer.stdout)["choices"][0]["message"]["content"]
    assert said == "amber-server says: hello"


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "00-" + "0" * 32 + "-" + "1" * 16 + "-01"},
        {"traceparent": "ff-" + "1" * 32 + "-" + "1" * 16 + "-01"},
        {"traceparent": "x" * 5000},
        {"baggage": "langfuse_user_id=" + "x" * 9000},
        {"baggage": "langfuse_,=,;,langfuse_metadata_=%%%,langfuse_prompt_name=a,langfuse_prompt_version=9e9"},
        {"langfuse-metadata": "[" * 5000},
        {"langfuse-tags": "[1, null, {}]"},
        {"langfuse-tags": "," * 5000},
    ],
)  # fmt: skip
def test_trace_headers_that_are_none_are_ignored(project, whole_project, headers):
    """The call is answered, and recorded in a trace of its own."""
    shown = {"authorization": f"Bearer {project.key}", **headers}
    body = {"model": "gpt-4o", "messages": HELLO}
    answer = httpx.post(f"{whole_project[2]}/v1/chat/completions", json=body, headers=shown)

    assert answer.status_code == 200
    (generation,) = _spans(project)["generation"]
    assert not generation["parent_span_id"]


def test_baggage_stays_within_its_limit(provider):
    """What would make it too long is left out, and the trace's id is always there."""
    from opentelemetry.trace import SpanContext, TraceFlags

    context = SpanContext(1, 2, False, TraceFlags(1))
    made = carried(context, {"user.id": "u" * 5000, "session.id": "s", "other": "x"})

    assert made == {
        "traceparent": f"00-{1:032x}-{2:016x}-01",
        "baggage": f"langfuse_trace_id={1:032x},langfuse_session_id=s",
    }


def test_the_client_loads_nothing_more_for_a_gateway(project):
    """A program that uses a gateway imports neither the gateway's server nor LiteLLM."""
    code = (
        "import sys\n"
        "from genai_integrations import GenAIClient\n"
        "GenAIClient().completion('gpt-4o', [{'role': 'user', 'content': 'hello'}])\n"
        "print([name for name in ('litellm', 'psycopg', 'uvicorn', 'langfuse') if name in sys.modules])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
