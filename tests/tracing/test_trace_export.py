"""What is sent: with which key pair, by which threads, through the SDK or not, and pictures apart."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys

import pytest
from langfuse import Langfuse
from opentelemetry import baggage, context, trace
from tracing_support import HELLO, WAYS, ask

from genai_integrations.testing.langfuse import LangfuseStandIn

PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = "data:image/png;base64,iVBORw0KGgo="
REFERENCE = "@@@langfuseMedia:type=image/png|id=TEtqO-ExSrhhOL70MU3eAi|source=base64_data_uri@@@"


def login(public_key, secret_key):
    """Basic auth as a header."""
    return "Basic " + base64.b64encode(f"{public_key}:{secret_key}".encode()).decode()


def test_each_batch_has_its_key_pair(make_client, recorded):
    """Two projects of one process: each host sees its own pair only, and its own calls."""
    with (
        LangfuseStandIn("pk-lf-a", "sk-lf-a") as here,
        LangfuseStandIn("pk-lf-b", "sk-lf-b") as there,
    ):
        first, second = make_client(at=here), make_client(at=there)
        for number in range(3):
            first.completion("gpt-4o", HELLO, langfuse_user_id=f"a{number}")
            second.completion("gpt-4o", HELLO, langfuse_user_id=f"b{number}")
        users = {
            "a": [row.attributes["user.id"] for row in recorded(first, here)],
            "b": [row.attributes["user.id"] for row in recorded(second, there)],
        }

        logins = [
            {row.headers["authorization"] for row in server.requests} for server in (here, there)
        ]
        assert users == {"a": ["a0", "a1", "a2"], "b": ["b0", "b1", "b2"]}
        assert logins == [{login("pk-lf-a", "sk-lf-a")}, {login("pk-lf-b", "sk-lf-b")}]


def test_a_wrong_secret_is_no_other_client_s(make_client, langfuse, recorded):
    """Two clients of one public key, one of them with a wrong secret: the other's calls arrive."""

    class Wrong:
        public_key, secret_key, host = langfuse.public_key, "sk-lf-wrong", langfuse.host

    wrong, right = make_client(at=Wrong), make_client()
    for client in (wrong, right):
        client.completion("gpt-4o", HELLO)
    wrong.flush()

    assert len(recorded(right)) == 1


def test_the_headers_of_an_export(client, langfuse, recorded):
    """Protobuf, packed, in the version of the server's ingestion that reads these attributes at once."""
    client.completion("gpt-4o", HELLO)
    recorded(client)

    (request,) = langfuse.requests
    names = ("content-type", "content-encoding", "x-langfuse-sdk-name")
    assert [request.headers[name] for name in names] == ["application/x-protobuf", "gzip", "python"]
    assert request.headers["x-langfuse-ingestion-version"] == "4"


def test_the_scope_is_the_sdk_s(client, recorded):
    """The server takes the attributes of that scope for Langfuse's own."""
    client.completion("gpt-4o", HELLO)

    (generation,) = recorded(client)
    assert generation.scope == "langfuse-sdk"


MANY = """
import sys, threading
from genai_integrations import Connection, GenAIClient
url, host = sys.argv[1:]
connections = [Connection.of("home", "openai", "sk", url)]
clients = [GenAIClient(f"pk-{n}", "sk-lf-1234567890", host, connections=connections) for n in range(30)]
for client in clients:
    client.completion("gpt-4o", [{"role": "user", "content": "Hello!"}])
for client in clients:
    client.flush()
print(sum(thread.name == "genai-traces" for thread in threading.enumerate()))
print("langfuse" in sys.modules)
from opentelemetry import trace
print(type(trace.get_tracer_provider()).__name__)
"""


