"""What is not recorded: nothing at all, a share of it, or what a mask takes out; and never a secret."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest
from langfuse import Langfuse
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tracing_support import HELLO, WAYS, ask

from genai_integrations import Secret
from genai_integrations.errors import AuthenticationError
from genai_integrations.testing.faults import Fault

FAILED = "<fully masked due to failed mask function>"


def test_off_by_argument(make_client, langfuse, recorded):
    """Nothing is sent, and nothing is asked of Langfuse."""
    client = make_client(tracing=False)
    client.completion("gpt-4o", HELLO)

    assert recorded(client) == []
    assert langfuse.requests == []


@pytest.mark.parametrize("value", ["false", "False", " FALSE "])
def test_off_by_variable(value, make_client, langfuse, recorded, monkeypatch):
    """The SDK's own variable."""
    monkeypatch.setenv("LANGFUSE_TRACING_ENABLED", value)
    client = make_client()
    client.completion("gpt-4o", HELLO)

    assert recorded(client) == []
    assert langfuse.requests == []


OFF = """
import sys
from genai_integrations import Connection, GenAIClient
client = GenAIClient(connections=[Connection.of("home", "openai", "sk", sys.argv[1])], **{options})
client.completion("gpt-4o", [{{"role": "user", "content": "Hello!"}}])
client.flush()
print([name for name in ("langfuse", "opentelemetry") if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ({}, {}),
        ({"public_key": "pk", "secret_key": "sk", "tracing": False}, {}),
        ({"public_key": "pk", "secret_key": "sk"}, {"LANGFUSE_TRACING_ENABLED": "false"}),
        ({"public_key": "pk"}, {}),
    ],
)
def test_off_loads_nothing(options, variables, provider):
    """Without a key pair, or switched off, neither Langfuse's SDK nor OpenTelemetry is imported."""
    code = OFF.format(options=options)
    command = [sys.executable, "-c", code, f"{provider.url}/v1"]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize("how", ["argument", "variable", "own Langfuse", "after another client"])
def test_a_sample_rate_of_zero(how, make_client, langfuse, recorded, monkeypatch):
    """Nothing is recorded, also where a provider that samples nothing out was there before."""
    if how == "variable":
        monkeypatch.setenv("LANGFUSE_SAMPLE_RATE", "0.0")
    if how == "own Langfuse":
        pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
        Langfuse(**pair, base_url=langfuse.host, sample_rate=0.0)
    if how == "after another client":
        trace.set_tracer_provider(TracerProvider())
    given = {"sample_rate": 0.0} if how in {"argument", "after another client"} else {}
    client = make_client(**given)
    for way in WAYS:
        ask(client, way)

    assert recorded(client) == []


@pytest.mark.parametrize("whose", ["the program's", "the SDK's"])
def test_a_trace_is_sampled_as_a_whole(whose, make_client, langfuse, recorded):
    """All calls of a trace are recorded, or none."""
    if whose == "the program's":
        trace.set_tracer_provider(TracerProvider())
    else:
        pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
        Langfuse(**pair, base_url=langfuse.host)
    client = make_client(sample_rate=0.5)
    client.completion("gpt-4o", HELLO)
    recorded(client)
    tracer = trace.get_tracer("mine")
    for _ in range(30):
        with tracer.start_as_current_span("work"):
            for _ in range(3):
                client.completion("gpt-4o", HELLO)

    found = [row.trace for row in recorded(client)]
    assert 0 < len(set(found)) < 30
    assert {found.count(each) for each in found} == {3}


def test_a_mask(make_client, provider, only):
    """Input, output and metadata are what it makes of them; request and answer stay as they are."""

    def mask(*, data, **_):
        return json.loads(json.dumps(data).replace("secret", "***"))

    client = make_client(mask=mask)
    messages = [{"role": "user", "content": "secret!"}]
    reply = client.completion("gpt-4o", messages, langfuse_metadata={"note": "a secret"})

    generation = only(client)
    assert "secret" not in json.dumps(generation.attributes)
    assert generation.json("input") == [{"role": "user", "content": "***!"}]
    assert generation.json("output")["content"] == "provider says: ***!"
    assert generation.metadata["note"] == "a ***"
    assert reply.choices[0].message.content == "provider says: secret!"
    assert provider.requests[0].body["messages"] == messages


def test_a_mask_of_attempts(make_client, provider, recorded):
    """What a server said of an attempt is masked in its own span too."""
    provider.faults["*"] = [Fault.status(500, message="secret"), None]
    client = make_client(
        mask=lambda **_: "masked", trace_attempts=True, router_args={"num_retries": 1}
    )
    client.completion("gpt-4o", HELLO)

    first, _, generation = recorded(client)
    assert first["metadata"] == generation["metadata"] == '"masked"'