def run(code, *arguments, **variables):
    """Run a program to its end; the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout.splitlines()


def test_thirty_traced_clients(provider, langfuse):
    """They share at most four threads, load no SDK, and set no tracer provider for the program."""
    threads, has_sdk, global_provider = run(MANY, f"{provider.url}/v1", langfuse.host)

    assert 1 <= int(threads) <= 4
    assert has_sdk == "False"
    assert global_provider == "ProxyTracerProvider"
    assert len(langfuse.spans) == 30


PROMPTS = """
import sys, threading
from genai_integrations import GenAIClient
client = GenAIClient(*sys.argv[1:], connections=[], tracing=False)
print(client.get_prompt("greeting"))
print([thread.name for thread in threading.enumerate()])
from opentelemetry import trace
print(type(trace.get_tracer_provider()).__name__)
"""


def test_prompts_alone(langfuse):
    """A client that only fetches prompts has no thread of the SDK's, and no tracer provider."""
    langfuse.create_prompt("greeting", "Hello!")
    lines = run(PROMPTS, langfuse.public_key, langfuse.secret_key, langfuse.host)

    assert lines == ["Hello!", "['MainThread']", "ProxyTracerProvider"]


def own_langfuse(langfuse, **options):
    """A Langfuse that the program makes for the same project."""
    pair = {"public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
    return Langfuse(**pair, base_url=langfuse.host, **options)


@pytest.mark.parametrize("way", WAYS)
def test_the_program_makes_a_langfuse_later(way, client, langfuse, recorded):
    """From the next call on its settings hold. No call is lost, and none is recorded twice."""
    ask(client, way, langfuse_user_id="before")
    own_langfuse(langfuse, mask=lambda **_: "masked", environment="staging")
    ask(client, way, langfuse_user_id="after")

    rows = {row.attributes["user.id"]: row for row in recorded(client)}
    assert sorted(rows) == ["after", "before"]
    assert rows["before"].json("input") == HELLO
    assert "langfuse.environment" not in rows["before"].attributes
    assert rows["after"]["input"] == "masked"
    assert rows["after"].attributes["langfuse.environment"] == "staging"


def test_a_stream_that_is_open_while_a_langfuse_is_made(client, langfuse, recorded):
    """The call ends where it began."""
    stream = client.completion("gpt-4o", HELLO, True)
    next(stream)
    own_langfuse(langfuse, mask=lambda **_: "masked")
    list(stream)

    (generation,) = recorded(client)
    assert generation.json("input") == HELLO
    assert generation.json("output")["content"] == "provider says: Hello!"


def test_the_client_s_own_langfuse(make_client, recorded):
    """`client.langfuse` has the client's mask; observations of it nest as those of a program's own."""
    client = make_client(mask=lambda **_: "masked")
    client.completion("gpt-4o", HELLO)
    with client.langfuse.start_as_current_observation(name="mine", input="secret"):
        client.completion("gpt-4o", HELLO)

    rows = recorded(client)
    (mine,) = [row for row in rows if row.name == "mine"]
    assert len(rows) == 3
    assert mine["input"] == "masked"
    assert sorted(row.parent or "" for row in rows) == ["", "", mine.id]


def test_an_untraced_client_s_langfuse_silences_nobody(make_client, recorded):
    """It does not trace, as its client does not; another client of the same project does."""
    silent = make_client(tracing=False)
    assert silent.langfuse
    traced = make_client()
    traced.completion("gpt-4o", HELLO)

    assert len(recorded(traced)) == 1


@contextlib.contextmanager
def called_from(trace_id, sampled=True, **carried):
    """As if another service had called this one, in that trace, with that baggage."""
    flags = trace.TraceFlags(int(sampled))
    parent = trace.NonRecordingSpan(trace.SpanContext(trace_id, 7, True, flags))
    around = trace.set_span_in_context(parent)
    for name, value in carried.items():
        around = baggage.set_baggage(name, value, around)
    token = context.attach(around)
    try:
        yield
    finally:
        context.detach(token)


TRACE = 0x0AF7651916CD43DD8448EB211C80319C
ROOT = "langfuse.internal.is_app_root"


def test_a_call_in_another_service_s_trace(client, recorded):
    """It continues that trace, and is where this service's part of it begins."""
    with called_from(TRACE, langfuse_user_id="kim"):
        client.completion("gpt-4o", HELLO)

    (generation,) = recorded(client)
    assert generation.trace == "0af7651916cd43dd8448eb211c80319c"
    assert generation.parent == "0000000000000007"
    assert generation.attributes["user.id"] == "kim"
    assert generation.attributes[ROOT] is True


def test_a_trace_that_langfuse_has_already(client, recorded):
    """The other service's own observation is its root."""
    with called_from(TRACE, langfuse_trace_id="0af7651916cd43dd8448eb211c80319c"):
        client.completion("gpt-4o", HELLO)

    assert ROOT not in recorded(client)[0].attributes


def test_a_trace_that_is_sampled_out(client, recorded):
    """What the other service leaves out is left out here."""
    with called_from(TRACE, sampled=False):
        client.completion("gpt-4o", HELLO)
    client.completion("gpt-4o", HELLO)

    (generation,) = recorded(client)
    assert generation.parent is None
    assert generation.attributes[ROOT] is True


class Storing(LangfuseStandIn):
    """A Langfuse that takes pictures and files.

    Attributes:
        announced: What was announced, in order.
        stored: The bytes that were put, each with its content type.
        marked: What was told of each upload.
    """

    def __init__(self, **options):
        super().__init__(**options)
        self.announced, self.stored, self.marked = [], [], []

    async def respond(self, request, exchange):
        """Answer what belongs to media; all else as the stand-in does."""
        told = {"content-type": "application/json"}
        start = "/api/public/media"
        if request.path == "/bucket/object":
            self.stored.append((request.method, request.headers["content-type"], request.content))
            await exchange.send(200, b"", told)
        elif request.method == "POST" and request.path == start:
            self.announced.append(request.body)
            reply = {"mediaId": "the id", "uploadUrl": f"{self.url}/bucket/object?sign=1"}
            await exchange.send(201, json.dumps(reply).encode(), told)
        elif request.method == "PATCH" and request.path == f"{start}/the%20id":
            self.marked.append(request.body)
            await exchange.send(200, b"", told)
        else:
            await super().respond(request, exchange)


@pytest.fixture
def storing():
    """A Langfuse that takes pictures and files."""
    with Storing(public_key="pk-lf-storing") as server:
        yield server


def with_picture(picture):
    """Messages with a picture."""
    content = [{"type": "image_url", "image_url": {"url": picture}}]
    return [{"role": "user", "content": content}]


def test_a_picture_is_uploaded(storing, make_client, recorded):
    """Announced, put where the server says, and marked; what is recorded has a reference in its place."""
    client = make_client(at=storing)
    client.completion("gpt-4o", with_picture(PICTURE))
    (generation,) = recorded(client, storing)

    (announced,) = storing.announced
    (marked,) = storing.marked
    assert generation.json("input") == with_picture(REFERENCE)
    assert announced == {
        "traceId": generation.trace,
        "observationId": generation.id,
        "contentType": "image/png",
        "contentLength": 8,
        "sha256Hash": "TEtqO+ExSrhhOL70MU3eAi5gCWDYaJosj4YxgC0g2rY=",
        "field": "input",
    }
    assert storing.stored == [("PUT", "image/png", PNG)]
    assert (marked["uploadHttpStatus"], marked["uploadHttpError"]) == (200, "")


def test_a_picture_that_is_no_base64(client, only):
    """It stays as it is."""
    broken = "data:image/png;base64,A"
    client.completion("gpt-4o", with_picture(broken))

    assert only(client).json("input") == with_picture(broken)


def test_pictures_stay_where_they_are(client, only, monkeypatch):
    """With the SDK's variable for it."""
    monkeypatch.setenv("LANGFUSE_MEDIA_UPLOAD_ENABLED", "false")
    client.completion("gpt-4o", with_picture(PICTURE))

    assert only(client).json("input") == with_picture(PICTURE)


@pytest.mark.parametrize("hanging", [1, 4])
def test_hosts_that_hang(hanging, make_client, langfuse, recorded, monkeypatch):
    """What is recorded for another host arrives; it waits for one time-out at most, if they hold all threads."""
    monkeypatch.setenv("LANGFUSE_TIMEOUT", "1")
    with contextlib.ExitStack() as servers:
        others = [
            servers.enter_context(LangfuseStandIn(f"pk-lf-{number}")) for number in range(hanging)
        ]
        for other in others:
            other.hanging = True
            make_client(at=other).completion("gpt-4o", HELLO)
        client = make_client()
        others[0].wait_for_requests(1)
        client.completion("gpt-4o", HELLO)
        (export,) = langfuse.wait_for_requests(1)

        assert export.path == "/api/public/otel/v1/traces"
        assert len(recorded(client)) == 1