@pytest.mark.parametrize("way", WAYS)
def test_a_mask_that_raises(way, make_client, only):
    """The SDK's own words stand there, and the call is answered."""

    def mask(**_):
        raise ValueError("no")

    client = make_client(mask=mask)
    ask(client, way)

    generation = only(client)
    assert generation["input"] == generation["output"] == FAILED
    assert json.loads(generation["metadata"]) == FAILED
    assert generation["model.name"] == "gpt-4o"


@pytest.mark.parametrize("way", WAYS)
def test_a_mask_that_changes_its_argument(way, make_client, provider, only):
    """It has a copy: neither the request nor the answer changes."""

    def mask(*, data, **_):
        if isinstance(data, list):
            data.clear()
        else:
            data.update(content="masked", attempts=[])
        return data

    client = make_client(mask=mask)
    answer = ask(client, way)

    generation = only(client)
    assert generation.json("input") == []
    assert generation.json("output")["content"] == "masked"
    assert provider.requests[0].body["messages"] == HELLO
    if isinstance(answer, list):
        parts = [row.choices[0].delta.content or "" for row in answer if row.choices]
        assert "".join(parts) == "provider says: Hello!"
        assert answer[-1].usage.total_tokens == 4
    else:
        assert answer.choices[0].message.content == "provider says: Hello!"
        assert len(answer.route.attempts) == 1


def test_the_second_client_s_mask(make_client, recorded):
    """The SDK keeps what its first client was given; a mask is not lost for that."""
    first = make_client()
    first.completion("gpt-4o", HELLO)
    make_client(mask=lambda **_: "masked").completion("gpt-4o", HELLO)

    open_, masked = recorded(first)
    assert open_.json("input") == HELLO
    assert masked["input"] == "masked"


def test_what_the_program_s_own_langfuse_was_given(make_client, langfuse, only):
    """Mask, environment, release and provider of a `Langfuse` that was there before are respected."""
    own = TracerProvider()
    seen = InMemorySpanExporter()
    own.add_span_processor(SimpleSpanProcessor(seen))
    pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
    Langfuse(
        **pair,
        base_url=langfuse.host,
        mask=lambda **_: "masked",
        environment="staging",
        release="v7",
        tracer_provider=own,
    )
    client = make_client()
    client.completion("gpt-4o", HELLO)

    generation = only(client)
    assert generation["input"] == "masked"
    assert generation.attributes["langfuse.environment"] == "staging"
    assert generation.attributes["langfuse.release"] == "v7"
    assert [row.name for row in seen.get_finished_spans()] == ["genai-completion"]
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


@pytest.mark.parametrize("is_global", [False, True])
def test_the_program_s_own_langfuse_is_off(is_global, make_client, langfuse, recorded, caplog):
    """Nothing is recorded anywhere, neither by a provider for another back end; one warning says so."""
    elsewhere = InMemorySpanExporter()
    if is_global:
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(elsewhere))
        trace.set_tracer_provider(provider)
    pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
    Langfuse(**pair, base_url=langfuse.host, tracing_enabled=False)
    client = make_client()
    for way in WAYS:
        ask(client, way)

    assert recorded(client) == []
    assert elsewhere.get_finished_spans() == ()
    (message,) = [row.getMessage() for row in caplog.records if row.name == "genai_integrations"]
    assert message.startswith("calls are not recorded in Langfuse: ")


CANARY = "sk-canary-0123456789abcdef"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fails", [False, True])
def test_no_secret_is_exported(way, fails, make_client, connect, provider, langfuse, only):
    """Neither a provider's key, in an error that echoes it either, nor extra headers, nor Langfuse's key."""
    if fails:
        provider.faults["*"] = Fault.status(401, message=f"Incorrect API key provided: {CANARY}")
    headers = Secret('{"x-tenant": "header-canary"}')
    connection = dataclasses.replace(connect(key=CANARY), extra_headers=headers)
    client = make_client(connection, trace_attempts=True)
    if fails:
        with pytest.raises(AuthenticationError):
            ask(client, way)
    else:
        ask(client, way)
    client.flush()

    exported = json.dumps(langfuse.spans, default=repr)
    assert provider.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert provider.requests[0].headers["x-tenant"] == "header-canary"
    assert len(langfuse.spans) == 2
    for secret in (CANARY, "header-canary", langfuse.secret_key):
        assert secret not in exported
